"""What the report shows of the networks' training: when it stopped, and whether it learnt."""

import pandas as pd

from histosurv.report.content import Missing, Plot, Table
from histosurv.report.figures.gradients import draw_gradients
from histosurv.report.figures.learning import draw_learning
from histosurv.report.run import Run
from histosurv.report.wording import interval, name_of, number, size

NEARLY_CONSTANT = 0.02  # standard deviation of a score, in log-odds or log hazard


def read_jobs(run: Run, model: str, what: str) -> pd.DataFrame:
    """A table of all jobs of a model, with the ``job``."""
    folder = run.results / "models" / model
    return pd.concat(pd.read_csv(folder / job / f"{what}.csv").assign(job=job) for job in run.jobs)


def training(run: Run) -> tuple[Table, list[str]]:
    """When the networks stopped and how their scores spread, and warnings of those without any."""
    rows, warnings = [], []
    for name in run.networks:
        best = read_jobs(run, name, "training").query("best == 1")
        epoch = best["epoch"]
        rows.append(
            {
                "Network": name_of(name),
                "Trained": f"{len(best)}",
                "Best epoch, median (range)": f"{epoch.median():.0f} "
                f"({epoch.min()} to {epoch.max()})",
                "Error, fit part": number(best["fit_error"].median(), 3),
                "Error, validation part": number(best["validation_error"].median(), 3),
                "Penalty": number(best["penalty"].median(), 3),
                "Spread of scores": number(best["score_sd"].median(), 3),
            }
        )
        n_constant = int((best["score_sd"] < NEARLY_CONSTANT).sum())
        if n_constant:
            warnings.append(
                f"{name_of(name)}: {n_constant} of {len(best)} networks give (nearly) everybody "
                "the same score: they have learnt nothing. Weaken penalties, if there are any "
                f"(models: {name}: l1, l2, penalised), and look at the learning curves."
            )
    return Table(pd.DataFrame(rows)), warnings


def learning(run: Run) -> Plot:
    """Learning curves of every network."""
    columns = ["network", "job", "initialisation", "epoch", "fit_error", "validation_error", "best"]
    curves = pd.concat(
        read_jobs(run, name, "training").assign(network=name) for name in run.networks
    )
    best = curves[curves["best"] == 1]
    alt = "; ".join(
        f"{name_of(name)} stopped at epochs {of['epoch'].min()} to {of['epoch'].max()}"
        for name, of in best.groupby("network")
    )
    return Plot(draw_learning(curves[columns]), curves[columns], f"Learning curves: {alt}.")


def gradients(run: Run) -> Plot | Missing:
    """How much of the error reaches each tile, of the recurrent network."""
    table = read_jobs(run, "lstm", "gradients")
    if table["tile"].max() < 2:
        return Missing("The sequences have one tile.")
    after = table[table["moment"] == "after"]
    last = after["layer"].max()
    middle = after[after["layer"] == last].groupby("tile")["norm"].median()
    first, end = middle.iloc[0], middle.iloc[-1]
    alt = (
        f"Gradient of the last layer after training: {first:.2g} at the first tile, {end:.2g} at "
        "the last."
    )
    return Plot(draw_gradients(table), table, alt, alt)


def orders(run: Run) -> Table | Missing:
    """What other orders of the tiles do to the scores."""
    rows = []
    for name in run.networks:
        spread, change = run.row(name, "order_spread"), run.row(name, "auc_60m_order_change")
        if spread is not None:
            rows.append(
                {
                    "Network": name_of(name),
                    "Spread over orders": interval(spread),
                    "n / deaths": size(spread),
                    "Change of the AUC": interval(change, 3),
                    "n / dead within five years": size(change),
                }
            )
    if not rows:
        return Missing("Other orders of the tiles were not tried (models: attribution: run).")
    return Table(pd.DataFrame(rows))
