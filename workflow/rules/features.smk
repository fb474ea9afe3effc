# Vectors: needs tiles and weights, makes one HDF5 file per spot and an index per batch.
# The HDF5 files are not declared: a job that is killed keeps what it has finished, and judges
# each file by the recipe in it.


rule weights:
    output:
        "<results>/weights/encoder.safetensors",
    log:
        "<logs>/weights.log",
    benchmark:
        "<benchmarks>/weights.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(6, "GB"),  # for encoders of a billion weights; VGG-16 needs 2 GB
        runtime=grows(30, "m"),
    params:
        # Functions, lest braces in a name are taken for wildcards.
        source=lambda wildcards: config["features"]["weights"],
        files=weights_state,
        encoder=lambda wildcards: config["features"]["encoder"],
        convention=lookup("features/convention", within=config),
        seed=lookup("features/seed", within=config),
        code=code_digest("histosurv.features.weights"),
    shell:
        "histosurv weights --encoder {params.encoder:q} --convention {params.convention}"
        " --seed {params.seed} --out {output:q} -- {params.source:q} 2> {log:q}"


if config["features"]["import"]:

    rule import_features:
        output:
            index="<results>/{cohort}/features/batches/{batch}.csv",
        log:
            "<logs>/{cohort}/features/{batch}.log",
        benchmark:
            "<benchmarks>/{cohort}/features/{batch}.jsonl"
        threads: 1
        resources:
            mem=grows(2, "GB"),
            runtime=grows(30, "m"),
        params:
            source=PLAN.import_folder,
            tables=PLAN.table_options,
            size=lookup("spots_per_job", within=config),
            rows=batch_state,
            unmatched=lookup("cohort/unmatched", within=config),
            store=subpath(output.index, ancestor=2),
            code=code_digest("histosurv.features.imports"),
        shell:
            "histosurv features import {params.tables:q} --unmatched {params.unmatched}"
            " --batch {wildcards.batch} --spots-per-job {params.size} --store {params.store:q}"
            " --index {output.index:q} -- {params.source:q} 2> {log:q}"

else:

    rule features:
        input:
            tiles="<results>/{cohort}/spots/{batch}.csv",
            quality="<results>/{cohort}/spots/quality/{batch}.csv",
            weights="<results>/weights/encoder.safetensors",
        output:
            index="<results>/{cohort}/features/batches/{batch}.csv",
            throughput="<results>/{cohort}/features/throughput/{batch}.csv",
        log:
            "<logs>/{cohort}/features/{batch}.log",
        benchmark:
            "<benchmarks>/{cohort}/features/{batch}.jsonl"
        threads: 8  # at most; fewer change the speed, and no number
        resources:
            mem=grows(8, "GB"),
            runtime=grows(240, "m"),
        params:
            settings=json.dumps(config["spots"]),
            layer=lookup("features/layer", within=config),
            relu=lookup("features/relu", within=config),
            precision=lookup("features/precision", within=config),
            dtype=lookup("features/dtype", within=config),
            rows=batch_state,
            store=subpath(output.index, ancestor=2),
            code=code_digest("histosurv.features.extract"),
        shell:
            "histosurv features compute --quality {input.quality:q} --tiles {input.tiles:q}"
            " --weights {input.weights:q} --store {params.store:q} --index {output.index:q}"
            " --throughput {output.throughput:q} --layer {params.layer} --relu {params.relu}"
            " --precision {params.precision} --dtype {params.dtype}"
            " --settings {params.settings:q} --threads {threads} 2> {log:q}"
