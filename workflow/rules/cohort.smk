# Who is studied: needs the two tables, makes them checked, and the folds.


rule cohort:
    input:
        patients=lookup("cohorts/{cohort}/patients", within=config),
        spots=lookup("cohorts/{cohort}/spots", within=config),
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
        mem="1GB",
        runtime="10m",
    params:
        unmatched=lookup("cohort/unmatched", within=config),
        content=tables_digest,
        images="--without-images" if config["features"]["import"] else "",
        folder=subpath(output.patients, parent=True),
        code=code_digest("histosurv.cohort.tables"),
    shell:
        "histosurv cohort --patients {input.patients:q} --spots {input.spots:q} --unmatched {params.unmatched}"
        " {params.images} --out {params.folder:q} 2> {log:q}"


rule folds:
    input:
        "<results>/development/cohort/patients.csv",
    output:
        "<results>/development/cohort/folds.csv",
    log:
        "<logs>/development/folds.log",
    benchmark:
        "<benchmarks>/development/folds.jsonl"
    localrule: True
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        repeats=lookup("resampling/repeats", within=config),
        folds=lookup("resampling/folds", within=config),
        seed=lookup("resampling/seed", within=config),
        strata=[f"--strata={name}" for name in config["cohort"]["strata"]],
        code=code_digest("histosurv.cohort.folds"),
    shell:
        "histosurv folds {input:q} --repeats {params.repeats} --folds {params.folds}"
        " --seed {params.seed} {params.strata:q} --out {output:q} 2> {log:q}"
