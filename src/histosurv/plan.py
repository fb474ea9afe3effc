"""What the workflow must know of the tables before a job runs: batches, their files, their state.

The methods take Snakemake's wildcards and are input functions and params of the rules.
"""

import hashlib
import os
from pathlib import Path

import pandas as pd

from histosurv.cohort.columns import header_of
from histosurv.cohort.folds import blocks_of
from histosurv.cohort.membership import Cohort, read_cohort, refuse_in_two_cohorts
from histosurv.config import DEVELOPMENT
from histosurv.errors import InputError
from histosurv.features.store import imported_file
from histosurv.files import batch_name


class Plan:
    """The cohorts of a study, cut into batches.

    Parameters
    ----------
    config : dict
        The complete configuration.
    look : bool
        Look whether all images are there; not in a job, which reads the tables once more.

    Raises
    ------
    InputError
        As `histosurv.cohort.tables.read_cohort`.
    """

    def __init__(self, config: dict, *, look: bool = True) -> None:
        self._look = look
        self._tables = {
            name: {kind: tables[kind] for kind in ("patients", "spots", "slides")}
            for name, tables in config["cohorts"].items()
        }
        self._import = config["features"]["import"]
        self._imports = {
            name: tables["features"] or self._import for name, tables in config["cohorts"].items()
        }
        self._controls = config["controls"]
        self._mixes_blocks = config["resampling"]["scheme"] != "blocks"
        self._spots = config["spots"]
        self._has_glass = not self._import and config["spots"]["background"] != "drop"
        self._readers: dict[str, list[str]] = {}
        self._cohorts = {name: self._read(name, config) for name in self._tables}
        if self._look and self.external and not self._import:
            refuse_in_two_cohorts({name: of.spots for name, of in self._cohorts.items()})
        size = config["spots_per_job"]
        self._batches = {
            name: [cohort.spots.iloc[at : at + size] for at in range(0, len(cohort.spots), size)]
            for name, cohort in self._cohorts.items()
        }

    def _read(self, name: str, config: dict) -> Cohort:
        tables, is_own = self._tables[name], name == DEVELOPMENT
        readers = config["cohort"]["readers"]
        # Of an external cohort nothing is learnt, and others may have read it, or nobody.
        there = readers if is_own else header_of(tables["patients"], "patients")
        self._readers[name] = [reader for reader in readers if reader in there]
        return read_cohort(
            tables["patients"],
            tables["spots"],
            tables["slides"],
            unmatched=config["cohort"]["unmatched"],
            with_images=not self._import,
            look=self._look,
            readers=self._readers[name],
            strata=config["cohort"]["strata"] if is_own else (),
            covariates=config["models"]["clinical"] if is_own else (),
            administrative_cut=config["cohort"]["administrative_cut"],
        )

    @property
    def external(self) -> list[str]:
        """Names of the external cohorts."""
        return [name for name in self._cohorts if name != DEVELOPMENT]

    def readers(self, cohort: str) -> list[str]:
        """Pathologists whose calls a cohort's table has; all of them in the development cohort."""
        return self._readers[cohort]

    def cohort(self, name: str) -> Cohort:
        """A cohort's checked tables."""
        return self._cohorts[name]

    def numbers(self, cohort: str) -> list[str]:
        """Numbers of a cohort's batches, as they stand in file names."""
        return [batch_name(number) for number in range(len(self._batches[cohort]))]

    def slides(self, cohort: str) -> list[str]:
        """Ids of a cohort's whole slides."""
        slides = self._cohorts[cohort].slides
        return [] if slides is None or self._import else list(slides["slide_id"])

    def controls(self, cohort: str) -> list[str]:
        """Negative controls that are asked for; of all, those that the cohort allows."""
        spots = self._cohorts[cohort].spots
        has_blocks = self._mixes_blocks and _has_blocks(spots)
        if isinstance(self._controls, list):
            if "background" in self._controls and not self._has_glass:
                raise InputError(
                    "config: controls: background: there are no features of glass where they are "
                    "imported or spots: background is drop; take it out"
                )
            if "block" in self._controls and not has_blocks:
                raise InputError(
                    "config: controls: block: needs several blocks (spot table: block) for all "
                    "spots, and folds that do not hold whole blocks; take it out"
                )
            return self._controls
        glass = (
            self._controls
            and self._has_glass
            and _leaves_glass(spots.iloc[0].to_dict(), self._spots)
        )
        allowed = {"permuted": True, "background": glass, "block": has_blocks}
        return [name for name in allowed if self._controls and allowed[name]]

    def tables(self, wildcards: object) -> list[str]:
        """Files of a cohort's tables, the maps of its slides among them."""
        slides = self._cohorts[wildcards.cohort].slides
        maps = [] if slides is None else list(slides["map"])
        return [path for path in self._tables[wildcards.cohort].values() if path] + maps

    def table_options(self, wildcards: object) -> list[str]:
        """The same as options of a command."""
        tables = self._tables[wildcards.cohort].items()
        return [f"--{kind}={path}" for kind, path in tables if path]

    def tables_digest(self, wildcards: object) -> str:
        """Digest of the tables: a table replaced by an older one is another table, too."""
        return _digest(b"".join(Path(path).read_bytes() for path in self.tables(wildcards)))

    def images(self, wildcards: object) -> list[str]:
        """Image files of a batch, each once (spots may be regions of one slide)."""
        return sorted(set(self._rows(wildcards)["image"]))

    def cores(self, wildcards: object) -> list[str]:
        """Core tables of the slides that spots of a batch lie on."""
        rows = self._rows(wildcards)
        slides = sorted(set(rows["tma_slide"]) - {""}) if "tma_slide" in rows else []
        return [f"<results>/{wildcards.cohort}/spots/cores/{slide}.csv" for slide in slides]

    def import_folder(self, wildcards: object) -> Path:
        """Folder of a cohort's features that were computed elsewhere."""
        return Path(self._imports[wildcards.cohort])

    def imports(self, wildcards: object) -> list[Path]:
        """Feature files of a batch that were computed elsewhere."""
        folder = self.import_folder(wildcards)
        return [imported_file(folder, spot) for spot in self._rows(wildcards)["spot_id"]]

    def batch_digest(self, wildcards: object) -> str:
        """Digest of a batch's own rows and files, so that other rows can change freely.

        Files are told apart by size and time, also where the new one is the older.
        """
        rows = self._rows(wildcards).drop(columns="listed_in")  # a row may move in its table
        files = self.imports(wildcards) if self._import else self.images(wildcards)
        return _digest(rows.to_csv(index=False).encode() + _state(files))

    def slide_files(self, wildcards: object) -> list[str]:
        """Slide, map and, if there is one, the checked core table."""
        slide = self._slide(wildcards)
        return [name for name in (slide["image"], slide["map"], slide["cores_override"]) if name]

    def slide_image(self, wildcards: object) -> str:
        """The slide itself."""
        return self._slide(wildcards)["image"]

    def slide_options(self, wildcards: object) -> list[str]:
        """What the slide table says of a slide, as options of a command."""
        slide = self._slide(wildcards).dropna()
        names = ["rows", "columns", "core_diameter_um", "map", "mpp", "cores_override"]
        given = {name: slide[name] for name in names if slide.get(name, "") != ""}
        return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]

    def slide_digest(self, wildcards: object) -> str:
        """Digest of the state of a slide's files."""
        return files_digest(self.slide_files(wildcards))

    def _rows(self, wildcards: object) -> pd.DataFrame:
        return self._batches[wildcards.cohort][int(wildcards.batch)]

    def _slide(self, wildcards: object) -> pd.Series:
        slides = self._cohorts[wildcards.cohort].slides
        return slides.set_index("slide_id").loc[wildcards.slide]


def _has_blocks(spots: pd.DataFrame) -> bool:
    """Whether every spot has a block, and there are several."""
    try:
        return len(set(blocks_of(spots))) > 1
    except InputError:
        return False


def _leaves_glass(spot: dict, settings: dict) -> bool:
    """Whether a tile fits between a round core and the corner of the spot's picture.

    Cells of whole slides and pictures that cannot be read are given the benefit of the doubt.
    """
    # Opening pictures needs libraries that a dry run should not wait for.
    from histosurv.spots.preparation import SpotSettings, region_of, scale_of
    from histosurv.spots.reader import opened
    from histosurv.spots.tiling import frame

    if spot.get("tma_slide"):
        return True
    geometry = SpotSettings.of(settings).geometry
    try:
        with opened(spot["image"]) as picture:
            region, scale = region_of(spot, picture), scale_of(spot, picture)
            read = frame(region[2:], geometry, mpp=scale.mpp).read_px
    except InputError:
        return True
    return geometry.tile_px <= min(read) * (1 - 0.5**0.5) / 2


def files_digest(files: list) -> str:
    """Digest of the state of files, told apart by size and time."""
    return _digest(_state(files))


def _state(files: list) -> bytes:
    states = []
    for name in files:
        try:
            # Path by path would take longer than to look. MIRAX slides are a folder, too.
            for part in (name, *_companions(str(name))):
                state = os.stat(part)  # noqa: PTH116
                states.append((state.st_size, state.st_mtime_ns))
        except OSError as error:
            raise InputError(f"{name}: {error.strerror}; bring the file") from None
    return repr(states).encode()


def _companions(image: str) -> list[Path]:
    if not image.lower().endswith(".mrxs"):
        return []
    return sorted(Path(image).with_suffix("").glob("*"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
