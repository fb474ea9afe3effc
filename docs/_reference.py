"""Write the pages on settings and tables from what the program itself reads.

    python docs/_reference.py

config.md and tables.md come from workflow/schemas, results.md from docs/_results.yaml and the
program's reasons for leaving a spot out. A test fails while a page is not what this would write.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from histosurv.config import config_schema, schema_path
from histosurv.files import read_yaml
from histosurv.spots.quality import REMARKS, UNUSABLE

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/_reference.py; change the schemas or docs/_results.yaml instead. -->"
BROUGHT = ["patients", "spots", "slides", "map", "cores", "scores", "spot_scores", "order_scores"]
FEW = 8  # columns that are told in a line; of more a table is made

CONFIG = """\
# Settings

Every key of `config.yaml`, from `workflow/schemas/config.schema.yaml`. A key that is left out has
its default (in bold); an unknown one is a mistake, and the message names the nearest known. The
last column says what is known of the original study: *not confirmed by the paper* stands by a
guess, and the report says so beside the setting.
"""
TABLES = """\
# Tables that you bring

CSV with commas, UTF-8, a header, one row per line; columns may come in any order. Bold columns are
required, all others may be missing. Any further column is allowed. Units stand in the names of the
columns. What a run writes is on [another page](results.md).
"""


def pages() -> dict[str, str]:
    """Text of every generated page, by the name of its file."""
    texts = {
        "config.md": [CONFIG, *_sections(config_schema())],
        "tables.md": [TABLES, *map(_brought, BROUGHT)],
        "results.md": [_results(read_yaml(HERE / "_results.yaml"))],
    }
    return {name: "\n".join([NOTE, *parts]).rstrip() + "\n" for name, parts in texts.items()}


def _sections(schema: dict, path: tuple[str, ...] = ()) -> Iterator[str]:
    """A heading and a table for every group of keys, outer ones first."""
    others = schema.get("additionalProperties") or None
    plain = {key: rule for key, rule in schema["properties"].items() if "properties" not in rule}
    if plain:
        rows = [
            [f"`{key}`", _values(rule), rule["description"], rule.get("study", "")]
            for key, rule in plain.items()
        ]
        title = f"`{': '.join(path)}`" if path else "Top level"
        about = [f"{_sentence(schema['description'])}\n"] if path else []
        heads = ["Key", "Values", "Meaning", "In the original study"]
        yield "\n".join([f"## {title}\n", *about, _table(heads, rows), ""])
    for key, rule in schema["properties"].items():
        if "properties" in rule and rule != others:
            yield from _sections(rule, (*path, key))
    if others:  # keys that the user names, `development` among them
        told = {"description": schema["description"]}
        yield from _sections(others | told, (*path, "NAME"))


def _values(rule: dict) -> str:
    """Default in bold, and what else may stand there."""
    default = rule.get("default")
    told = f"**{_code(default)}**" if "default" in rule else "required"
    kinds = rule.get("enum") or rule.get("items", {}).get("enum", [])
    others = ", ".join(_code(kind) for kind in kinds if kind != default)
    if "boolean" in rule.get("type", ""):
        told += f"; {_code(not default)}"
    if others:
        told += f"; {others}" if "enum" in rule else f"; a list of {others}"
    return told + _range(rule)


def _range(rule: dict) -> str:
    """Smallest and largest value, as far as there is one."""
    words = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "to",
        "exclusiveMaximum": "below",
    }
    found = [f"{word} {rule[key]}" for key, word in words.items() if key in rule]
    return f"; {' '.join(found)}" if found else ""


def _code(value: object) -> str:
    if value == "":
        return '`""`'
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _brought(name: str) -> str:
    """A table of the schema of that name."""
    schema = read_yaml(schema_path(name))
    rows = []
    for column, rule in schema["properties"].items():
        mark = "**" if column in schema["required"] else ""
        rows.append([f"{mark}`{column}`{mark}", _kind(rule), rule["description"]])
    table = _table(["Column", "Cells", "Meaning"], rows)
    return (
        f"## {_sentence(schema['title'])[:-1]}\n\n{_sentence(schema['description'])}\n\n{table}\n"
    )


def _kind(rule: dict) -> str:
    if "enum" in rule:
        return ", ".join(map(str, rule["enum"]))
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    words = {"string": "text", "integer": "whole number", "number": "number", "null": "empty"}
    return " or ".join(words[kind] for kind in kinds) + _range(rule)


def _results(of: dict) -> str:
    """The page on what a run writes."""
    parts = [of["opening"]]
    for room in of["rooms"]:
        parts += [f"## {room['title']}", room["about"]]
        parts += map(_written, room["tables"])
        if room.get("reasons"):
            told = {"left out": UNUSABLE, "a remark": REMARKS}
            rows = [
                [f"`{code}`", text, what] for what, of in told.items() for code, text in of.items()
            ]
            parts.append(_table(["Reason", "Meaning", "What follows"], rows))
    return "\n\n".join(part.strip() for part in parts)


def _written(table: dict) -> str:
    """A table of a run: a paragraph, or where it has many columns a table."""
    columns, head = table["columns"], f"**`{table['file']}`**: {table['rows']}"
    if len(columns) > FEW:
        rows = [[f"`{name}`", text or ""] for name, text in columns.items()]
        return f"{head}.\n\n{_table(['Column', 'Meaning'], rows)}"
    told = [f"`{name}` {text}" if text else f"`{name}`" for name, text in columns.items()]
    return f"{head}. Columns: {'; '.join(told)}."


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


if __name__ == "__main__":
    for page, text in pages().items():
        (HERE / page).write_text(text, encoding="utf-8")
