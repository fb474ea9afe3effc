"""What the pages say in code: blocks, spans, commands, links."""

import re
import shlex
from pathlib import Path

from tests.running import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the fenced blocks of a language."""
    text = page.read_text(encoding="utf-8")
    return [content for of, content in _FENCE.findall(text) if of == language]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def spans(page: Path) -> list[str]:
    """What stands in backticks within the prose."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def commands(page: Path) -> list[list[str]]:
    """Commands of the shell blocks as words, in order; comments and line ends are taken out."""
    found = []
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words: list[str] = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word != "&&":
                    words.append(word)
                elif words:
                    found.append(words)
                    words = []
    return found


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", head.replace("`", "")).strip().lower() for head in heads]
    return {re.sub(r"\s+", "-", head) for head in plain}


def links(page: Path) -> list[tuple[str, str]]:
    """File and anchor of every link that does not leave the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    inside = [link.partition("#") for link in found if "://" not in link]
    return [(file, anchor) for file, _, anchor in inside]
