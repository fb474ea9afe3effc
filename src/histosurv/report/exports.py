"""Figures and tables as files for the paper: SVG, PDF and CSV; CSV and LaTeX."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from histosurv.publish import published, write_table
from histosurv.report.content import Item, Plot, Table
from histosurv.report.figures.style import to_pdf

MOST_LATEX_ROWS = 500  # nobody pastes more


def export(items: dict[str, Item], svgs: dict[str, str], out: Path) -> None:
    """Write ``figures/`` and ``tables/``, and take away what an older report left in them.

    Parameters
    ----------
    items : dict of str to Item
        By name.
    svgs : dict of str to str
        Text of the figures.
    out : pathlib.Path
        Folder of the report.
    """
    for kind in ("figures", "tables"):
        (out / kind).mkdir(parents=True, exist_ok=True)
        for old in (out / kind).iterdir():
            if old.suffix in (".svg", ".pdf", ".csv", ".tex"):
                old.unlink()
    for name, item in items.items():
        if isinstance(item, Plot):
            _write(out / f"figures/{name}.svg", svgs[name].encode())
            _write(out / f"figures/{name}.pdf", to_pdf(item.figure))
            write_table(item.data, out / f"figures/{name}.csv")
        elif isinstance(item, Table):
            rows = plain(item.rows)
            write_table(rows, out / f"tables/{name}.csv")
            if has_latex(item):
                _write(out / f"tables/{name}.tex", rows.to_latex(index=False, escape=True).encode())


def has_latex(table: Table) -> bool:
    """Whether a table is short enough to be pasted into a paper."""
    return len(table.rows) <= MOST_LATEX_ROWS


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """The same table without markup."""
    return rows.map(lambda cell: cell.striptags() if isinstance(cell, Markup) else cell)


def _write(path: Path, content: bytes) -> None:
    with published(path) as temporary:
        temporary.write_bytes(content)
