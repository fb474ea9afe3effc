# Risk: needs features and folds, makes one score per patient, model and repeat.


rule baseline:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
    output:
        scores="<results>/models/{baseline}/{repeat}_{fold}/scores.csv",
        calibration="<results>/models/{baseline}/{repeat}_{fold}/calibration.json",
        tuning="<results>/models/{baseline}/{repeat}_{fold}/tuning.csv",
    log:
        "<logs>/models/{baseline}/{repeat}_{fold}.log",
    benchmark:
        "<benchmarks>/models/{baseline}/{repeat}_{fold}.jsonl"
    threads: 1
    resources:
        mem=grows(6, "GB"),
        runtime=grows(60, "m"),
    params:
        pooling=lookup("models/pooling", within=config),
        budget=lookup("models/tuning/settings", within=config),
        inner_folds=lookup("models/tuning/inner_folds", within=config),
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        folder=subpath(output.scores, parent=True),
        code=code_digest("histosurv.models.baselines"),
    shell:
        "histosurv baseline {wildcards.baseline} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches} --pooling {params.pooling}"
        " --settings {params.budget} --inner-folds {params.inner_folds}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --seed {params.seed}"
        " --out {params.folder:q} 2> {log:q}"


rule clinical:
    input:
        patients="<results>/development/cohort/patients.csv",
        folds="<results>/development/cohort/folds.csv",
        network=joined_network,
    output:
        scores="<results>/models/{clinical}/{repeat}_{fold}/scores.csv",
        tuning="<results>/models/{clinical}/{repeat}_{fold}/tuning.csv",
    log:
        "<logs>/models/{clinical}/{repeat}_{fold}.log",
    benchmark:
        "<benchmarks>/models/{clinical}/{repeat}_{fold}.jsonl"
    threads: 1
    resources:
        mem=grows(1, "GB"),
        runtime=grows(30, "m"),
    params:
        covariates=lambda wildcards: options("covariate", config["models"]["clinical"]),
        network=network_option,
        budget=lookup("models/tuning/settings", within=config),
        inner_folds=lookup("models/tuning/inner_folds", within=config),
        seed=lookup("resampling/seed", within=config),
        cohort=subpath(input.folds, parent=True),
        folder=subpath(output.scores, parent=True),
        code=code_digest("histosurv.models.clinical"),
    shell:
        "histosurv clinical --cohort {params.cohort:q} {params.covariates:q} {params.network:q}"
        " --settings {params.budget} --inner-folds {params.inner_folds}"
        " --repeat {wildcards.repeat} --fold {wildcards.fold} --seed {params.seed}"
        " --out {params.folder:q} 2> {log:q}"


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
        orders=collect(
            "<results>/models/{network}/1_{fold}/orders.csv",
            network=ATTRIBUTED,
            fold=FOLDS,
        ),
    output:
        scores="<results>/development/scores.csv",
        spots="<results>/development/spot_scores.csv",
        orders=ORDER_SCORES,
    log:
        "<logs>/development/scores.log",
    benchmark:
        "<benchmarks>/development/scores.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(1, "GB"),
        runtime=grows(10, "m"),
    params:
        networks=[f"--network={name}" for name in NETWORKS],
        models=[f"--model={name}" for name in MODELS],
        readers=lambda wildcards: options("reader", config["cohort"]["readers"]),
        grade_high=lookup("cohort/grade_high", within=config),
        orders=lambda wildcards, output: [f"--orders-out={path}" for path in output[2:]],
        folder=models_folder,
        cohort=subpath(input.folds, parent=True),
        code=code_digest("histosurv.models.scores"),
    shell:
        "histosurv scores --cohort {params.cohort:q} --models {params.folder:q}"
        " {params.networks:q} {params.models:q} {params.readers:q} --grade-high {params.grade_high}"
        " --out {output.scores:q} --spots-out {output.spots:q} {params.orders:q} 2> {log:q}"
