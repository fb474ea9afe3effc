"""A finished run, as the report reads it: every table of every room, when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from histosurv.cohort.folds import named_blocks, read_folds
from histosurv.cohort.tables import read_checked_spots, read_indexes, read_patients
from histosurv.config import DEVELOPMENT, primary_score, shown_network
from histosurv.errors import InputError
from histosurv.evaluation.study import MAJORITY
from histosurv.files import batch_name, read_yaml
from histosurv.models.scores import job_names
from histosurv.report.features import feature_section
from histosurv.report.tables import read_metrics, read_numbers
from histosurv.report.wording import in_order
from histosurv.spots.preparation import in_sequence
from histosurv.spots.thumbnails import Thumbnails
from histosurv.spots.tile_table import read_quality, read_tiles

PATIENT_STAGES = ("patient table", "patient")  # of exclusions; all others are of spots

_IDS = {"patient_id": str, "spot_id": str}


@dataclass(frozen=True)
class Run:
    """Results of a study.

    Parameters
    ----------
    results : pathlib.Path
        Folder with ``config.yaml``, ``development/`` and ``models/``.
    n_batches : int
        Number of batches of spots; indexes of an older batch size may lie beside them.
    controls : sequence of str
        Names of the negative controls that were run.
    benchmarks : pathlib.Path, optional
        Folder with Snakemake's measurements of the steps; none where they were run by hand.
    cohort : str
        Whose tables are read.
    """

    results: Path
    n_batches: int = 1
    controls: Sequence[str] = ()
    benchmarks: Path | None = None
    cohort: str = DEVELOPMENT

    @property
    def folder(self) -> Path:
        """Results of the cohort."""
        return self.results / self.cohort

    @property
    def is_external(self) -> bool:
        """Whether no model has learnt from the cohort."""
        return self.cohort != DEVELOPMENT

    @property
    def external(self) -> list[str]:
        """Names of the external cohorts."""
        return [name for name in self.config["cohorts"] if name != DEVELOPMENT]

    @cached_property
    def config(self) -> dict:
        """The complete configuration, as the run wrote it."""
        path = self.results / "config.yaml"
        if not path.is_file():
            raise InputError(
                f"{path}: there is no such file; name the folder of a finished run's results"
            )
        return read_yaml(path)

    @property
    def has_pictures(self) -> bool:
        """Whether features were computed from pictures, and not imported."""
        return not self.config["features"]["import"]

    @property
    def batches(self) -> list[str]:
        """Numbers of the batches, as they stand in file names."""
        return [batch_name(number) for number in range(self.n_batches)]

    @cached_property
    def patients(self) -> pd.DataFrame:
        """Patients who were analysed, with ``label_60m``."""
        table = read_patients(self.folder / "cohort/patients.csv")
        return table.reset_index(drop=True)

    @cached_property
    def spots(self) -> pd.DataFrame:
        """Spots that were analysed, with the name of their block."""
        table = read_checked_spots(self.folder / "cohort/spots.csv").reset_index(drop=True)
        return table.assign(block=named_blocks(table))

    @cached_property
    def exclusions(self) -> pd.DataFrame:
        """``id, stage, reason`` of everybody and everything that was left out."""
        path = self.folder / "cohort/exclusions.csv"
        return pd.read_csv(path, dtype=str, keep_default_na=False)

    @cached_property
    def folds(self) -> pd.DataFrame:
        """``patient_id, repeat, fold, part``."""
        return read_folds(self.folder / "cohort/folds.csv")

    @property
    def jobs(self) -> list[str]:
        """``{repeat}_{fold}`` of every job of a model."""
        return job_names(self.folds)

    @cached_property
    def quality(self) -> pd.DataFrame | None:
        """One row per spot with its verdict; None where features were imported."""
        return self._of_batches("spots/quality", read_quality)

    @cached_property
    def tiles(self) -> pd.DataFrame | None:
        """One row per tile; None where features were imported."""
        return self._of_batches("spots", read_tiles)

    def _of_batches(self, folder: str, read) -> pd.DataFrame | None:
        if not self.has_pictures:
            return None
        paths = [self.folder / folder / f"{batch}.csv" for batch in self.batches]
        return pd.concat([read(path) for path in paths], ignore_index=True)

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per spot with its feature file and SHA-256."""
        return read_indexes(self.folder / "features", self.n_batches)

    @cached_property
    def features(self) -> dict:
        """How the features were made, as from `histosurv.report.features.feature_section`."""
        return feature_section(self.folder / "features", self.n_batches)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per patient, score and repeat."""
        return read_numbers(self.folder / "scores.csv", ["value", "risk_60m", "threshold"], _IDS)

    @cached_property
    def attribution(self) -> pd.DataFrame | None:
        """Contribution of every tile by one network in the first repeat, if asked for."""
        if not self.explained:
            return None
        paths = [
            self.results / "models" / self.explained / job / "attribution.csv"
            for job in self.jobs
            if job.startswith("1_")
        ]
        tables = [read_numbers(path, ["contribution"], _IDS) for path in paths]
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """Small pictures of the spots."""
        folder = self.folder / "spots/thumbnails"
        return Thumbnails([folder / f"{batch}.zip" for batch in self.batches])

    @property
    def ratios(self) -> dict[str, float]:
        """Width over height of every spot whose picture was seen."""
        if self.quality is None:
            return {}
        ratio = self.quality["width"] / self.quality["height"]
        return dict(zip(self.quality["spot_id"], ratio.fillna(1).round(3), strict=True))

    @cached_property
    def places(self) -> pd.DataFrame:
        """Every tile with a contribution, and where it lies in its spot.

        Returns
        -------
        pandas.DataFrame
            ``patient_id, spot_id, tile, contribution``, and ``left, top, wide, high`` as shares of
            the spot's region.
        """
        tiles = self.tiles[in_sequence(self.tiles, self.config["spots"]["background"])]
        tiles = tiles.assign(tile=tiles.groupby("spot_id").cumcount() + 1)
        region = self.quality[["spot_id", "x", "y", "width", "height"]]
        table = self.attribution[["patient_id", "spot_id", "tile", "contribution"]]
        table = table.merge(tiles[["spot_id", "tile", "x", "y", "size_px"]], on=["spot_id", "tile"])
        table = table.merge(region, on="spot_id", suffixes=("", "_of_spot"))
        places = {
            "left": (table["x"] - table["x_of_spot"]) / table["width"],
            "top": (table["y"] - table["y_of_spot"]) / table["height"],
            "wide": table["size_px"] / table["width"],
            "high": table["size_px"] / table["height"],
        }
        return table[["patient_id", "spot_id", "tile", "contribution"]].assign(**places)

    def curve(self, name: str) -> pd.DataFrame:
        """A table of points of the evaluation."""
        names = {"score": str, "rule": str, "group": str, "term": str}
        return pd.read_csv(self.folder / f"evaluation/{name}.csv", dtype=names)

    @cached_property
    def told(self) -> list[str]:
        """What the evaluation warned of."""
        return list(pd.read_csv(self.folder / "evaluation/warnings.csv")["warning"])

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """All figures of the evaluation; missing text is empty."""
        return read_metrics(self.folder / "evaluation/metrics.csv")

    @cached_property
    def _by_key(self) -> dict[tuple, pd.Series]:
        keys = ["score", "estimand", "against", "subgroup"]
        return {tuple(row[key] for key in keys): row for _, row in self.metrics.iterrows()}

    def row(
        self, score: str, estimand: str, against: str = "", subgroup: str = ""
    ) -> pd.Series | None:
        """One figure, or None where the study has no such."""
        return self._by_key.get((score, estimand, against, subgroup))

    def count(self, estimand: str) -> int:
        """A number of patients of the cohort."""
        return int(self.row("", estimand)["estimate"])

    @cached_property
    def score_names(self) -> list[str]:
        """All scores that were evaluated, in the order in which they are shown."""
        is_score = (self.metrics["score"] != "") & (self.metrics["estimand"] == "auc_60m")
        return in_order(list(self.metrics.loc[is_score, "score"].unique()))

    @property
    def networks(self) -> list[str]:
        """Networks of the study."""
        return self.config["models"]["networks"]

    @property
    def models(self) -> list[str]:
        """Models that read tissue."""
        return [*self.networks, *self.config["models"]["baselines"]]

    @property
    def clinical(self) -> list[str]:
        """Models that read the patient table, alone and with a network."""
        joined = [f"clinical_{name}" for name in self.networks]
        return ["clinical", *joined] if self.config["models"]["clinical"] else []

    @property
    def primary(self) -> str:
        """The score that the study is about."""
        return primary_score(self.config)

    @property
    def is_learnt(self) -> bool:
        """Whether the study's score is of a model of the folds, and did not come with the table."""
        return self.primary in [*self.models, *self.clinical]

    @property
    def explained(self) -> str:
        """The network whose tiles are shown; empty = none."""
        return shown_network(self.config) if self.config["models"]["attribution"]["run"] else ""

    @property
    def readers(self) -> list[str]:
        """Pathologists whose calls were evaluated."""
        return [name for name in self.config["cohort"]["readers"] if name in self.score_names]

    @property
    def human(self) -> str:
        """What stands for the pathologists: the declared comparison if it is theirs, or their vote.

        Empty where nobody read.
        """
        of_readers = [self.config["evaluation"]["against"], "vote_count", MAJORITY, *self.readers]
        theirs = {"vote_count", MAJORITY, *self.readers}
        return next((n for n in of_readers if n in theirs and n in self.score_names), "")

    def scored(self, name: str) -> pd.DataFrame:
        """Outcomes of the patients with a score, its mean over the repeats, and the group.

        Returns
        -------
        pandas.DataFrame
            The patient table with ``value, risk_60m, threshold, is_high, fold`` (of the first
            repeat).
        """
        own = self.scores[(self.scores["score"] == name) & self.scores["value"].notna()]
        mean = own.groupby("patient_id")[["value", "risk_60m", "threshold"]].mean()
        first = own.sort_values("repeat", kind="stable").drop_duplicates("patient_id")
        mean["fold"] = first.set_index("patient_id")["fold"]
        # A column of the patient table may have such a name; what is asked for here is the score.
        own = self.patients.drop(columns=[*mean.columns, "is_high"], errors="ignore")
        table = own.merge(mean, left_on="patient_id", right_index=True)
        return table.assign(is_high=table["value"] >= table["threshold"])
