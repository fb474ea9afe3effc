# Negative controls: each is a small study of its own under results/controls, made of an altered
# cohort, on which the rules of the other rooms are used once more.

OF_CONTROL = {
    name: workflow.pathvars.apply(f"<{name}>/controls/{{control}}")
    for name in ("results", "logs", "benchmarks")
}


rule control:
    input:
        patients="<results>/development/cohort/patients.csv",
        spots="<results>/development/cohort/spots.csv",
        indexes=INDEXES,
        tiles=collect("<results>/development/spots/{batch}.csv", batch=IMAGED),
    output:
        patients="<results>/controls/{control}/development/cohort/patients.csv",
        spots="<results>/controls/{control}/development/cohort/spots.csv",
        indexes=collect(
            "<results>/controls/{{control}}/development/features/batches/{batch}.csv",
            batch=BATCHES,
        ),
    log:
        "<logs>/controls/{control}/cohort.log",
    benchmark:
        "<benchmarks>/controls/{control}/cohort.jsonl"
    localrule: True
    threads: 1
    resources:
        mem=grows(2, "GB"),
        runtime=grows(30, "m"),
    params:
        seed=lookup("resampling/seed", within=config),
        batches=len(BATCHES),
        cohort=subpath(input.patients, parent=True),
        features=features_folder,
        spots=lambda wildcards, input: [
            f"--spots={Path(x).parent}" for x in input.tiles[:1]
        ],
        folder=subpath(output.patients, ancestor=2),
        code=code_digest("histosurv.models.controls"),
    shell:
        "histosurv control {wildcards.control} --cohort {params.cohort:q}"
        " --features {params.features:q} {params.spots:q} --batches {params.batches}"
        " --seed {params.seed} --out {params.folder:q} 2> {log:q}"


use rule folds as folds_of_control with:
    pathvars:
        **OF_CONTROL,
    params:
        repeats=1,


use rule train as train_control with:
    pathvars:
        **OF_CONTROL,


use rule baseline as baseline_control with:
    pathvars:
        **OF_CONTROL,


use rule scores as scores_of_control with:
    input:
        patients="<results>/development/cohort/patients.csv",
        folds="<results>/development/cohort/folds.csv",
        tables=collect(
            "<results>/models/{model}/1_{fold}/scores.csv",
            model=IMAGE_MODELS,
            fold=FOLDS,
        ),
        of_spots=collect(
            "<results>/models/{network}/1_{fold}/spots.csv",
            network=NETWORKS,
            fold=FOLDS,
        ),
    output:
        scores="<results>/development/scores.csv",
        spots="<results>/development/spot_scores.csv",
    pathvars:
        **OF_CONTROL,
    params:
        models=[f"--model={name}" for name in IMAGE_MODELS],
        readers=[],


use rule evaluate as evaluate_control with:
    input:
        patients="<results>/development/cohort/patients.csv",
        scores="<results>/development/scores.csv",
        spot_scores="<results>/development/spot_scores.csv",
        spots="<results>/development/cohort/spots.csv",
    output:
        metrics="<results>/development/evaluation/metrics.csv",
        kaplan_meier="<results>/development/evaluation/kaplan_meier.csv",
        at_risk="<results>/development/evaluation/at_risk.csv",
        roc="<results>/development/evaluation/roc.csv",
        warnings="<results>/development/evaluation/warnings.csv",
        curves=collect("<results>/development/evaluation/{curve}.csv", curve=CURVES),
    log:
        "<logs>/development/evaluation.log",
    benchmark:
        "<benchmarks>/development/evaluation.jsonl"
    pathvars:
        **OF_CONTROL,
