# What a person reads: needs every table, makes one HTML file.


rule config_as_run:
    output:
        "<results>/config.yaml",
    log:
        "<logs>/config.log",
    benchmark:
        "<benchmarks>/config.jsonl"
    localrule: True
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        # A function, lest braces in the title are taken for wildcards.
        settings=lambda wildcards: json.dumps(config),
        code=code_digest("histosurv.report.provenance"),
    shell:
        "histosurv config --json {params.settings:q} --out {output:q} 2> {log:q}"


rule report:
    input:
        config="<results>/config.yaml",
        patients="<results>/development/cohort/patients.csv",
        exclusions="<results>/development/cohort/exclusions.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
        throughput=SEEN["throughput"],
        quality=SEEN["quality"],
        sheets=SEEN["sheets"],
        slides=SEEN["slides"],
        metrics="<results>/development/evaluation/metrics.csv",
        kaplan_meier="<results>/development/evaluation/kaplan_meier.csv",
        at_risk="<results>/development/evaluation/at_risk.csv",
        roc="<results>/development/evaluation/roc.csv",
        training=collect(
            "<results>/models/{network}/{repeat}_{fold}/{table}.csv",
            network=NETWORKS,
            repeat=REPEATS,
            fold=FOLDS,
            table=["training", "gradients"],
        ),
        tuning=collect(
            "<results>/models/{model}/{repeat}_{fold}/tuning.csv",
            model=MODELS,
            repeat=REPEATS,
            fold=FOLDS,
        ),
        controls=collect(
            "<results>/controls/{control}/development/evaluation/metrics.csv",
            control=CONTROLS,
        ),
    output:
        "<results>/report/study.html",
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.jsonl"
    localrule: True
    threads: 1
    resources:
        mem="2GB",
        runtime="30m",
    params:
        cohort=subpath(input.folds, parent=True),
        features=features_folder,
        spots=spots_option,
        batches=len(BATCHES),
        models=training_folder,
        controls=lambda wildcards, input: [
            f"--control={path}" for path in input.controls
        ],
        evaluation=subpath(input.metrics, parent=True),
        code=code_digest("histosurv.report.build", "report/templates"),
    shell:
        "histosurv report --config {input.config:q} --cohort {params.cohort:q}"
        " --features {params.features:q} {params.spots:q} --batches {params.batches}"
        " --models {params.models:q} --evaluation {params.evaluation:q} {params.controls:q}"
        " --out {output:q} 2> {log:q}"
