# Who is studied: needs the tables and, to leave out what cannot be used, the indexes of the
# features; makes the tables checked, and the folds.


rule cohort:
    input:
        indexes=of_batches("<results>/{cohort}/features/batches/{batch}.csv"),
    output:
        patients="<results>/{cohort}/cohort/patients.csv",
        spots="<results>/{cohort}/cohort/spots.csv",
        exclusions="<results>/{cohort}/cohort/exclusions.csv",
    log:
        "<logs>/{cohort}/cohort.log",
    benchmark:
        "<benchmarks>/{cohort}/cohort.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(1, "GB"),
        runtime=grows(10, "m"),
    params:
        tables=PLAN.table_options,
        unmatched=lookup("cohort/unmatched", within=config),
        content=PLAN.tables_digest,
        features=features_folder,
        batches=n_batches,
        images="--without-images" if config["features"]["import"] else "",
        cut="--administrative-cut" if config["cohort"]["administrative_cut"] else "",
        folder=subpath(output.patients, parent=True),
        code=code_digest("histosurv.cohort.membership"),
    shell:
        "histosurv cohort {params.tables:q} --unmatched {params.unmatched} {params.images} {params.cut}"
        " --features {params.features:q} --batches {params.batches} --out {params.folder:q} 2> {log:q}"


rule folds:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
    output:
        "<results>/development/cohort/folds.csv",
    log:
        "<logs>/development/folds.log",
    benchmark:
        "<benchmarks>/development/folds.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(1, "GB"),
        runtime=grows(10, "m"),
    params:
        repeats=lookup("resampling/repeats", within=config),
        folds=lookup("resampling/folds", within=config),
        scheme=lookup("resampling/scheme", within=config),
        seed=lookup("resampling/seed", within=config),
        strata=lambda wildcards: options("strata", config["cohort"]["strata"]),
        code=code_digest("histosurv.cohort.folds"),
    shell:
        "histosurv folds {input.patients:q} --spots {input.spots:q} --repeats {params.repeats} --folds {params.folds}"
        " --scheme {params.scheme}"
        " --seed {params.seed} {params.strata:q} --out {output:q} 2> {log:q}"
