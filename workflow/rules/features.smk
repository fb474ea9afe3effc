# Vectors: needs tiles and weights, makes one HDF5 file per spot and an index per batch.
# The HDF5 files are not declared: a job that is killed keeps what it has finished, and judges
# each file by the recipe in it.


rule weights:
    input:
        weights_files,
    output:
        "<results>/weights/encoder.safetensors",
    log:
        "<logs>/weights.log",
    benchmark:
        "<benchmarks>/weights.jsonl"
    localrule: True
    threads: 1
    resources:
        mem="6GB",  # for encoders of a billion weights; VGG-16 needs 2 GB
        runtime="30m",
    params:
        source=lookup("features/weights", within=config),
        files=weights_state,
        encoder=lookup("features/encoder", within=config),
        convention=lookup("features/convention", within=config),
        seed=lookup("features/seed", within=config),
        code=code_digest("histosurv.features.weights"),
    shell:
        "histosurv weights {params.source:q} --encoder {params.encoder:q}"
        " --convention {params.convention} --seed {params.seed} --out {output:q} 2> {log:q}"


if config["features"]["import"]:

    rule import_features:
        input:
            files=batch_imports,
            tables=ancient(PLAN.tables),
        output:
            index="<results>/{cohort}/features/batches/{batch}.csv",
        log:
            "<logs>/{cohort}/features/{batch}.log",
        benchmark:
            "<benchmarks>/{cohort}/features/{batch}.jsonl"
        threads: 1
        resources:
            mem="2GB",
            runtime="30m",
        params:
            source=lookup("features/import", within=config),
            tables=PLAN.table_options,
            size=lookup("spots_per_job", within=config),
            rows=PLAN.batch_digest,
            unmatched=lookup("cohort/unmatched", within=config),
            store=subpath(output.index, ancestor=2),
            code=code_digest("histosurv.features.imports"),
        shell:
            "histosurv features import {params.source:q} {params.tables:q}"
            " --unmatched {params.unmatched} --batch {wildcards.batch}"
            " --spots-per-job {params.size} --store {params.store:q} --index {output.index:q}"
            " 2> {log:q}"

else:

    rule features:
        input:
            images=PLAN.images,
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
            mem="8GB",
            runtime="240m",
        params:
            settings=json.dumps(config["spots"]),
            layer=lookup("features/layer", within=config),
            relu=lookup("features/relu", within=config),
            precision=lookup("features/precision", within=config),
            dtype=lookup("features/dtype", within=config),
            rows=PLAN.batch_digest,
            store=subpath(output.index, ancestor=2),
            code=code_digest("histosurv.features.extract"),
        shell:
            "histosurv features compute --quality {input.quality:q} --tiles {input.tiles:q}"
            " --weights {input.weights:q} --store {params.store:q} --index {output.index:q}"
            " --throughput {output.throughput:q} --layer {params.layer} --relu {params.relu}"
            " --precision {params.precision} --dtype {params.dtype}"
            " --settings {params.settings:q} --threads {threads} 2> {log:q}"
