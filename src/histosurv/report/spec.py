"""The order of the report, and the captions of its figures and tables: ``sections.yaml``."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from histosurv.files import read_yaml

EXTERNAL = "external"


@dataclass(frozen=True)
class Caption:
    """Four answers about a figure or table."""

    title: str
    shown: str
    good: str
    bad: str
    then: str


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes
    ----------
    id, title : str
        Its anchor and heading.
    category : str
        Category of its items in Snakemake's own report.
    captions : dict of str to Caption
        By name of the item.
    template : str
        Template of what the section shows besides, empty = nothing.
    cohort : str
        The external cohort that it is about, whose name ends all its names; empty = none.
    """

    id: str
    title: str
    category: str
    captions: dict[str, Caption]
    template: str = ""
    cohort: str = ""

    def of(self, cohort: str) -> "Section":
        """The same section of one external cohort."""
        return replace(
            self,
            id=f"{self.id}-{cohort}",
            title=f"{self.title} {cohort}",
            captions={f"{name}-{cohort}": caption for name, caption in self.captions.items()},
            cohort=cohort,
        )


def sections(external: Iterable[str] = ()) -> list[Section]:
    """Sections of a report in reading order, that on external cohorts once for each."""
    found = []
    for section in _written():
        found += [section.of(name) for name in external] if section.id == EXTERNAL else [section]
    return found


@cache
def _written() -> tuple[Section, ...]:
    return tuple(
        Section(
            id=entry["id"],
            title=entry["title"],
            category=entry["category"],
            captions={name: Caption(**caption) for name, caption in entry["items"].items()},
            template=entry.get("template", ""),
        )
        for entry in read_yaml(Path(__file__).with_name("sections.yaml"))
    )


def item_of(name: str) -> str:
    """Name of an item in ``sections.yaml``, without that of an external cohort."""
    return name.partition("-")[0]


def captions() -> dict[str, str]:
    """Caption of every item by name, as one text, for Snakemake's own report."""
    return {name: told(caption) for of in _written() for name, caption in of.captions.items()}


def categories() -> dict[str, str]:
    """Category of every item by name, for Snakemake's own report."""
    return {name: of.category for of in _written() for name in of.captions}


def titles() -> dict[str, str]:
    """Title of every item by name."""
    return {name: caption.title for of in _written() for name, caption in of.captions.items()}


def told(caption: Caption) -> str:
    """A caption as one text."""
    return f"{caption.shown} Good: {caption.good} Bad: {caption.bad} Then: {caption.then}"
