"""Settings, code, libraries and machines of two runs."""

from pathlib import Path

from histosurv.files import file_sha256
from histosurv.report.differences.part import Listing, Part, plural
from histosurv.report.differences.runs import Opened
from histosurv.report.origin import without_folder
from histosurv.report.provenance import as_text

NONE = "not there"  # a setting of another version


def settings(a: Opened, b: Opened) -> Part:
    """Settings that differ, key by key."""
    left, right = (dict(_flat(of.run.config, "")) for of in (a, b))
    rows = [
        [key, *_cells(left, right, key)]
        for key in dict.fromkeys([*left, *right])
        if left.get(key, NONE) != right.get(key, NONE)
    ]
    verdict = f"{plural(len(rows), 'setting')} with other values" if rows else "the same"
    listing = Listing("Settings that differ", ["Setting", "A", "B"], rows, n_told=6)
    return Part("Settings", verdict, bool(rows), [listing])


def program(a: Opened, b: Opened) -> Part:
    """Code, libraries, recipe of the features and machine, where both runs kept them."""
    title = "Program and machine"
    reason = next((of.record for of in (a, b) if isinstance(of.record, str)), None)
    if reason is not None:
        return Part(title, f"not compared: {reason}", None)
    left, right = (_program(of.record) for of in (a, b))
    rows = [
        [key, left.get(key, NONE), right.get(key, NONE)]
        for key in dict.fromkeys([*left, *right])
        if left.get(key) != right.get(key)
    ]
    told = plural(len(rows), "entry differs", "entries differ")
    listing = Listing("Code, libraries, recipe and machine that differ", ["Entry", "A", "B"], rows)
    return Part(title, told if rows else "the same", bool(rows), [listing])


def folds_and_scores(a: Opened, b: Opened) -> Part:
    """Whether the partition and the scores are the same, byte by byte."""
    title, told, differs = "Folds and scores", [], []
    for what, name in (("folds", "cohort/folds.csv"), ("scores", "scores.csv")):
        paths = [of.run.folder / name for of in (a, b)]
        gone = [of.side for of, path in zip((a, b), paths, strict=True) if not path.is_file()]
        if gone:
            told.append(f"{what} not compared: {' and '.join(gone)} without {Path(name).name}")
        else:
            differs.append(file_sha256(paths[0]) != file_sha256(paths[1]))
            told.append(f"{'other' if differs[-1] else 'the same'} {what}")
    return Part(title, "; ".join(told), any(differs) if len(differs) == 2 or any(differs) else None)


def _flat(section: dict, prefix: str):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}: ")
        else:
            yield f"{prefix}{key}", value


def _cells(left: dict, right: dict, key: str) -> list[str]:
    texts = [
        as_text(without_folder(of[key])) if key in of else NONE  # folders are not told
        for of in (left, right)
    ]
    return [texts[0], f"{texts[1]}, in another folder"] if texts[0] == texts[1] else texts


def _program(record: dict) -> dict[str, str]:
    """Entries of a record that decide figures; the command and the day do not."""
    found = dict(record["versions"])
    found |= {f"source: {key}": str(value) for key, value in record["code"].items()}
    recipes: dict[str, list[str]] = {}
    for entry in record["recipes"]:
        for key, value in entry["recipe"].items():
            recipes.setdefault(key, []).append(str(value))
    found |= {f"features: {key}": _joined(values) for key, values in recipes.items()}
    hardware = {
        key: _joined(value) if isinstance(value, list) else str(value)
        for key, value in record["hardware"].items()
    }
    return found | {f"machine: {key.replace('_', ' ')}": text for key, text in hardware.items()}


def _joined(values: list) -> str:
    return "; ".join(sorted(set(map(str, values)))) or "none"
