"""What made these figures: versions, settings, and what is known of the study's own."""

import importlib.metadata
import platform

import histosurv
from histosurv.config import config_schema

PACKAGES = [
    "torch", "torchvision", "openslide-python", "scikit-image", "lifelines", "scikit-learn",
    "statsmodels", "scipy", "numpy", "pandas", "h5py", "snakemake",
]  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of the program, of Python and of the libraries that the figures rest on."""
    found = {"histosurv": histosurv.__version__, "Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def settings(config: dict) -> list[dict[str, str]]:
    """Every setting of the run: ``key, value, meaning, study, is_default``.

    ``study`` says what is known of the original study's value; empty where the setting has no
    counterpart there.
    """
    return list(_walk(config, config_schema(), ""))


def _walk(value: dict, schema: dict, prefix: str):
    for key, rule in schema["properties"].items():
        if "properties" in rule:
            yield from _walk(value[key], rule, f"{prefix}{key}: ")
        else:
            yield {
                "key": f"{prefix}{key}",
                "value": _text(value[key]),
                "meaning": rule["description"],
                "study": rule.get("study", ""),
                "is_default": value[key] == rule.get("default"),
            }


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "none"
