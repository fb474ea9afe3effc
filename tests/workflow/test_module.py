"""Two studies in one tree: the workflow taken twice as a module, as docs/cluster.md shows."""

import re

import yaml
from tests.forks import in_a_fork
from tests.running import QUICK, ROOT, output_of, simulate_imported

EXAMPLE = ROOT / "docs" / "cluster.md"
FOLDS = "results/development/cohort/folds.csv"


def snakemake(folder, *arguments):
    command = ["snakemake", "--workflow-profile", ROOT / "profiles/default", "--cores", "2"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return in_a_fork([*command, *arguments], folder=folder, environment=environment)


def test_the_documented_example_runs_two_studies_side_by_side(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    [snakefile] = re.findall(r"```python\n(# Snakefile of both studies.*?)```", text, re.DOTALL)
    assert snakefile.count("/opt/histosurv/Snakefile") == 1
    (tmp_path / "Snakefile").write_text(
        snakefile.replace("/opt/histosurv/Snakefile", str(ROOT / "Snakefile"))
    )
    for seed, name in enumerate(("colon", "rectum")):
        (tmp_path / name).mkdir()
        simulate_imported(tmp_path / name, 34, seed=seed)
        tables = {kind: f"{name}/{kind}.csv" for kind in ("patients", "spots")}
        features = {"import": f"{name}/features"}
        config = QUICK | {"cohorts": {"development": tables}, "features": features}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config))
    plan = snakemake(tmp_path, "-n", "--quiet", "rules")
    assert plan.returncode == 0, output_of(plan)
    for rule in ("import_features", "train", "report"):
        assert {f"colon_{rule}", f"rectum_{rule}"} <= set(output_of(plan).split())
    run = snakemake(tmp_path, f"colon/{FOLDS}", f"rectum/{FOLDS}")
    assert run.returncode == 0, output_of(run)
    one, other = ((tmp_path / name / FOLDS).read_text() for name in ("colon", "rectum"))
    assert one != other
    # Nothing lies where a study without pathvars of its own would put it.
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "logs").exists()
