# What a person reads: needs every table, makes one HTML file, and its figures and tables for the paper.


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
        mem=grows(1, "GB"),
        runtime=grows(10, "m"),
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
        spots="<results>/development/cohort/spots.csv",
        exclusions="<results>/development/cohort/exclusions.csv",
        folds="<results>/development/cohort/folds.csv",
        indexes=INDEXES,
        throughput=SEEN["throughput"],
        tiles=collect("<results>/development/spots/{batch}.csv", batch=IMAGED),
        quality=SEEN["quality"],
        sheets=SEEN["sheets"],
        thumbnails=SEEN["thumbnails"],
        slides=SEEN["slides"],
        scores="<results>/development/scores.csv",
        metrics="<results>/development/evaluation/metrics.csv",
        curves=collect(
            "<results>/development/evaluation/{table}.csv",
            table=["kaplan_meier", "at_risk", "roc", "warnings", *CURVES],
        ),
        training=collect(
            "<results>/models/{network}/{repeat}_{fold}/{table}.csv",
            network=NETWORKS,
            repeat=REPEATS,
            fold=FOLDS,
            table=["training", "gradients"],
        ),
        attribution=collect(
            "<results>/models/{network}/1_{fold}/attribution.csv",
            network=ATTRIBUTED,
            fold=FOLDS,
        ),
        gallery=GALLERY,
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
        external=collect(
            "<results>/{cohort}/{table}.csv",
            cohort=EXTERNAL,
            table=[
                "cohort/exclusions",
                "scores",
                "evaluation/metrics",
                "features/drift",
            ],
        ),
        benchmarks=MEASURED,
    output:
        study=report(
            "<results>/report/study.html",
            caption="../report/study.rst",
            category="0 Study report",
            labels={"what": "the whole report, one page"},
        ),
        figures=report(
            directory("<results>/report/figures"),
            patterns=["{item}.svg"],
            caption="../report/item.rst",
            category=category_of,
            labels=labels_of("figure"),
        ),
        tables=report(
            directory("<results>/report/tables"),
            patterns=["{item}.csv"],
            caption="../report/item.rst",
            category=category_of,
            labels=labels_of("table"),
        ),
        provenance="<results>/report/provenance.json",
    log:
        "<logs>/report.log",
    localrule: True
    threads: 1
    resources:
        mem=grows(4, "GB"),
        runtime=grows(30, "m"),
    params:
        results=subpath(input.config, parent=True),
        batches=len(BATCHES),
        controls=[f"--control={name}" for name in CONTROLS],
        benchmarks=benchmarks_folder,
        captions=captions(),
        code=code_digest("histosurv.report.build", *REPORT_DATA),
    shell:
        "histosurv report {params.results:q} --batches {params.batches} {params.controls:q}"
        " --benchmarks {params.benchmarks:q} --out {output.study:q} 2> {log:q}"
