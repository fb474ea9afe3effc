# Frozen models for new patients: needs the models of the first repeat and what they were seen to do,
# makes one folder. Not part of the report; ask for it with `snakemake bundle`.


rule bundle:
    input:
        config="<results>/config.yaml",
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
        networks=collect(
            "<results>/models/{network}/1_{fold}/networks.safetensors",
            network=NETWORKS,
            fold=FOLDS,
        ),
        calibrations=collect(
            "<results>/models/{model}/1_{fold}/calibration.json",
            model=[*NETWORKS, *config["models"]["baselines"]],
            fold=FOLDS,
        ),
        scores="<results>/development/scores.csv",
        metrics="<results>/development/evaluation/metrics.csv",
    output:
        directory("<results>/bundle"),
    log:
        "<logs>/bundle.log",
    benchmark:
        "<benchmarks>/bundle.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(6, "GB"),
        runtime=grows(60, "m"),
    params:
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        models=frozen_folder,
        batches=len(BATCHES),
        code=code_digest("histosurv.report.model_card"),
    shell:
        "histosurv bundle --config {input.config:q} --cohort {params.cohort:q}"
        " --features {params.features:q} --batches {params.batches} --models {params.models:q}"
        " --scores {input.scores:q} --metrics {input.metrics:q} --out {output:q} 2> {log:q}"
