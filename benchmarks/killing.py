"""Kill the features step again and again, and compare with an undisturbed run.

    python benchmarks/killing.py SPOT.jpg ... --weights W [--kills 20] [--seed 1] [--threads 2]

The step runs as a command of its own; at a random moment its whole process group gets SIGKILL, and
the next run goes on from what is there. After each kill every finished file must be undamaged; at
the end all files, and the index, must have the bytes of a run that nobody disturbed. Between kills
one file is truncated, one emptied, and stale temporary files are laid.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from histosurv.features.store import damage
from histosurv.publish import partial_name, write_table
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import tabulate


def command(folder: Path, store: Path, weights: str, threads: int) -> list[str]:
    """The features step on the tables in a folder."""
    return [
        str(Path(sys.executable).parent / "histosurv"), "features", "compute",
        "--quality", str(folder / "quality.csv"), "--tiles", str(folder / "tiles.csv"),
        "--weights", weights, "--store", str(store), "--index", str(store / "batches/0000.csv"),
        "--threads", str(threads),
    ]  # fmt: skip


def contents(store: Path) -> dict[str, bytes]:
    """Every published file of a store."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def main() -> None:
    """Kill, resume, compare, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spots", nargs="+", help="images")
    parser.add_argument("--weights", required=True, help="file of `histosurv weights`")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [Path(path).stem for path in options.spots]
        spots = pd.DataFrame({"spot_id": names, "patient_id": "p", "image": options.spots})
        done = tabulate(spots, SpotSettings(), options.threads)
        write_table(done.spots, folder / "quality.csv")
        write_table(done.tiles, folder / "tiles.csv")
        run = command(folder, folder / "undisturbed", options.weights, options.threads)
        start = time.perf_counter()
        subprocess.run(run, check=True, stderr=subprocess.DEVNULL)
        whole = time.perf_counter() - start
        expected = contents(folder / "undisturbed")
        store = folder / "killed"
        run = command(folder, store, options.weights, options.threads)
        n_kills = n_damaged = n_rounds = 0
        spoilt: dict[Path, bytes] = {}
        while n_kills < options.kills:
            process = subprocess.Popen(run, start_new_session=True, stderr=subprocess.DEVNULL)
            # Never too late for a kill, and most of them while something is being made.
            try:
                process.wait(draw.uniform(0.02, 0.9) * whole)
                n_rounds += 1  # it finished first: begin anew
                for path in store.glob("*.h5"):
                    path.unlink()
                continue
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                n_kills += 1
            finished = sorted(store.glob("*.h5"))
            n_damaged += sum(
                bool(damage(path)) for path in finished if spoilt.get(path) != path.read_bytes()
            )
            if finished and n_kills % 4 == 0:
                victim = draw.choice(finished)
                size = victim.stat().st_size if n_kills % 8 else 0
                victim.write_bytes(victim.read_bytes()[: draw.randrange(size) if size else 0])
                spoilt[victim] = victim.read_bytes()
                own = partial_name(victim).name.replace(f".{os.getpid()}.", f".{process.pid}.")
                victim.with_name(own).write_bytes(b"stale")
        subprocess.run(run, check=True, stderr=subprocess.DEVNULL)
        differ = [name for name in expected if contents(store).get(name) != expected[name]]
        left = [path.name for path in store.iterdir() if path.name.startswith(".")]
    print(f"{n_kills} kills ({n_rounds} runs ended before theirs), undisturbed run {whole:.0f} s: "
          f"{n_damaged} damaged files seen after kills, {len(differ)} of {len(expected)} files "
          f"differ at the end, {len(left)} temporary files left")  # fmt: skip
    sys.exit(bool(n_damaged or differ or left))


if __name__ == "__main__":
    main()
