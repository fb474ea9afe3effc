# How good: needs patients and scores, makes the metrics table and the curves.


rule evaluate:
    input:
        patients="<results>/{cohort}/cohort/patients.csv",
        scores="<results>/{cohort}/scores.csv",
        spot_scores="<results>/{cohort}/spot_scores.csv",
        spots="<results>/{cohort}/cohort/spots.csv",
        quality=(
            of_batches("<results>/{cohort}/spots/quality/{batch}.csv")
            if IMAGED
            else []
        ),
        orders=order_scores,
    output:
        metrics="<results>/{cohort}/evaluation/metrics.csv",
        kaplan_meier="<results>/{cohort}/evaluation/kaplan_meier.csv",
        at_risk="<results>/{cohort}/evaluation/at_risk.csv",
        roc="<results>/{cohort}/evaluation/roc.csv",
        warnings="<results>/{cohort}/evaluation/warnings.csv",
        curves=collect("<results>/{{cohort}}/evaluation/{curve}.csv", curve=CURVES),
    log:
        "<logs>/{cohort}/evaluation.log",
    benchmark:
        "<benchmarks>/{cohort}/evaluation.jsonl"
    localrule: True
    threads: 2
    resources:
        mem=grows(2, "GB"),
        runtime=grows(30, "m"),
    params:
        folder=subpath(output.metrics, parent=True),
        quality=quality_options,
        orders=lambda wildcards, input: options("order-scores", input.get("orders", [])),
        settings=evaluation_settings,
        code=code_digest("histosurv.evaluation.metrics"),
    shell:
        "histosurv evaluate --patients {input.patients:q} --scores {input.scores:q}"
        " --spot-scores {input.spot_scores:q} --spots {input.spots:q} {params.quality:q}"
        " {params.orders:q} --settings {params.settings:q} --threads {threads}"
        " --out {params.folder:q} 2> {log:q}"
