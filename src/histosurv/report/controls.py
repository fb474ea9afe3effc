"""What the report shows of the negative controls."""

import math
from pathlib import Path

import pandas as pd

from histosurv.report.wording import MODELS, in_order, interval, name_of

CONTROLS = {
    "permuted": "Outcomes dealt anew",
    "background": "Tiles of bare glass alone",
    "block": "Block alone",
}
WRONG = {
    "permuted": "Outcomes were dealt anew, and still {name} ranks them with an AUC of {auc}. That "
    "happens by chance, in more than one of twenty such figures; if it happens again with another "
    "seed (resampling: seed), the study leaks.",
    "background": "From tiles of bare glass alone {name} has an AUC of {auc}: scanning or staining "
    "follows the outcome, and tissue need not be the reason for any other figure.",
    "block": "From the tissue-microarray block alone {name} has an AUC of {auc}: blocks differ in "
    "outcome, and a model may read the block in the stain; see resampling: scheme: blocks.",
}


def read_metrics(path: Path) -> pd.DataFrame:
    """Read a metrics table, of all patients and single scores; missing text is empty."""
    metrics = pd.read_csv(path, keep_default_na=False, na_values=[""])
    for name in ("score", "against", "subgroup", "note"):
        metrics[name] = metrics[name].fillna("")
    return metrics[(metrics["against"] == "") & (metrics["subgroup"] == "")]


def control_section(controls: dict[str, Path], asked: bool | list[str]) -> dict:
    """Everything that the report says of the controls.

    Parameters
    ----------
    controls : dict of str to pathlib.Path
        Metrics tables by name.
    asked : bool or list of str
        The config's ``controls:``.

    Returns
    -------
    dict
        ``rows`` (text: ``control, name, auc, n, verdict``) and ``warnings`` (sentences).
    """
    rows, warnings = [], []
    for control in CONTROLS:
        if control not in controls:
            if asked is True:
                rows.append(_left_out(control))
            continue
        table = read_metrics(controls[control])
        table = table[table["estimand"] == "auc_60m_within_folds"].set_index("score")
        for score in in_order([name for name in table.index if name in MODELS]):
            row = table.loc[score]
            rows.append(
                {
                    "control": CONTROLS[control],
                    "name": name_of(score),
                    "auc": interval(row),
                    "n": f"{row['n']:.0f} / {row['events']:.0f}",
                    "verdict": _verdict(row),
                }
            )
            if row["lower"] > 0.5:
                text = WRONG[control].format(name=name_of(score), auc=interval(row))
                warnings.append(f"Control: {text[0].upper()}{text[1:]}")
    return {"rows": rows, "warnings": warnings}


def _verdict(row: pd.Series) -> str:
    if not math.isfinite(row["lower"]) or not math.isfinite(row["upper"]):
        return "cannot be told"
    is_within = row["lower"] <= 0.5 <= row["upper"]
    return "as it should be" if is_within else "look: 0.5 is not in the interval"


def _left_out(control: str) -> dict[str, str]:
    reason = {
        "background": "not run: no tile of bare glass fits beside a core, or there are no pictures",
        "block": "not run: the spots are not in several blocks, or folds hold whole blocks",
    }[control]
    return {"control": CONTROLS[control], "name": "", "auc": "", "n": "", "verdict": reason}
