# Pixels: needs the images of a batch, makes its tile table.


rule tiles:
    input:
        images=batch_images,
        patients=ancient(lookup("cohorts/{cohort}/patients", within=config)),
        spots=ancient(lookup("cohorts/{cohort}/spots", within=config)),
    output:
        "<results>/{cohort}/spots/{batch}.csv",
    log:
        "<logs>/{cohort}/spots/{batch}.log",
    benchmark:
        "<benchmarks>/{cohort}/spots/{batch}.jsonl"
    threads: 1
    resources:
        mem="2GB",
        runtime="60m",
    params:
        size=lookup("spots_per_job", within=config),
        rows=batch_digest,
        unmatched=lookup("cohort/unmatched", within=config),
        code=code_digest("histosurv.spots.tile_table"),
    shell:
        "histosurv tiles --patients {input.patients:q} --spots {input.spots:q}"
        " --unmatched {params.unmatched} --batch {wildcards.batch}"
        " --spots-per-job {params.size} --out {output:q} 2> {log:q}"
