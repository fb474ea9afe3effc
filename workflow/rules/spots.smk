# Pixels: needs the images of a batch, makes its tile table.


rule tiles:
    input:
        images=batch_images,
        table=ancient("<results>/{cohort}/cohort/spots.csv"),
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
        code=code_digest("histosurv.spots.tile_table"),
    shell:
        "histosurv tiles {input.table:q} --batch {wildcards.batch} --spots-per-job {params.size}"
        " --out {output:q} 2> {log:q}"
