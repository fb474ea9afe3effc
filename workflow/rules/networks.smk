# Networks: need features and folds, make scores, frozen networks and what they learnt from.


rule train:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
    output:
        scores="<results>/models/{network}/{repeat}_{fold}/scores.csv",
        validation="<results>/models/{network}/{repeat}_{fold}/validation.csv",
        calibration="<results>/models/{network}/{repeat}_{fold}/calibration.json",
        networks="<results>/models/{network}/{repeat}_{fold}/networks.safetensors",
        tuning="<results>/models/{network}/{repeat}_{fold}/tuning.csv",
        curve="<results>/models/{network}/{repeat}_{fold}/training.csv",
        gradients="<results>/models/{network}/{repeat}_{fold}/gradients.csv",
        spots="<results>/models/{network}/{repeat}_{fold}/spots.csv",
    log:
        "<logs>/models/{network}/{repeat}_{fold}.log",
    benchmark:
        "<benchmarks>/models/{network}/{repeat}_{fold}.jsonl"
    threads: lookup("models/training/initialisations", within=config)
    resources:
        mem=grows(6, "GB"),
        runtime=grows(240, "m"),
    params:
        settings=network_settings,
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        folder=subpath(output.scores, parent=True),
        code=code_digest("histosurv.models.tuning"),
    shell:
        "histosurv train {wildcards.network} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {params.folder:q} 2> {log:q}"


rule attribute:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
        scores="<results>/models/{network}/{repeat}_{fold}/scores.csv",
        networks="<results>/models/{network}/{repeat}_{fold}/networks.safetensors",
        calibration="<results>/models/{network}/{repeat}_{fold}/calibration.json",
    output:
        tiles="<results>/models/{network}/{repeat}_{fold}/attribution.csv",
        orders="<results>/models/{network}/{repeat}_{fold}/orders.csv",
    log:
        "<logs>/models/{network}/{repeat}_{fold}_attribution.log",
    benchmark:
        "<benchmarks>/models/{network}/{repeat}_{fold}_attribution.jsonl"
    threads: 4
    resources:
        mem=grows(6, "GB"),
        runtime=grows(120, "m"),
    params:
        orders=lookup("models/attribution/orders", within=config),
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        folder=subpath(input.networks, parent=True),
        code=code_digest("histosurv.models.attribution"),
    shell:
        "histosurv attribute {params.folder:q} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --orders {params.orders}"
        " --seed {params.seed} --threads {threads} --out {params.folder:q} 2> {log:q}"
