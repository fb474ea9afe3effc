"""Fake commands for the doctor to meet, and what one of its checks says."""

import sys
from pathlib import Path

import yaml
from tests.running import ROOT

from histosurv.doctor import study
from histosurv.doctor.examination import findings
from histosurv.doctor.findings import Case

SCRIPTS = str(Path(sys.executable).parent)
PROFILE = ROOT / "workflow/profiles/slurm"


def told(check, case=None):
    """What a check of a module says, as one text."""
    name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
    return "\n".join(map(str, findings(name, case or Case())))


def examined(folder, **sections):
    """A study of which some sections are other: its case, and what the doctor says of it."""
    over = folder / "over.yaml"
    over.write_text(yaml.safe_dump(sections), "utf-8")
    case = Case([over])
    output = "\n".join(told(check, case) for check in (study.config, study.tables, study.images))
    return case, output


def fake(folder, name, script):
    """A command, or with a name that ends in .py a module, that goes before the real one."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script if name.endswith(".py") else f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder)
