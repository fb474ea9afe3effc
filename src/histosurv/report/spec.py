"""The order of the report, and the captions of its figures and tables: ``sections.yaml``."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from histosurv.files import read_yaml


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
    """

    id: str
    title: str
    category: str
    captions: dict[str, Caption]
    template: str = ""


@cache
def sections() -> tuple[Section, ...]:
    """All sections, in reading order."""
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


def of_external(section: Section, cohort: str) -> Section:
    """The section of one external cohort, whose name ends its names."""
    return replace(
        section,
        id=f"{section.id}-{cohort}",
        title=f"{section.title} {cohort}",
        captions={f"{name}-{cohort}": of for name, of in section.captions.items()},
    )


def item_of(name: str) -> str:
    """Name of an item in ``sections.yaml``, without that of an external cohort."""
    return name.partition("-")[0]


def captions() -> dict[str, str]:
    """Caption of every item by name, as one text, for Snakemake's own report."""
    return {name: told(caption) for of in sections() for name, caption in of.captions.items()}


def categories() -> dict[str, str]:
    """Category of every item by name, for Snakemake's own report."""
    return {name: of.category for of in sections() for name in of.captions}


def titles() -> dict[str, str]:
    """Title of every item by name."""
    return {name: caption.title for of in sections() for name, caption in of.captions.items()}


def told(caption: Caption) -> str:
    """A caption as one text."""
    return f"{caption.shown} Good: {caption.good} Bad: {caption.bad} Then: {caption.then}"
