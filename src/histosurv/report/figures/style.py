"""One look for all figures, and the same bytes for the same figure."""

import io

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
    "visual_risk": "#000000",
    "grade": "#7F7F7F",
}

RC = {
    "svg.hashsalt": "histosurv",
    "svg.fonttype": "none",  # text stays text: searchable, and no outlines that differ
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


def new_figure(width_in: float, height_in: float) -> Figure:
    """Make an empty figure in the house style."""
    with mpl.rc_context(RC):
        return Figure(figsize=(width_in, height_in), layout="constrained")


def to_svg(figure: Figure) -> str:
    """Text of the figure as SVG, without the XML prologue, to stand inside a page."""
    stream = io.StringIO()
    no_metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with mpl.rc_context(RC):
        figure.savefig(stream, format="svg", metadata=no_metadata)
    text = stream.getvalue()
    return text[text.index("<svg") :]
