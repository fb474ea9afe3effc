"""The house keeps its own rules."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml
from tests.running import ROOT, output_of, run_snakemake

from histosurv.code import _closure, _file, _imports, code_digest
from histosurv.config import complete, config_schema
from histosurv.models.names import Baseline, Control, Network


def test_snakemake_lint_is_clean(small):
    run = run_snakemake(small, "--lint")
    assert run.returncode == 0, output_of(run)
    assert "good condition" in output_of(run)


def test_help_and_the_snakefile_load_no_heavy_library():
    heavy = {"torch", "torchvision", "sklearn", "lifelines", "matplotlib", "skimage", "openslide"}
    for module in ("histosurv.cli", "histosurv.plan, histosurv.config, histosurv.code"):
        code = f"import sys, {module}; print(*sorted(set(sys.modules) & {heavy!r}))"
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == ""


def test_shipped_config_names_every_key_and_comments_it():
    text = (ROOT / "config.yaml").read_text()
    shipped = yaml.safe_load(text)

    def keys(schema, prefix=()):
        for key, rule in schema["properties"].items():
            yield from keys(rule, (*prefix, key)) if "properties" in rule else [(*prefix, key)]

    for path in keys(config_schema()):
        value = shipped
        for key in path:
            assert key in value, path
            value = value[key]
    assert complete(shipped) == shipped


def test_every_key_has_a_meaning_and_is_used_by_a_rule():
    ours = [ROOT / "src/histosurv" / name for name in ("plan.py", "report/build.py")]
    readers = [*(ROOT / "workflow/rules").iterdir(), *ours]
    texts = [path.read_text() for path in readers]

    def check(schema, path=()):
        for key, rule in schema["properties"].items():
            assert rule["description"]
            if (path[:1] == ("models",) and len(path) == 2) or path in (
                ("spots",),
                ("evaluation",),
            ):
                continue  # handed over whole to a dataclass that knows no other field
            if "properties" in rule:
                check(rule, (*path, key))
            else:
                whole, steps = "/".join((*path, key)), [f'["{step}"]' for step in (*path, key)]
                assert path[:1] == ("cohorts",) or any(
                    f'"{whole}"' in text or all(step in text for step in steps) for text in texts
                ), whole

    check(config_schema())


def test_digest_follows_imports_and_nothing_else():
    digests = {
        name: code_digest(f"histosurv.{name}")
        for name in (
            "cohort.membership",
            "spots.tile_table",
            "models.training",
            "evaluation.metrics",
        )
    }
    assert len(set(digests.values())) == 4
    training = _closure("histosurv.models.training")
    assert {"histosurv.models.network", "histosurv.features.store", "histosurv.publish"} <= training
    assert not {"histosurv.models.baselines", "histosurv.evaluation.metrics"} & training


def test_the_imports_of_a_module_are_those_that_python_sees():
    for path in (ROOT / "src/histosurv").rglob("*.py"):
        seen = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                seen |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                seen |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        ours = {name for name in seen if name.startswith("histosurv") and _file(name).is_file()}
        assert set(_imports(module)) == ours, path


@pytest.mark.parametrize("folder", ["src", "tests", "workflow"])
def test_files_stay_within_one_head(folder):
    limits = {".py": 300 if folder == "src" else 250, ".smk": 120}
    for path in (ROOT / folder).rglob("*"):
        if path.suffix in limits:
            n_lines = len(path.read_text().splitlines())
            assert n_lines <= limits[path.suffix], f"{path}: {n_lines} lines"


def test_snakefile_reads_like_a_table_of_contents():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60
    files = list((ROOT / "workflow/rules").glob("*.smk"))
    assert Path(ROOT / "Snakefile").read_text().count("include:") == len(files)


def test_models_and_controls_are_called_alike_in_the_code_and_in_the_schema():
    keys = config_schema()["properties"]
    models = keys["models"]["properties"]
    for names, listed in (
        (Network, models["networks"]),
        (Baseline, models["baselines"]),
        (Control, keys["controls"]),
    ):
        assert list(get_args(names)) == listed["items"]["enum"]
