"""What the doctor says, and what its checks tell one another."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from histosurv.errors import InputError

if TYPE_CHECKING:  # or a broken pandas would take every check along
    from histosurv.cohort.membership import Cohort


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes
    ----------
    level : {'ok', 'note', 'STOP'}
        In order, a remark, or something that stops a run.
    found : str
        What was found.
    mend : str
        What to do about it, and what to type.
    """

    level: Literal["ok", "note", "STOP"]
    found: str
    mend: str = ""

    def __str__(self) -> str:
        lines = [f"{self.level:<6}{in_one_line(self.found)}"]
        return "\n      ".join([*lines, in_one_line(self.mend)] if self.mend else lines)


@dataclass
class Case:
    """What is examined, and what the checks find out for those after them.

    Attributes
    ----------
    configs : list of pathlib.Path
        Config files as named by the user.
    profile_folder : pathlib.Path or None
        Snakemake profile that the study is to be run with.
    profile : dict
        What stands in it.
    settings : dict or None
        The complete configuration, if there is one without a mistake.
    cohort : Cohort or None
        The tables, if they are in order.
    tiles_per_spot : float
        Of the spots that were looked at; 0 = not known.
    probed : dict
        Answers of `histosurv.doctor.probe`.
    """

    configs: list[Path] = field(default_factory=list)
    profile_folder: Path | None = None
    profile: dict = field(default_factory=dict)
    settings: dict | None = None
    cohort: "Cohort | None" = None
    tiles_per_spot: float = 0.0
    probed: dict[str, Any] = field(default_factory=dict)

    @property
    def executor(self) -> str:
        """Where the profile sends the steps; empty for this machine."""
        return str(self.profile.get("executor") or "")


def ok(found: str) -> Finding:
    """Something is in order."""
    return Finding("ok", found)


def note(found: str, mend: str) -> Finding:
    """Something is worth a remark."""
    return Finding("note", found, mend)


def stop(found: str, mend: str) -> Finding:
    """Something stops a run."""
    return Finding("STOP", found, mend)


def mistake(error: InputError) -> Finding:
    """A user's mistake, whose message ends with the mend behind a semicolon."""
    found, _, mend = str(error).rpartition("; ")
    return stop(found, mend) if found else stop(mend, "correct it")


def in_one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def in_words(error: BaseException, *, most: int = 300) -> str:
    """An exception in one line of bearable length."""
    text = in_one_line(str(error))
    return f"{type(error).__name__}: {text[:most]}" if text else type(error).__name__


def gb(n_bytes: float) -> str:
    """Bytes in words."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.0f} MB"
