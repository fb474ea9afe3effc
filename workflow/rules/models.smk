# Risk: needs features and folds, makes one score per patient, model and repeat.


rule train:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
    output:
        scores="<results>/models/{network}/{repeat}_{fold}/scores.csv",
        curve="<results>/models/{network}/{repeat}_{fold}/training.csv",
        gradients="<results>/models/{network}/{repeat}_{fold}/gradients.csv",
        spots="<results>/models/{network}/{repeat}_{fold}/spots.csv",
    log:
        "<logs>/models/{network}/{repeat}_{fold}.log",
    benchmark:
        "<benchmarks>/models/{network}/{repeat}_{fold}.jsonl"
    threads: lookup("models/training/initialisations", within=config)
    resources:
        mem="6GB",
        runtime="240m",
    params:
        settings=network_settings,
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        folder=subpath(output.scores, parent=True),
        code=code_digest("histosurv.models.training"),
    shell:
        "histosurv train {wildcards.network} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {params.folder:q} 2> {log:q}"


rule baseline:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
    output:
        "<results>/models/{model}/{repeat}_{fold}/scores.csv",
    log:
        "<logs>/models/{model}/{repeat}_{fold}.log",
    benchmark:
        "<benchmarks>/models/{model}/{repeat}_{fold}.jsonl"
    threads: 1
    resources:
        mem="6GB",
        runtime="60m",
    params:
        pooling=lookup("models/pooling", within=config),
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        code=code_digest("histosurv.models.baselines"),
    shell:
        "histosurv baseline {wildcards.model} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches} --pooling {params.pooling}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --seed {params.seed}"
        " --out {output:q} 2> {log:q}"


rule scores:
    input:
        patients="<results>/development/cohort/patients.csv",
        folds="<results>/development/cohort/folds.csv",
        tables=collect(
            "<results>/models/{model}/{repeat}_{fold}/scores.csv",
            model=MODELS,
            repeat=REPEATS,
            fold=FOLDS,
        ),
        of_spots=collect(
            "<results>/models/{network}/{repeat}_{fold}/spots.csv",
            network=NETWORKS,
            repeat=REPEATS,
            fold=FOLDS,
        ),
    output:
        scores="<results>/development/scores.csv",
        spots="<results>/development/spot_scores.csv",
    log:
        "<logs>/development/scores.log",
    benchmark:
        "<benchmarks>/development/scores.jsonl"
    localrule: True
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        networks=[f"--network={name}" for name in NETWORKS],
        models=[f"--model={name}" for name in MODELS],
        readers=[f"--reader={name}" for name in config["cohort"]["readers"]],
        grade_high=lookup("cohort/grade_high", within=config),
        folder=models_folder,
        cohort=subpath(input.folds, parent=True),
        code=code_digest("histosurv.models.scores"),
    shell:
        "histosurv scores --cohort {params.cohort:q} --models {params.folder:q}"
        " {params.networks:q} {params.models:q} {params.readers:q} --grade-high {params.grade_high}"
        " --out {output.scores:q} --spots-out {output.spots:q} 2> {log:q}"
