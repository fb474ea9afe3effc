"""Python, the commands that steps are called by, the packages, and whether pictures open."""

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from histosurv.doctor.findings import Case, Finding, in_words, note, ok, stop

NAMED = ("snakemake", "numpy", "pandas", "torch", "torchvision")  # in the line for support mails
_REINSTALL = "in histosurv's folder: pip install --editable ."
_CONTAINERS = ("/.dockerenv", "/run/.containerenv", "/.singularity.d")


def python(_case: Case) -> Iterator[Finding]:
    """The interpreter, and whether what is installed in it is its own."""
    from packaging.specifiers import SpecifierSet

    here = f"Python {platform.python_version()} ({sys.executable})"
    try:
        Path.cwd()
    except FileNotFoundError:  # over which torch stumbles, too
        yield stop("the folder that you are in was deleted", "cd to another one")
    try:
        about = metadata("histosurv")
    except PackageNotFoundError:
        yield stop(
            f"{here}: histosurv is not installed in it, only found",
            _REINSTALL,
        )
        return
    wanted = about["Requires-Python"] or ""
    if not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        yield stop(
            f"{here}: histosurv {about['Version']} needs {wanted}",
            "make a new environment with such a Python, for example: make demo PYTHON=python3.12",
        )
    else:
        yield ok(f"histosurv {about['Version']}, {here}, {platform.platform()}")
    is_own = sys.prefix != sys.base_prefix or (Path(sys.prefix) / "conda-meta").is_dir()
    if not is_own and not any(Path(place).exists() for place in _CONTAINERS):
        yield note(
            "no virtual environment: packages are shared with the system or with other projects",
            "python3 -m venv .venv; . .venv/bin/activate; then install histosurv again",
        )
    if os.environ.get("PYTHONPATH"):
        yield note(
            "PYTHONPATH is set: packages found there go before those of this environment",
            "unset PYTHONPATH (cluster modules set it; load none for Python)",
        )


def commands(_case: Case) -> Iterator[Finding]:
    """Steps call `histosurv` by name: that on PATH must be this one, and Snakemake's likewise."""
    own = Path(sysconfig.get_path("scripts"))
    places = {own.resolve(), Path(sysconfig.get_path("scripts", "posix_user")).resolve()}
    activate = own / "activate"
    mend = f". {activate}" if activate.is_file() else f'export PATH="{own}:$PATH"'
    fine = []
    for name in ("histosurv", "snakemake"):
        found = shutil.which(name)
        if found and Path(found).resolve().parent in places | {own}:
            fine.append(found)
            continue
        if not shutil.which(name, path=str(own)):
            mend = f"{_REINSTALL} ({own} has no {name})"
        use = "the steps call it" if name == "histosurv" else "it runs the steps"
        yield stop(
            f"{name} on PATH is {found}, which is of another Python; {use}"
            if found
            else f"{name} is not on PATH; {use}",
            mend,
        )
    if fine:
        yield ok(f"on PATH are this Python's own {' and '.join(fine)}")


def packages(_case: Case) -> Iterator[Finding]:
    """What histosurv asks for, as its own metadata have it."""
    try:
        unmet = dict(_unmet("histosurv", {""}))
    except PackageNotFoundError:  # told above
        return
    for found, need in unmet.items():
        yield stop(f"{found}, histosurv needs {need}", f"pip install '{need}'")
    if not unmet:
        n_needed = sum("extra ==" not in need for need in requires("histosurv") or [])
        told = ", ".join(f"{name} {version(name)}" for name in NAMED)
        yield ok(f"{n_needed} packages that are needed are there and new enough: {told}")


def _unmet(name: str, extras: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What is missing or of a wrong version, and what is asked for."""
    from packaging.requirements import Requirement

    for text in requires(name) or []:
        need = Requirement(text)
        if need.marker and not any(need.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        asked = f"{need.name}{need.specifier}"
        try:
            here = version(need.name)
        except PackageNotFoundError:
            yield f"{need.name} is not installed", asked
            continue
        if here is None:  # its folder was left half deleted
            yield f"{need.name} is damaged", asked
        elif not need.specifier.contains(here, prereleases=True):
            yield f"{need.name} {here} is installed", asked
        if need.extras:
            yield from _unmet(need.name, {"", *need.extras})


def pictures(_case: Case) -> Iterator[Finding]:
    """OpenSlide and Pillow, by opening what they should be able to open."""
    try:
        import openslide
        from PIL import Image, features
    except Exception as error:  # noqa: BLE001 - a library that does not load raises what it likes
        yield stop(
            f"pictures cannot be opened ({in_words(error)})",
            "pip install --force-reinstall openslide-bin openslide-python pillow",
        )
        return
    about = f"OpenSlide {openslide.__library_version__}, Pillow {version('pillow')}"
    kinds = {
        "JPEG": "jpg",
        "PNG": "zlib",
        "WebP": "webp",
        "JPEG2000": "jpg_2000",
        "TIFF": "libtiff",
    }
    lacking = [kind for kind, feature in kinds.items() if not features.check(feature)]
    opened, failed = [], {}
    with tempfile.TemporaryDirectory(prefix="histosurv-doctor-") as folder:
        for kind in [*kinds, "slide"]:
            if kind not in lacking:
                try:
                    _write_and_read(Image, kind, Path(folder))
                    opened.append(kind)
                except Exception as error:  # noqa: BLE001 - as above
                    failed[kind] = in_words(error)
    for kind, why in failed.items():
        yield stop(
            f"{about}: a {kind} picture of our own cannot be read ({why})",
            "pip install --force-reinstall openslide-bin openslide-python pillow tifffile",
        )
    if lacking:
        yield note(
            f"{about}: built without {', '.join(lacking)}; spots of that kind would be left out",
            "pip install --force-reinstall --no-cache-dir --only-binary :all: pillow",
        )
    if openslide.__library_version__.split(".")[0] in "0123":
        yield note(
            f"OpenSlide {openslide.__library_version__} is old: it knows no DICOM slides",
            "pip install --upgrade openslide-bin",
        )
    if opened:
        yield ok(f"{about}: read back {', '.join(opened)}")


def _write_and_read(image: object, kind: str, folder: Path) -> None:
    """Write a small picture and read it as a spot is read."""
    import numpy as np
    import tifffile

    from histosurv.spots.reader import SlidePicture, opened

    pixels = np.full((512, 512, 3), (200, 120, 180), np.uint8)
    path = folder / f"{kind}.tif"
    if kind == "slide":
        tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb")
    else:
        image.fromarray(pixels).save(path, format=kind)
    with opened(str(path)) as picture:
        if kind == "slide" and not isinstance(picture, SlidePicture):
            raise TypeError("OpenSlide does not know a tiled TIFF")
        read = picture.read((128, 128, 256, 256), (256, 256))
    if np.abs(read.astype(int) - (200, 120, 180)).max() > 8:  # lossy kinds round
        raise ValueError("other colours than were written")
