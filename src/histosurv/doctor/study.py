"""The study of this folder: its config, its tables, a few of its pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from histosurv.doctor.findings import Case, Finding, note, ok
from histosurv.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from histosurv.cohort.membership import Cohort
    from histosurv.plan import Plan

CONFIG_FILE = Path("config.yaml")  # which the workflow reads before any other
VGG16_TILES_PER_S = 15  # on two cores in single precision (benchmarks/README.md)
LIKE = 1.3  # scales that differ by less are of one kind of scanner

# What the shipped config has for its demo, and what a real study wants.
DEMO_SETTINGS = {
    ("features", "weights"): ("random", "imagenet"),
    ("resampling", "repeats"): (1, 10),
    ("models", "tuning", "settings"): (1, 6),
    ("models", "training", "initialisations"): (2, 5),
}


def config(case: Case) -> Iterator[Finding]:
    """Read and check the config as Snakemake would lay its files over one another."""
    from histosurv.config import complete, read_config, refuse_missing_files

    paths = [CONFIG_FILE] if CONFIG_FILE.exists() and CONFIG_FILE not in case.configs else []
    paths += case.configs
    if not paths:
        yield note(
            "no config.yaml in this folder: no study was looked at",
            "cd to the study's folder, or: histosurv doctor --config FILE",
        )
        return
    settings: dict = {}
    for path in paths:
        settings = overlaid(settings, read_config(path))
    settings = complete(settings)
    refuse_missing_files(settings)
    case.settings = settings
    yield ok(f"{', then '.join(map(str, paths))}: the config has no mistake")


def overlaid(below: dict, above: dict) -> dict:
    """One config laid over another, section by section, as ``snakemake --configfile`` does."""
    together = dict(below)
    for key, value in above.items():
        if isinstance(value, dict):
            under = together.get(key)
            together[key] = overlaid(under if isinstance(under, dict) else {}, value)
        else:
            together[key] = value
    return together


def tables(case: Case) -> Iterator[Finding]:
    """Read the tables as a run does, and draw its folds."""
    if case.settings is None:
        return
    from histosurv.cohort.folds import rotate
    from histosurv.plan import Plan

    settings = case.settings
    plan = Plan(settings)
    plan.controls("development")
    cohort = plan.cohort("development")
    case.cohort = cohort
    yield from _counted(plan, "development", "tables")
    for name in plan.external:
        yield from _counted(plan, name, f"tables of the external cohort {name}")
    if (Path(settings["cohorts"]["development"]["patients"]).parent / "truth.csv").exists():
        yield ok("the cohort is a simulated one")
    else:
        yield from _few_deaths(cohort)
        yield from _demo_settings(settings)
    yield from _misspelt(cohort, settings["evaluation"])
    # Drawn once more when their step comes, from those whose pictures can be used.
    how = settings["resampling"]
    rotate(
        cohort.patients,
        n_repeats=how["repeats"],
        n_folds=how["folds"],
        strata=settings["cohort"]["strata"],
        seed=how["seed"],
        scheme=how["scheme"],
        spots=cohort.spots,
    )


def _counted(plan: "Plan", name: str, what: str) -> Iterator[Finding]:
    """How many patients and spots a cohort has, and what is left out of it."""
    cohort = plan.cohort(name)
    known = cohort.patients["label_60m"]
    yield ok(
        f"{what}: {len(cohort.patients)} patients, {len(cohort.spots)} spots, batches: "
        f"{len(plan.numbers(name))}; outcome at 60 months known of "
        f"{known.notna().sum()}, {known.sum()} of them dead of the cancer"
    )
    if len(cohort.exclusions):
        first = cohort.exclusions.iloc[0]
        yield note(
            f"{what}: {len(cohort.exclusions)} rows are left out (unmatched: exclude), the first "
            f"{first['id']}: {first['reason']}",
            "correct the ids if that is not meant",
        )


def _misspelt(cohort: "Cohort", evaluation: dict) -> Iterator[Finding]:
    """Say which columns are asked for that are not there; the report goes without them."""
    from histosurv.cohort.columns import LIKE_A_COLUMN
    from histosurv.cohort.folds import named_blocks
    from histosurv.config import config_schema

    has_blocks = (named_blocks(cohort.spots) != "").any()
    columns = [*cohort.patients.columns, *(["block"] if has_blocks else [])]
    usual = config_schema()["properties"]["evaluation"]["properties"]
    for key in ("covariates", "subgroups"):
        for name in evaluation[key]:
            others = [of for of in columns if of not in evaluation[key]]
            near = did_you_mean(name, others, LIKE_A_COLUMN)
            if name not in columns and (near or name not in usual[key]["default"]):
                yield note(
                    f"evaluation: {key}: the patient table has no column {name}; it is left out",
                    near or "correct the name, or take it out",
                )


def _few_deaths(cohort: "Cohort") -> Iterator[Finding]:
    """Say so where little can be learnt, as the report will."""
    from histosurv.cohort.endpoint import CANCER_DEATH, FEW_DEATHS

    n_dead = int(cohort.patients["event"].eq(CANCER_DEATH).sum())
    if n_dead < FEW_DEATHS:
        yield note(
            f"tables: deaths of the cancer: only {n_dead}; intervals will be wide, and models can "
            "hardly be told apart",
            "for a study bring more patients, or longer follow-up",
        )


def _demo_settings(settings: dict) -> Iterator[Finding]:
    """Say so where patients of one's own are studied with the settings of the demo."""
    left, wanted = [], []
    for path, (of_demo, of_study) in DEMO_SETTINGS.items():
        value: object = settings
        for key in path:
            value = value[key]
        is_idle = path[0] == "features" and settings["features"]["import"]
        is_due = path[1] == "repeats" and settings["resampling"]["scheme"] == "single"
        if value == of_demo and not is_idle and not is_due:
            left.append(f"{path[-1]}: {of_demo}")
            wanted.append(f"{': '.join(path)}: {of_study}")
    if left:
        yield note(
            f"settings of the demo are left ({', '.join(left)})",
            f"for a real study in config.yaml: {'; '.join(wanted)}",
        )


@dataclass(frozen=True)
class Look:
    """What a spot's picture shows at the first look.

    Attributes
    ----------
    told : str
        Size and scale in words.
    n_tiles : int
        That it would be cut into.
    mpp : float or None
        Micrometres per pixel, if known.
    odd : str
        What the file states of the scale and cannot be true; mostly empty.
    """

    told: str
    n_tiles: int
    mpp: float | None
    odd: str


def images(case: Case) -> Iterator[Finding]:
    """Open the picture of the first, a middle and the last spot."""
    if case.cohort is None or case.settings["features"]["import"]:
        return
    spots = case.cohort.spots.to_dict("records")
    chosen = [spots[at] for at in sorted({0, len(spots) // 2, len(spots) - 1})]
    seen = []
    for spot in chosen:
        try:
            seen.append(_look(spot, case))
        except InputError as error:
            what, _, mend = str(error).rpartition("; ")
            yield note(
                f"spot {spot['spot_id']!r} cannot be used and would be left out: {what or error}",
                mend if what else "bring another copy",
            )
    if not seen:
        return
    case.tiles_per_spot = sum(look.n_tiles for look in seen) / len(seen)
    yield ok(
        f"images: {len(seen)} of {len(spots)} spots opened: "
        f"{'; '.join(dict.fromkeys(look.told for look in seen))}; tiles a spot: about "
        f"{case.tiles_per_spot:.0f}, {_in_all(case.tiles_per_spot * len(spots), case)}"
    )
    for odd in [look.odd for look in seen if look.odd][:1]:
        yield note(f"images: {odd}", "give the right mpp in the spot table")
    scales = [look.mpp for look in seen if look.mpp]
    if scales and max(scales) > LIKE * min(scales) and not case.settings["spots"]["mpp"]:
        yield note(
            f"images: scales differ, from {min(scales):g} to {max(scales):g} um/px",
            f"resample all to one in config.yaml: spots: mpp: {max(scales):g}",
        )


def _in_all(n_tiles: float, case: Case) -> str:
    """How many tiles are to be encoded and, by the study's encoder, how long that takes."""
    told = f"in the development cohort about {n_tiles:.0f}"
    if case.settings["features"]["encoder"] != "vgg16":
        return told
    minutes = max(1, n_tiles / VGG16_TILES_PER_S / 60)
    time = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{minutes:.0f} min"
    return f"{told}: {time} of VGG-16 on two cores in single precision, half that in bf16"


def _look(spot: dict, case: Case) -> Look:
    """Open a spot's picture and decode a few of its pixels."""
    from histosurv.spots.preparation import SpotSettings, region_of, scale_of
    from histosurv.spots.reader import opened
    from histosurv.spots.tiling import frame

    with opened(spot["image"]) as picture:
        scale, (x, y, *size) = scale_of(spot, picture), region_of(spot, picture)
        scale_told = f"{scale.mpp:g} um/px" if scale.mpp else "scale not known"
        told = f"{size[0]} x {size[1]} px, {scale_told}"
        odd = f"{spot['image']} states {picture.stated_mpp} um/px" if scale.is_odd else ""
        part = (min(256, size[0]), min(256, size[1]))
        picture.read((x, y, *part), part)
    if spot.get("tma_slide"):
        told = f"a slide of {told}"
        size = [_core_px(spot, case, scale.mpp)] * 2
    geometry = SpotSettings.of(case.settings["spots"]).geometry
    try:
        tiles = frame(tuple(size), geometry, mpp=scale.mpp, spot_id=spot["spot_id"])
    except InputError as error:
        raise InputError(f"{spot['image']}: {error}", error.code) from None
    return Look(told, len(tiles.corners), scale.mpp, odd)


def _core_px(spot: dict, case: Case, mpp: float | None) -> int:
    """Side of the box round a core of a whole slide, which is not found yet."""
    from histosurv.spots.cores import MARGIN

    slides = case.cohort.slides.set_index("slide_id")
    return round(MARGIN * float(slides.at[spot["tma_slide"], "core_diameter_um"]) / (mpp or 0.25))
