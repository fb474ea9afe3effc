"""A part of a comparison: what was held against what, and the verdict."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Listing:
    """Rows that differ.

    Attributes
    ----------
    caption : str
        What the rows are.
    columns : list of str
        Headings; the first names the row.
    rows : list of list of str
        Cells as a reader sees them.
    n_told : int
        Rows that a terminal shows, too.
    is_folded : bool
        Whether a page shows them on request only.
    """

    caption: str
    columns: list[str]
    rows: list[list[str]]
    n_told: int = 3
    is_folded: bool = False


@dataclass(frozen=True)
class Part:
    """A verdict with its rows.

    Attributes
    ----------
    title : str
        What was compared.
    verdict : str
        One sentence.
    differs : bool or None
        None where it could not be compared.
    listings : list of Listing
        Those without rows are not shown.
    """

    title: str
    verdict: str
    differs: bool | None
    listings: list[Listing] = field(default_factory=list)


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"
