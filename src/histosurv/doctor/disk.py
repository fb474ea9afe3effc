"""Where results go: room, rights, the kind of file system, its clock, and what a crash left."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from histosurv.doctor.findings import Case, Finding, gb, note, ok, stop

RESULTS = Path("results")
LOCKS = Path(".snakemake/locks")
WIDTH = 4096  # of VGG-16, where the encoder's is not known
USUAL_TILES = 256  # of a spot of 3500 px
BESIDES = 2e9  # weights, models, pictures and report
FILES_BESIDES = 5000
LITTLE_TEMPORARY = 1e9
MOST_SKEW_S = 2.0

# File systems that are gone with the machine or the container, and those that one machine has.
FLEETING = ("tmpfs", "ramfs", "overlay")
OF_ONE_MACHINE = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", *FLEETING)


def disk(case: Case) -> Iterator[Finding]:
    """Whether results can be written, and have room."""
    place = RESULTS
    while not (place.exists() or place.is_symlink()):
        place = place.parent
    try:
        skew = _written(place)
    except OSError as error:
        yield stop(
            f"results: {place.absolute()} cannot be written to ({error.strerror})",
            f"make it a folder of yours (ls -ld {place.absolute()}), or run in another folder",
        )
        return
    kind = file_system(place)
    about = f"results: {place.absolute()} can be written to ({kind})"
    free = shutil.disk_usage(place).free
    needed = _estimate(case)
    if free < needed:
        yield stop(
            f"{about}, {gb(free)} free, and the study needs about {gb(needed)} more",
            "make room, or in config.yaml: features: dtype: float16 (halves it), or run on another "
            "disk",
        )
    elif free < 2 * needed:
        yield note(
            f"{about}, {gb(free)} free; the study needs about {gb(needed)} more",
            "make some more room; quotas are not seen here: quota -s",
        )
    else:
        yield ok(f"{about}, {gb(free)} free; the study needs about {gb(needed)} more")
    yield from _inodes(case, place)
    if kind in FLEETING:
        yield note(
            f"results: {kind} is gone when the machine or the container is",
            "run in a folder on a disk",
        )
    elif kind in OF_ONE_MACHINE and case.executor:
        yield note(
            f"results: {kind} is mostly a disk of one machine; the nodes must see this folder, too",
            "run in a folder that all nodes share (your home or the project's folder)",
        )
    if abs(skew) > MOST_SKEW_S:
        yield note(
            f"results: a file written now is dated {abs(skew):.0f} s "
            f"{'after' if skew > 0 else 'before'} this machine's clock; steps could run once more "
            "than needed",
            "have the clocks of this machine and the file server set by NTP: timedatectl status",
        )


def _written(place: Path) -> float:
    """Write a file and take it away; seconds that its date is ahead of the clock."""
    with tempfile.NamedTemporaryFile(prefix=".histosurv-doctor-", dir=place) as file:
        before = time.time()
        file.write(b"0" * 4096)
        file.flush()
        os.fsync(file.fileno())
        dated, after = os.fstat(file.fileno()).st_mtime, time.time()
    # Between the two nothing is wrong, however slow the disk is.
    return min(dated - before, 0) or max(dated - after, 0)


def _estimate(case: Case) -> float:
    """Bytes that the study still needs."""
    if case.cohort is None:
        return BESIDES
    features = case.settings["features"]
    width = case.probed.get("width", WIDTH)
    tiles = case.tiles_per_spot or USUAL_TILES
    size = 2 if features["dtype"] == "float16" else 4
    of_features = 0 if features["import"] else len(case.cohort.spots) * tiles * width * size
    done = sum(path.stat().st_size for path in (RESULTS / "development/features").glob("*.h5"))
    return max(of_features - done, 0) + BESIDES


def _inodes(case: Case, place: Path) -> Iterator[Finding]:
    """Files that can still be made: a spot has one, and some disks run out of them first."""
    state = os.statvfs(place)
    needed = FILES_BESIDES + (len(case.cohort.spots) if case.cohort is not None else 0)
    if state.f_files and state.f_favail < needed:
        yield stop(
            f"results: {state.f_favail} more files fit on this disk, the study makes {needed}",
            "delete many small files (an old .snakemake, conda packages), or run on another disk",
        )


def file_system(place: Path) -> str:
    """Kind of the file system that a folder lies on."""
    best, kind = "", "unknown"
    real = place.resolve()
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
            left, _, right = line.partition(" - ")
            mount = left.split()[4].replace("\\040", " ")
            # Of two on one place the later is seen.
            if real.is_relative_to(mount) and len(mount) >= len(best):
                best, kind = mount, right.split()[0]
    return kind


def leftovers(_case: Case) -> Iterator[Finding]:
    """A lock of a run that was killed."""
    if LOCKS.is_dir() and any(LOCKS.iterdir()):
        yield note(
            "this folder is locked by a Snakemake, which runs or was killed",
            "if no other Snakemake runs here: snakemake --unlock",
        )


def temporary(_case: Case) -> Iterator[Finding]:
    """The folder for temporary files, and the rights that new files get."""
    named = os.environ.get("TMPDIR")
    try:
        if named:  # Python would silently take another one
            _written(Path(named))
        place = Path(tempfile.gettempdir())
        _written(place)
    except OSError as error:
        yield stop(
            f"temporary files: {named or 'no folder'} cannot be written to ({error.strerror})",
            "export TMPDIR=/tmp, or another folder that you may write to",
        )
        return
    free = shutil.disk_usage(place).free
    if free < LITTLE_TEMPORARY:
        yield note(
            f"temporary files: {place} has {gb(free)} free",
            "make room there, or: export TMPDIR=FOLDER on a disk that has",
        )
    else:
        yield ok(f"temporary files: {place}, {gb(free)} free")
    mask = _umask()
    if mask is not None and not mask & 0o002:
        yield note(
            f"umask is {mask:03o}: anybody on this machine may change the results", "umask 022"
        )


def _umask() -> int | None:
    """The mask of new files; asked of the kernel, for to ask the usual way is to change it."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("utf-8").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return None
