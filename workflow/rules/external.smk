# External validation: each external cohort goes the road of the development cohort as far as its
# features; then the frozen models of the bundle score it. Nothing of it reaches any other rule but
# the report.


rule apply:
    input:
        bundle="<results>/bundle",
        patients="<results>/{cohort}/cohort/patients.csv",
        spots="<results>/{cohort}/cohort/spots.csv",
        indexes=of_batches("<results>/{cohort}/features/batches/{batch}.csv"),
    output:
        scores="<results>/{cohort}/scores.csv",
        spots="<results>/{cohort}/spot_scores.csv",
    log:
        "<logs>/{cohort}/apply.log",
    benchmark:
        "<benchmarks>/{cohort}/apply.jsonl"
    wildcard_constraints:
        cohort="|".join(EXTERNAL) or "none",
    threads: 8  # at most; fewer change the speed, and no number
    resources:
        mem=grows(6, "GB"),
        runtime=grows(60, "m"),
    params:
        readers=lambda wildcards: options("reader", PLAN.readers(wildcards.cohort)),
        grade_high=lookup("cohort/grade_high", within=config),
        batches=n_batches,
        cohort=subpath(input.patients, parent=True),
        features=features_folder,
        code=code_digest("histosurv.models.frozen"),
    shell:
        "histosurv apply {input.bundle:q} --cohort {params.cohort:q} --features {params.features:q}"
        " --batches {params.batches} {params.readers:q} --grade-high {params.grade_high}"
        " --out {output.scores:q} --spots-out {output.spots:q} --threads {threads} 2> {log:q}"


rule drift:
    input:
        own_indexes=INDEXES,
        indexes=of_batches("<results>/{cohort}/features/batches/{batch}.csv"),
        own_spots="<results>/development/cohort/spots.csv",
        spots="<results>/{cohort}/cohort/spots.csv",
    output:
        "<results>/{cohort}/features/drift.csv",
    log:
        "<logs>/{cohort}/drift.log",
    benchmark:
        "<benchmarks>/{cohort}/drift.jsonl"
    wildcard_constraints:
        cohort="|".join(EXTERNAL) or "none",
    localrule: True
    threads: 1
    resources:
        mem=grows(6, "GB"),
        runtime=grows(60, "m"),
    params:
        own=subpath(input.own_spots, ancestor=2),
        own_batches=len(BATCHES),
        cohort=subpath(input.spots, ancestor=2),
        batches=n_batches,
        code=code_digest("histosurv.features.drift"),
    shell:
        "histosurv features drift --from {params.own:q} --from-batches {params.own_batches}"
        " --cohort {params.cohort:q} --batches {params.batches} --out {output:q} 2> {log:q}"
