"""What a section of the report consists of: sentences, figures, tables, or why there are none."""

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

MOST_ROWS = 5000  # of a table in the page; all of them stand in the exported one


@dataclass(frozen=True)
class Plot:
    """A figure.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        In the house style.
    data : pandas.DataFrame
        The numbers in it, which stand beside it as CSV.
    alt : str
        What somebody who cannot see it must know.
    note : str
        Who is in it: patients, deaths, and what was left out.
    """

    figure: Figure
    data: pd.DataFrame
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text. A cell may be `markupsafe.Markup`, for links.

    Attributes
    ----------
    rows : pandas.DataFrame
        Cells as a reader sees them, columns named as he reads them; the first names the row.
    note : str
        What its caption says of this run.
    is_sortable : bool
        Whether it gets a filter, and headings that sort.
    links : tuple of str
        Where the first cell of each row leads to; none by default.
    """

    rows: pd.DataFrame
    note: str = ""
    is_sortable: bool = False
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """No figure or table, and why: one sentence."""

    reason: str


Item = Plot | Table | Missing


@dataclass
class Content:
    """A section.

    Attributes
    ----------
    text : list of str
        Paragraphs.
    items : dict of str to Item
        Figures and tables by their names in ``sections.yaml``, all of them.
    extra : dict
        What the section's own template shows besides.
    warnings : list of str
        Sentences that the report opens with.
    """

    text: list[str] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    extra: dict = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
