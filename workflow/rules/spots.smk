# Pixels: needs slides and images, makes the cores of each slide, and the tiles and the verdict of
# each spot.


rule dearray:
    input:
        files=PLAN.slide_files,
    output:
        cores="<results>/{cohort}/spots/cores/{slide}.csv",
        overlay="<results>/{cohort}/spots/cores/{slide}.png",
        verdict="<results>/{cohort}/spots/cores/{slide}.json",
        geojson="<results>/{cohort}/spots/cores/{slide}.geojson",
        qptma="<results>/{cohort}/spots/cores/{slide}.qptma",
    log:
        "<logs>/{cohort}/spots/cores/{slide}.log",
    benchmark:
        "<benchmarks>/{cohort}/spots/cores/{slide}.jsonl"
    threads: 1
    resources:
        mem="2GB",
        runtime="60m",
    params:
        slide=PLAN.slide_image,
        options=PLAN.slide_options,
        files=PLAN.slide_digest,
        code=code_digest("histosurv.spots.core_files"),
    shell:
        "histosurv dearray {params.slide:q} {params.options:q} --out {output.cores:q} 2> {log:q}"


rule tiles:
    input:
        images=PLAN.images,
        cores=PLAN.cores,
        tables=ancient(PLAN.tables),
    output:
        tiles="<results>/{cohort}/spots/{batch}.csv",
        quality="<results>/{cohort}/spots/quality/{batch}.csv",
        sheet="<results>/{cohort}/spots/contact/{batch}.jpg",
        thumbnails="<results>/{cohort}/spots/thumbnails/{batch}.zip",
    log:
        "<logs>/{cohort}/spots/{batch}.log",
    benchmark:
        "<benchmarks>/{cohort}/spots/{batch}.jsonl"
    threads: 2
    resources:
        mem="4GB",
        runtime="60m",
    params:
        tables=PLAN.table_options,
        settings=json.dumps(config["spots"]),
        size=lookup("spots_per_job", within=config),
        rows=PLAN.batch_digest,
        unmatched=lookup("cohort/unmatched", within=config),
        cores=subpath(output.tiles, parent=True),
        code=code_digest("histosurv.spots.tile_table"),
    shell:
        "histosurv tiles {params.tables:q} --unmatched {params.unmatched}"
        " --batch {wildcards.batch} --spots-per-job {params.size} --cores {params.cores:q}/cores"
        " --settings {params.settings:q} --out {output.tiles:q} --quality {output.quality:q}"
        " --sheet {output.sheet:q} --thumbnails {output.thumbnails:q} --threads 2 2> {log:q}"
