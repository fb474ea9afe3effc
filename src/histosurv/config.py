"""The study's settings: one schema, its defaults, and one clear sentence for a slip."""

import sys
from pathlib import Path

import yaml

from histosurv.errors import MISTAKE, InputError
from histosurv.files import read_yaml
from histosurv.misfits import misfits

WEIGHTS = ("imagenet", "hub", "random")  # words that stand for weights; all else is a path
DEVELOPMENT = "development"  # the cohort that models learn from; all others are external
USUAL_RATES = {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "sgd": 0.01}

_HERE = Path(__file__).parent
# What lies at the top of the repository, and in the package where that is installed.
SHIPPED_PARTS = ("Snakefile", "config.yaml", "configs", "profiles", "workflow")
SHIPPED = _HERE if (_HERE / "workflow").is_dir() else _HERE.parents[1]


def schema_path(name: str) -> Path:
    """Schema file of that name."""
    return SHIPPED / "workflow" / "schemas" / f"{name}.schema.yaml"


def config_schema() -> dict:
    """Schema of ``config.yaml``: keys, defaults, and what is known of the study's own value."""
    return read_yaml(schema_path("config"))


def complete(config: dict) -> dict:
    """Check a configuration and fill in the defaults.

    Parameters
    ----------
    config : dict
        As read from ``config.yaml``.

    Returns
    -------
    dict
        A new configuration with every key of the schema.

    Raises
    ------
    InputError
        An unknown key (the nearest known one is named), a missing one, or a value that does not
        fit.
    """
    schema = config_schema()
    filled = _with_defaults(config, schema)
    for told in misfits(filled, schema):
        raise InputError(f"config: {told}")
    _refuse_outcome(filled)
    filled["evaluation"] = for_readers(filled["evaluation"], filled["cohort"]["readers"])
    _refuse_no_comparison(filled)
    learning_rate(filled["models"]["training"])
    resampling = filled["resampling"]
    if resampling["scheme"] == "single" and resampling["repeats"] > 1:
        raise InputError(
            "config: resampling: repeats: a single split is drawn once; set repeats: 1, or scheme: "
            "rotation"
        )
    return filled


def read_config(path: Path | str) -> dict:
    """Content of a config file, whatever its keys.

    Raises
    ------
    InputError
        It cannot be read, is no YAML (the line is told), or has no keys.
    """
    try:
        config = read_yaml(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a config file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: letters are not in UTF-8; save it as UTF-8") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: a date or number that is none
        told = " ".join(str(error).split())
        raise InputError(f"{path}: is no YAML ({told}); correct it") from None
    if not isinstance(config, dict):
        raise InputError(f"{path}: is no config: it has no keys; name another file")
    return config


def looked_at(path: str) -> str:
    """The same path, for Snakemake, which reads it next and would not tell the line of a slip."""
    if Path(path).exists():
        try:
            read_config(path)
        except InputError as error:
            print(f"{MISTAKE}{error}", file=sys.stderr)
    return path


def read_section(path: Path, name: str) -> dict:
    """One section of a config file, checked, with its defaults; the rest may be missing.

    Raises
    ------
    InputError
        As `read_config` and `complete_section`.
    """
    return complete_section(name, read_config(path).get(name), path)


def complete_section(name: str, keys: object, source: Path | str) -> dict:
    """Check one section and fill in its defaults.

    Raises
    ------
    InputError
        A key or value does not fit; the message begins with the source.
    """
    schema = {"type": "object", "properties": {name: config_schema()["properties"][name]}}
    filled = _with_defaults({name: keys}, schema)
    for told in misfits(filled, schema):
        raise InputError(f"{source}: {told}")
    return filled[name]


def learning_rate(training: dict) -> float:
    """Learning rate of the config's ``models: training:``, where 0 is the optimiser's usual one.

    Raises
    ------
    InputError
        Adadelta's, which differs a thousandfold between libraries, is not stated.
    """
    if training["learning_rate"]:
        return training["learning_rate"]
    if training["optimiser"] not in USUAL_RATES:
        raise InputError(
            f"config: models: training: learning_rate: state one for {training['optimiser']}: 1.0 "
            "is that of its first description and of PyTorch, 0.001 that of newer Keras, which "
            "hardly learns"
        )
    return USUAL_RATES[training["optimiser"]]


def refuse_missing_files(config: dict) -> None:
    """Stop where spots or features cannot be had: no table, no weights file, no folder to import.

    Raises
    ------
    InputError
        A complete configuration names neither spots nor slides, or a file that is not there.
    """
    for cohort, tables in config["cohorts"].items():
        if not tables["spots"] and not tables["slides"]:
            raise InputError(
                f"config: cohorts: {cohort}: neither spots nor slides are named; name a spot table "
                "or a table of whole slides"
            )
    features = config["features"]
    for cohort, tables in config["cohorts"].items():
        if tables["features"] and not features["import"]:
            raise InputError(
                f"config: cohorts: {cohort}: features: features are computed from the images here; "
                "take it out, or name the folder of ready ones under features: import"
            )
        if tables["features"] and not Path(tables["features"]).is_dir():
            raise InputError(
                f"config: cohorts: {cohort}: features: {tables['features']} is no folder; correct "
                "the path"
            )
    if features["import"]:
        if not Path(features["import"]).is_dir():
            raise InputError(
                f"config: features: import: {features['import']} is no folder; correct the path"
            )
    else:
        _refuse_weights(features["encoder"], features["weights"], features["convention"])


def _refuse_weights(encoder: str, weights: str, convention: str) -> None:
    """Stop where weights do not suit the encoder, as far as it shows without opening them."""
    from_hub = not encoder.startswith(("vgg16", "torchvision/", "timm/"))
    words = ["hub"] if from_hub else ["imagenet", "random"]
    takes_folder = from_hub or encoder.startswith("timm/")
    path = Path(weights)
    if weights in WEIGHTS:
        is_right = weights in words
    else:
        is_right = path.is_file() or (weights != "" and path.is_dir() and takes_folder)
    if not is_right:
        kind = "file or folder" if takes_folder else "file"
        raise InputError(
            f"config: features: weights: {weights!r} is no {kind}, nor one of {', '.join(words)}, "
            f"which {encoder} takes; correct it"
        )
    if convention != "auto" and (encoder != "vgg16" or weights in WEIGHTS):
        raise InputError(
            f"config: features: convention: is of a VGG-16 file, not of {encoder} with {weights}; "
            "set auto"
        )


def _refuse_outcome(config: dict) -> None:
    for section, key in (
        ("cohort", "readers"),
        ("cohort", "strata"),
        ("models", "clinical"),
        ("evaluation", "covariates"),
        ("evaluation", "subgroups"),
    ):
        for name in config[section][key]:
            if name in ("patient_id", "time_months", "event", "label_60m"):
                raise InputError(
                    f"config: {section}: {key}: {name} is what is to be foretold, or a name; take "
                    "it out"
                )


def _refuse_no_comparison(config: dict) -> None:
    models = config["models"]
    known = [*models["networks"], *models["baselines"]]
    if models["clinical"]:
        known += ["clinical", *(f"clinical_{name}" for name in models["networks"])]
    known += [*config["cohort"]["readers"], "visual_risk", "vote_count", "grade", "stage"]
    for key in ("primary", "against"):
        name = config["evaluation"][key]
        if name and name not in known:
            raise InputError(
                f"config: evaluation: {key}: {name!r} is none of the study's scores "
                f"({', '.join(known)}); correct it"
            )
    if config["evaluation"]["against"] == primary_score(config):
        raise InputError(
            f"config: evaluation: against: {primary_score(config)!r} is the score that the study "
            "is about; name another to compare it with"
        )


def for_readers(evaluation: dict, readers: list[str]) -> dict:
    """The config's ``evaluation:``, where votes and majority of one reader are that reader."""
    votes = ("vote_count", "visual_risk")
    alone = [key for key in ("primary", "against") if evaluation.get(key) in votes]
    return evaluation | (dict.fromkeys(alone, readers[0]) if len(readers) == 1 else {})


def primary_score(config: dict) -> str:
    """The score that a study is about: the one it names, or its first network."""
    return config["evaluation"]["primary"] or config["models"]["networks"][0]


def shown_network(config: dict) -> str:
    """The network whose tiles are shown: the one that a study is about, or its first."""
    networks = config["models"]["networks"]
    return primary_score(config) if primary_score(config) in networks else networks[0]


def _with_defaults(value: object, schema: dict) -> object:
    if value is None and "properties" in schema:
        value = {}  # a heading with nothing under it
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_with_defaults(item, schema["items"]) for item in value]
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    filled = dict(value)
    for key, rule in schema["properties"].items():
        if key in filled:
            filled[key] = _with_defaults(filled[key], rule)
        elif "default" in rule:
            filled[key] = _with_defaults(rule["default"], rule)
    if isinstance(others := schema.get("additionalProperties"), dict):
        for key in filled.keys() - schema["properties"].keys():
            filled[key] = _with_defaults(filled[key], others)
    return filled
