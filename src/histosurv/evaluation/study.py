"""What an evaluation is asked, what it works on, and the rows that it writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.cohort.tables import OUTCOME
from histosurv.errors import InputError
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.figures import figures
from histosurv.evaluation.resampling import Resamples, bootstrap
from histosurv.evaluation.sample import Sample, Score

COLUMNS = [
    "score", "against", "subgroup", "estimand", "estimate", "lower", "upper", "p", "n", "events",
    "method", "note",
]  # fmt: skip


MAJORITY = "visual_risk"
LEAST_P = 1e-300  # a p is never zero, though its number may be too small to be held


@dataclass(frozen=True)
class Settings:
    """The config's ``evaluation:``.

    Attributes
    ----------
    primary : str
        The score that the study is about.
    against : str
        The score of its one test that was declared before.
    covariates : tuple of str
        Columns of the multivariable regression.
    subgroups : tuple of str
        Columns whose levels are looked at one by one.
    readers : tuple of str
        Scores that are pathologists' calls.
    resamples, seed : int
        Of the bootstrap.
    """

    primary: str = ""
    against: str = ""
    covariates: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    resamples: int = 2000
    seed: int = 2018

    @classmethod
    def of(cls, keys: dict, brought: list[str]) -> "Settings":
        """From the config; without a name, the study is about the first score in the alphabet.

        Raises
        ------
        InputError
            A covariate or subgroup that is the outcome, or a name.
        """
        asked = cls(**{name: _frozen(value) for name, value in keys.items()})
        for name in (*asked.covariates, *asked.subgroups):
            if name in ("patient_id", *OUTCOME):
                raise InputError(
                    f"config: evaluation: {name} is what is to be foretold, or a name; take it out "
                    "of covariates and subgroups"
                )
        return asked if asked.primary else replace(asked, primary=min(brought))


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def row(
    estimand: str,
    estimate: Estimate,
    n: int,
    events: int,
    method: str,
    *,
    score: str = "",
    against: str = "",
    subgroup: str = "",
) -> dict:
    """One line of the metrics table.

    Parameters
    ----------
    estimand : str
        What is estimated; with a horizon in months in its name where there is one.
    n, events : int
        Patients that the figure rests on, and deaths of the cancer among them: by the horizon for
        figures at a horizon, ever otherwise.
    method : str
        How, in a few words.
    score, against, subgroup : str
        Whose figure; the other score or the covariates; the patients, empty = all.
    """
    values = {"estimate": estimate.value, "lower": estimate.lower, "upper": estimate.upper}
    p = max(estimate.p, LEAST_P) if np.isfinite(estimate.p) else np.nan
    return {
        "score": score, "against": against, "subgroup": subgroup, "estimand": estimand, **values,
        "p": p, "n": n, "events": events, "method": method, "note": estimate.note,
    }  # fmt: skip


@dataclass(frozen=True)
class Study:
    """Patients, their scores, and what is asked of them."""

    sample: Sample
    scores: dict[str, Score]
    settings: Settings
    _known: dict[tuple, dict[str, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def everybody(self) -> np.ndarray:
        """Places of all patients."""
        return np.arange(len(self.sample))

    @property
    def primary(self) -> Score | None:
        """The score that the study is about, if it is there."""
        return self.scores.get(self.settings.primary)

    def of(self, score: Score) -> Sample:
        """Patients who have a score."""
        return self.sample.only(score.rows)

    def counts(self, rows: np.ndarray) -> dict[str, tuple[int, int]]:
        """Patients and events of some: ``ever``, by the ``horizon``, and with a ``label``."""
        dead, label = self.sample.dead_by_horizon[rows], self.sample.label[rows]
        return {
            "ever": (len(rows), int(self.sample.died[rows].sum())),
            "horizon": (len(rows), int(dead.sum())),
            "label": (int(np.isfinite(label).sum()), int((label == 1).sum())),
        }

    def point(self, score: Score) -> dict[str, float]:
        """Figures of a score in the sample itself."""
        once = np.ones((1, len(self.sample)))
        drawn = [Resamples(once, self.sample.time, self.sample.died, HORIZON_MONTHS)]
        return {name: float(of[0]) for name, of in self._figures("point", score, drawn).items()}

    def drawn(self, score: Score) -> dict[str, np.ndarray]:
        """Figures of a score in all resamples, the same resamples for every score."""
        return self._figures("drawn", score, self.resamples(self.sample.died))

    def resamples(self, died: np.ndarray) -> Iterator[Resamples]:
        """The study's resamples, with one event or another."""
        return bootstrap(
            self.sample.time,
            died,
            HORIZON_MONTHS,
            n_resamples=self.settings.resamples,
            seed=self.settings.seed,
            strata=self._strata,
        )

    def _figures(
        self, kind: str, score: Score, resamples: Iterable[Resamples]
    ) -> dict[str, np.ndarray]:
        """Figures of all resamples, which are computed once."""
        key = (kind, score.name, score.rows.tobytes(), score.fold.tobytes())
        if key not in self._known:
            parts = [figures(score, self.sample, portion) for portion in resamples]
            self._known[key] = {
                name: np.concatenate([part[name] for part in parts]) for name in parts[0]
            }
        return self._known[key]

    @cached_property
    def _strata(self) -> np.ndarray | None:
        """Folds, where one partition is evaluated; several cannot be kept at once."""
        primary = self.primary
        if primary is None or len(primary.fold) > 1 or len(primary.rows) < len(self.sample):
            return None
        return primary.fold[0]
