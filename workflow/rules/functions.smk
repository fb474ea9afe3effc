# Inputs and parameters that rules work out from their wildcards and inputs.


from histosurv.report.spec import captions, categories, item_of, titles


def options(name, values):
    """An option once per value; called by functions, lest braces in a value are taken for wildcards."""
    return [f"--{name}={value}" for value in values]


def of_batches(pattern):
    """Input function: this file of every batch of the cohort in hand."""
    return lambda wildcards: collect(
        pattern, cohort=wildcards.cohort, batch=PLAN.numbers(wildcards.cohort)
    )


def n_batches(wildcards):
    """Number of batches of the cohort in hand."""
    return len(PLAN.numbers(wildcards.cohort))


def order_scores(wildcards):
    """Scores in other orders of tiles, which only the development cohort has."""
    return ORDER_SCORES if wildcards.cohort == "development" else []


def batch_state(wildcards):
    """Digest of a batch's rows and files; one that is missing is a user's mistake."""
    return checked(PLAN.batch_digest, wildcards)


def features_folder(wildcards, input):
    """Folder of the feature files, two above the batch indexes."""
    return Path(input.indexes[0]).parents[1]


def quality_options(wildcards, input):
    """Folder and number of the batches' quality tables; a list of all could grow too long."""
    tables = input.get("quality", [])
    options = (f"--quality={Path(path).parent}" for path in tables[:1])
    return [*options, f"--batches={len(tables)}"]


def spots_option(wildcards, input):
    """Folder of the spots' tables and pictures, if there were any pixels."""
    return [f"--spots={Path(path).parents[1]}" for path in input.quality[:1]]


def models_folder(wildcards, input):
    """Folder of all models' scores, three above the score files."""
    return Path(input.tables[0]).parents[2]


def frozen_folder(wildcards, input):
    """Folder of all models, three above the networks."""
    return Path(input.networks[0]).parents[2]


def network_settings(wildcards):
    """What the config says of a network, of its training and of the choice of its settings."""
    models = config["models"]
    shared = {name: models[name] for name in ("training", "tuning")}
    return json.dumps({"network": models[wildcards.network]} | shared)


def evaluation_settings(wildcards):
    """What the config asks of the scores, and who has read the cohort."""
    asked = config["evaluation"] | {"primary": primary_score(config)}
    readers = PLAN.readers(wildcards.get("cohort", "development"))
    return json.dumps(asked | {"readers": readers})


def joined_network(wildcards):
    """Scores of the network that a clinical model is joined with, if it is one of those."""
    network = wildcards.clinical.removeprefix("clinical").removeprefix("_")
    folder = f"<results>/models/{network}/{wildcards.repeat}_{wildcards.fold}"
    return [f"{folder}/{name}.csv" for name in ("scores", "validation") if network]


def network_option(wildcards, input):
    """The folder of these scores."""
    return [f"--network={Path(path).parent}" for path in input.network[:1]]


def weights_files(wildcards):
    """The weights file that the study names, or those of the folder, if it names one."""
    source = Path(config["features"]["weights"])
    if config["features"]["weights"] in WEIGHTS:
        return []
    names = ["config.json", "model.safetensors", "pytorch_model.bin"]
    return [source / name for name in names if (source / name).is_file()] or [source]


def weights_state(wildcards):
    """Size and time of the weights files: one replaced by an older one is another, too."""
    return files_digest(weights_files(wildcards))


def benchmarks_folder(wildcards, input):
    """Folder of all measurements, two above that of the evaluation."""
    return Path(input.benchmarks[-1]).parents[1]


def category_of(wildcards):
    """Where Snakemake's report shows a figure or table."""
    return categories()[item_of(wildcards.item)]


def labels_of(kind):
    """Function that labels the figures or tables there."""
    return lambda wildcards: {"what": titles()[item_of(wildcards.item)], "kind": kind}
