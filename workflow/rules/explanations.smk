# Why: needs what each tile does to the risk, makes pictures of the tiles that do most. Taken by the
# report where the study has a network and images.

if GALLERY:

    # The images are no inputs: a changed one reruns its batch, whose tables are. One that is gone
    # costs the pictures of its tiles and stops nothing.
    rule gallery:
        input:
            attribution=collect(
                "<results>/models/{network}/1_{fold}/attribution.csv",
                network=EXPLAINED,
                fold=FOLDS,
            ),
            tiles=collect("<results>/development/spots/{batch}.csv", batch=IMAGED),
            quality=SEEN["quality"],
        output:
            table="<results>/development/explanations/tiles.csv",
            pictures="<results>/development/explanations/tiles.zip",
        log:
            "<logs>/development/explanations.log",
        benchmark:
            "<benchmarks>/development/explanations.jsonl"
        threads: 1
        resources:
            mem=grows(4, "GB"),
            runtime=grows(30, "m"),
        params:
            settings=json.dumps(config["spots"]),
            spots=spots_option,
            batches=len(BATCHES),
            folder=subpath(output.table, parent=True),
            code=code_digest("histosurv.report.gallery"),
        shell:
            "histosurv gallery {input.attribution:q} {params.spots:q} --batches {params.batches}"
            " --settings {params.settings:q} --out {params.folder:q} 2> {log:q}"
