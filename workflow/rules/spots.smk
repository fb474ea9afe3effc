# Pixels: needs slides and images, makes the cores of each slide, and the tiles and the verdict of
# each spot.
# What the user brings is no input of a rule, here and in the other files: digests of content, or of
# size and date, are among the params. Dates of file servers may lie in the future; names may hold
# what Snakemake or a cluster's shells would read; and a hundred thousand inputs take long to plan.


rule dearray:
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
        mem=grows(2, "GB"),
        runtime=grows(60, "m"),
    params:
        slide=PLAN.slide_image,
        options=PLAN.slide_options,
        files=PLAN.slide_digest,
        code=code_digest("histosurv.spots.core_files"),
    shell:
        "histosurv dearray {params.options:q} --out {output.cores:q} -- {params.slide:q} 2> {log:q}"


rule tiles:
    input:
        cores=PLAN.cores,
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
        mem=grows(4, "GB"),
        runtime=grows(60, "m"),
    params:
        tables=PLAN.table_options,
        settings=json.dumps(config["spots"]),
        size=lookup("spots_per_job", within=config),
        rows=batch_state,
        unmatched=lookup("cohort/unmatched", within=config),
        cores=subpath(output.tiles, parent=True),
        code=code_digest("histosurv.spots.tile_table"),
    shell:
        "histosurv tiles {params.tables:q} --unmatched {params.unmatched}"
        " --batch {wildcards.batch} --spots-per-job {params.size} --cores {params.cores:q}/cores"
        " --settings {params.settings:q} --out {output.tiles:q} --quality {output.quality:q}"
        " --sheet {output.sheet:q} --thumbnails {output.thumbnails:q} --threads {threads} 2> {log:q}"
