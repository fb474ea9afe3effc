"""One look for all figures, and the same bytes for the same figure."""

import functools
import io
import re
import warnings
from collections.abc import Callable, Iterable
from typing import ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = {
    "low": "#0072B2",
    "high": "#D55E00",
    "lstm": "#D55E00",
    "logistic": "#0072B2",
    "naive_bayes": "#009E73",
    "svm": "#CC79A7",
    "attention_mil": "#E69F00",
    "elastic_net": "#56B4E9",
    "cox": "#8C6D1F",
    "clinical": "#332288",
    "visual_risk": "#000000",
    "vote_count": "#000000",
    "grade": "#7F7F7F",
}
SPARE = ["#56B4E9", "#E69F00", "#555555", "#117733", "#882255", "#999933"]
FAINT = "#767676"  # of lines that only guide the eye

RC = {
    "svg.hashsalt": "histosurv",
    "svg.fonttype": "none",  # text stays text: searchable, and no outlines that differ
    "pdf.fonttype": 42,  # text that can be edited
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "text.parse_math": False,  # names of columns are text, dollars and all
}
P = ParamSpec("P")
LONGEST = 48  # characters of a name that have room beside a figure
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # a name may hold such letters
_NO_METADATA = {
    "svg": dict.fromkeys(["Creator", "Date", "Format", "Type"]),
    "pdf": dict.fromkeys(["Creator", "Producer", "CreationDate"]),
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the house style."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width_in: float, height_in: float) -> Figure:
    """Make an empty figure."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def colours_of(scores: Iterable[str]) -> dict[str, str]:
    """A colour per score: its own, or the next that is left."""
    found: dict[str, str] = {}
    for score in scores:
        rest = [c for c in SPARE if c not in found.values()] or SPARE
        found[score] = COLOURS.get(score, rest[0])
    return found


def short(text: str, longest: int = LONGEST) -> str:
    """A name that fits beside a figure."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def to_svg(figure: Figure, name: str) -> str:
    """Text of the figure as SVG, without the XML prologue, to stand inside a page.

    Its ids carry the name, lest those of two figures on one page be the same.
    """
    text = _saved(figure, "svg").decode("utf-8")
    figure.set_layout_engine("none")  # everything has its place now, in the next format too
    text = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text[text.index("<svg") :])
    return re.sub(r'(<[^>]*?\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)


def to_pdf(figure: Figure) -> bytes:
    """The figure as PDF."""
    return _saved(figure, "pdf")


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    with mpl.rc_context(RC), warnings.catch_warnings():
        # The page's fonts know letters that those of matplotlib do not.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(stream, format=kind, metadata=_NO_METADATA[kind])
    return stream.getvalue()
