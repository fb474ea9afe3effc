"""`histosurv doctor`: every ailment has its line and its mend, and none brings the doctor down."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from tests.doctor.examining import PROFILE, SCRIPTS, fake, told

from histosurv.doctor import gpu, processor, software

LEVELS = ("ok", "note", "STOP")

# Whatever asks for a name or another machine, in the doctor or in a Python that it starts.
NO_NETWORK = """\
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        open({log!r}, "a").write(f"{{event}} {{arguments}}\\n")
sys.addaudithook(hook)
"""


def doctor(*options):
    command = [sys.executable, "-m", "histosurv", "doctor", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stdout + run.stderr
    *lines, _, last = run.stdout.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert line.startswith((*LEVELS, "      "))
        # Each remark has its mend below it, and nothing else has.
        assert line.startswith(("note", "STOP")) == following.startswith("      ")
    assert (run.returncode == 1) == any(line.startswith("STOP") for line in lines)
    assert run.returncode in (0, 1)
    assert ("nothing stops a run" in last) == (run.returncode == 0)
    return run


def test_an_empty_folder_is_examined_without_any_network(folder, tmp_path, monkeypatch):
    log = tmp_path / "network"
    place = fake(tmp_path / "site", "sitecustomize.py", NO_NETWORK.format(log=str(log)))
    monkeypatch.setenv("PYTHONPATH", place)
    run = doctor()
    assert run.returncode == 0, run.stdout
    for part in ("PYTHONPATH is set", "no config.yaml in this folder", "Slurm is not here"):
        assert part in run.stdout
    assert not log.exists(), log.read_text()
    assert not list(folder.iterdir())


def test_a_study_in_order_is_told_in_figures_and_left_as_it_is(simulated, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    before = sorted(simulated.rglob("*"))
    run = doctor()
    assert run.returncode == 0, run.stdout
    assert "tables: 24 patients, 26 spots, batches: 1; outcome at 60 months known" in run.stdout
    assert "of 26 spots opened: 224 x 224 px" in run.stdout
    assert "hf_secret" not in run.stdout
    assert sorted(simulated.rglob("*")) == before


def test_everything_broken_at_once_is_told_line_by_line(simulated, tmp_path, monkeypatch):
    broken = tmp_path / "site"
    fake(broken, "torch.py", "raise ImportError('libcudart.so.12: cannot open shared object file')")
    fake(broken, "openslide.py", "raise OSError('libopenslide.so.1: cannot open')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setenv("PATH", str(broken))
    table = simulated / "demo/patients.csv"
    table.write_text(table.read_text("utf-8").replace("time_months", "months", 1), "utf-8")
    (simulated / "results").write_text("")  # a file where the folder should be
    output = doctor("--profile", str(PROFILE), "--config", "no.yaml").stdout
    assert "no.yaml: cannot be read" in output
    output = doctor("--profile", str(PROFILE)).stdout
    for part in (
        "histosurv is not on PATH",
        f". {SCRIPTS}/activate" if (Path(SCRIPTS) / "activate").exists() else "export PATH",
        "torch cannot be imported (ImportError: libcudart",
        "pictures cannot be opened (OSError: libopenslide",
        "patients.csv, row 1: column time_months is missing",
        "results cannot be written to (Not a directory)",
        "the profile asks for it, and sbatch, sinfo, scontrol cannot be found",
    ):
        assert part in output


def test_versions_that_do_not_fit(monkeypatch):
    real = software.version

    def version(name):
        if name == "skops":
            raise PackageNotFoundError(name)
        return {"pandas": "3.0.1", "snakemake": "9.20"}.get(name) or real(name)

    monkeypatch.setattr(software, "version", version)
    monkeypatch.setattr(software.platform, "python_version", lambda: "3.10.9")
    output = told(software.packages)
    assert "STOP  pandas 3.0.1 is installed, histosurv needs pandas<3" in output
    assert "pip install 'snakemake>=9.25'" in output
    assert "skops is not installed" in output
    assert "3.10.9" in told(software.python)
    assert "needs <3.14,>=3.11" in told(software.python)


def test_another_histosurv_on_path(folder, tmp_path, monkeypatch):
    place = fake(tmp_path / "bin", "histosurv", "true")
    monkeypatch.setenv("PATH", f"{place}:{SCRIPTS}")
    output = told(software.commands)
    assert f"STOP  histosurv on PATH is {place}/histosurv, which is of another Python" in output
    assert f"ok    on PATH are this Python's own {SCRIPTS}/snakemake" in output


@pytest.mark.parametrize(
    ("module", "text", "expected"),
    [
        (
            "torch",
            "import os; os.kill(os.getpid(), 4)",
            "the import of torch ended in: killed by SIG",
        ),
        ("torch", "import time; time.sleep(60)", "no answer within 2 s"),
        (
            "torchvision",
            "raise RuntimeError('operator torchvision::nms does not exist')",
            "nms does",
        ),
    ],
)
def test_a_torch_that_crashes_hangs_or_does_not_fit(tmp_path, monkeypatch, module, text, expected):
    monkeypatch.setenv("PYTHONPATH", fake(tmp_path, f"{module}.py", text))
    monkeypatch.setattr(gpu, "PROBE_SECONDS", 2 if "sleep" in text else 60)
    output = told(gpu.torch)
    assert output.startswith("STOP")
    assert expected in output
    if module == "torchvision":
        assert "'torchvision==0." in output


H100 = {"name": "H100", "memory": 8e10, "capability": "9.0"}
BUILD = {
    "cuda": "13.0",
    "rocm": "",
    "architectures": ["sm_80", "sm_90"],
    "gpus": [H100],
    "free": 7e10,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "ok    GPU 0: H100, 80.0 GB, 9.0, CUDA 13.0: steps compute on it"),
        ({"architectures": ["sm_100", "sm_120"]}, "STOP  GPU 0: H100, 80.0 GB, 9.0: torch's build"),
        ({"gpu_error": "out of memory"}, "a small computation failed (out of memory)"),
        ({"free": 1e9}, "note  GPU 0: H100, 80.0 GB, 9.0: 1.0 GB of it are free"),
        (
            {"gpus": [], "cuda": ""},
            "note  Tesla T4 is here with driver 470.1, but torch is built for",
        ),
        ({"gpus": [], "no_gpu": "driver is too old"}, "have the driver renewed"),
    ],
)
def test_gpus(monkeypatch, change, expected):
    monkeypatch.setattr(gpu, "_nvidia", lambda: ("Tesla T4", "470.1"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert expected in "\n".join(map(str, gpu._gpu(BUILD | change)))


def test_a_hidden_card_is_told_and_none_is_no_fault(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(gpu, "_nvidia", lambda: ("Tesla T4", "470.1"))
    assert "hidden by CUDA_VISIBLE_DEVICES=''" in str(gpu._without_gpu(BUILD))
    monkeypatch.setattr(gpu, "_nvidia", lambda: ("", ""))
    assert str(gpu._without_gpu(BUILD)).startswith("ok")


def test_a_container_that_leaves_less_than_the_machine_has(tmp_path, monkeypatch):
    told_by = {
        "memory.max": "4000000000",
        "memory.current": "3000000000",
        "cpu.max": "250000 100000",
    }
    told_by["memory.stat"] = "anon 2000000000\ninactive_file 1000000000"
    for name, text in told_by.items():
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(processor, "_cgroups", lambda: [tmp_path])
    monkeypatch.setattr(processor.os, "sched_getaffinity", lambda _: set(range(16)))
    assert processor.memory() == (4e9, 2e9)
    assert processor.cores() == 2


def test_little_memory(monkeypatch):
    monkeypatch.setattr(processor, "memory", lambda: (16e9, 2e9))
    assert "the step features may need 8.0 GB" in told(processor.processor)
