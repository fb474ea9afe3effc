# What the study consists of: folds, models, batches, and the files that several rules ask for.

IS_SINGLE = config["resampling"]["scheme"] == "single"
FOLDS = range(1, (1 if IS_SINGLE else config["resampling"]["folds"]) + 1)
REPEATS = range(1, config["resampling"]["repeats"] + 1)
NETWORKS = config["models"]["networks"]
WITH_NETWORKS = [f"clinical_{name}" for name in NETWORKS]
CLINICAL = ["clinical", *WITH_NETWORKS] if config["models"]["clinical"] else []
# What the order of tiles does is asked of the first repeat, if at all.
ATTRIBUTED = NETWORKS if config["models"]["attribution"]["run"] else []
ORDER_SCORES = ["<results>/development/order_scores.csv"] if ATTRIBUTED else []
IMAGE_MODELS = [*NETWORKS, *config["models"]["baselines"]]
MODELS = [*IMAGE_MODELS, *CLINICAL]
CURVES = [
    "kaplan_meier_overall",
    "auc_over_time",
    "auc_by_fold",
    "incidence",
    "calibration",
    "forest",
    "decision_curve",
]
CONTROLS = checked(PLAN.controls, "development")
EXTERNAL = PLAN.external
BATCHES = PLAN.numbers("development")
INDEXES = collect("<results>/development/features/batches/{batch}.csv", batch=BATCHES)
# What the report shows of the pixels; nothing where features are imported.
IMAGED = [] if config["features"]["import"] else BATCHES
SEEN = {
    "throughput": collect(
        "<results>/development/features/throughput/{batch}.csv", batch=IMAGED
    ),
    "quality": collect("<results>/development/spots/quality/{batch}.csv", batch=IMAGED),
    "sheets": collect("<results>/development/spots/contact/{batch}.jpg", batch=IMAGED),
    "thumbnails": collect(
        "<results>/development/spots/thumbnails/{batch}.zip", batch=IMAGED
    ),
    "slides": collect(
        "<results>/development/spots/cores/{slide}.{ending}",
        slide=PLAN.slides("development"),
        ending=["png", "json"],
    ),
}
# The network whose tiles are shown, and what is made of them.
EXPLAINED = [shown_network(config)] if IMAGED and ATTRIBUTED else []
GALLERY = collect(
    "<results>/development/explanations/tiles.{ending}",
    ending=["csv", "zip"] if EXPLAINED else [],
)
REPORT_DATA = [
    "report/templates",
    *(f"report/{name}.yaml" for name in ("sections", "checklists", "references")),
]
# What Snakemake measured of the steps that take time; that of the evaluation comes last.
MEASURED = [
    *collect("<benchmarks>/development/spots/{batch}.jsonl", batch=IMAGED),
    *collect("<benchmarks>/development/features/{batch}.jsonl", batch=BATCHES),
    *collect(
        "<benchmarks>/models/{model}/{repeat}_{fold}.jsonl",
        model=MODELS,
        repeat=REPEATS,
        fold=FOLDS,
    ),
    *collect(
        "<benchmarks>/models/{network}/1_{fold}_attribution.jsonl",
        network=ATTRIBUTED,
        fold=FOLDS,
    ),
    "<benchmarks>/development/evaluation.jsonl",
]
