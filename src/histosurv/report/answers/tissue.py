"""What a run can say of its tissue, and of what models and readers saw of it."""

from histosurv.report.answers.terms import (
    Answer,
    capital,
    counted,
    figures,
    names,
    source,
    span,
    with_p,
)
from histosurv.report.run import Run
from histosurv.report.wording import listed

BLIND = "Tiles and features are computed without the outcomes."


def _preparation(run: Run) -> Answer:
    if run.quality is None:
        return Answer(
            "Features were imported; this run saw no picture.",
            "how pictures were prepared and checked",
        )
    spots = run.config["spots"]
    used = run.quality["usable"] == 1
    remarked = used & (run.quality["reasons"] != "")
    scale = f"resampled to {spots['mpp']:g} um/px" if spots["mpp"] else "at full resolution"
    return Answer(
        f"{used.sum()} of {counted(len(used), 'spot')} could be used, {remarked.sum()} with a "
        f"remark on quality. All were cut by one set of rules, {scale}, into tiles of "
        f"{spots['tile_px']} px (fit: {spots['fit']}; bare glass: {spots['background']}; stain "
        f"normalisation: {spots['stain']})."
    )


def _specimens(run: Run) -> Answer:
    blocks = set(run.spots["block"]) - {""}
    where = f"in {counted(len(blocks), 'block')}" if blocks else "of blocks that are not named"
    n_patients = run.spots["patient_id"].nunique()
    return Answer(
        f"{counted(len(run.spots), 'spot')} of {counted(n_patients, 'patient')}, {where}."
    )


def _assay(run: Run) -> Answer:
    if run.primary not in run.models:
        return Answer("", "how the study's score was measured, for it is no model of tissue")
    prepared, left = _preparation(run)
    parts = [f"{capital(names([run.primary]))}, which reads {source(run)}.", prepared]
    if run.has_pictures:
        parts.append(BLIND)
    labels = {
        "icc_spots": "intraclass correlation of a patient's spots",
        "order_spread": "spread over random orders of tiles as a share of that between patients",
    }
    repeated = figures(run, labels)
    if repeated:
        parts.append(f"Repeatability: {'; '.join(repeated)}.")
    again = "repeatability from section to section and from scan to scan"
    return Answer(" ".join(parts), "; ".join(filter(None, [left, again])))


def _predictors(run: Run) -> Answer:
    parts = [f"From {source(run)}: {names(run.models)}."]
    if run.clinical:
        columns = listed(run.config["models"]["clinical"])
        parts.append(f"From {columns}, alone or with a network's score: {names(run.clinical)}.")
    return Answer(" ".join([*parts, "No predictor was screened beforehand by the outcome."]))


def _definitions(run: Run) -> Answer:
    done = run.index[run.index["status"] == "done"]
    if done.empty:
        return Answer("")
    parts = [
        f"{capital(source(run))}: {span(done['n_features'])} values a tile, "
        f"{span(done['n_tiles'])} tiles a spot."
    ]
    if run.has_pictures:
        parts.append(BLIND)
    if run.clinical:
        parts.append(f"As in the patient table: {listed(run.config['models']['clinical'])}.")
    return Answer(" ".join(parts))


def _readers(run: Run) -> Answer:
    readers = run.readers
    if not readers:
        return Answer("No pathologists' calls were evaluated.")
    text = f"{counted(len(readers), 'reader')} ({', '.join(readers)}) called patients low or high"
    if len(readers) > 1:
        of, against = readers if len(readers) == 2 else ("", " + ".join(readers))
        kappa = run.row(of, "kappa", against)
        if kappa is not None:
            text += f"; kappa {with_p(kappa)}, of {counted(kappa['n'], 'patient')} whom all read"
    if not set(run.config["cohort"]["readers"]) & set(run.config["models"]["clinical"]):
        text += "; no model learns from their calls"
    return Answer(f"{text}.")


def _poor_input(run: Run) -> Answer:
    if run.quality is None:
        return Answer("")
    unusable = int((run.quality["usable"] != 1).sum())
    text = (
        "Spots that cannot be used (unreadable, without tissue, of a wrong scale) are left out, "
        f"and patients who have no other. Left out here: {unusable} of "
        f"{counted(len(run.quality), 'spot')}."
    )
    label = "Five-year AUC without spots that have a remark"
    without = figures(run, {"auc_ipcw_60m_spots_without_remark": label})
    return Answer(" ".join([text, *(f"{figure}." for figure in without)]))


TISSUE = {
    "preparation": _preparation,
    "specimens": _specimens,
    "assay": _assay,
    "predictors": _predictors,
    "definitions": _definitions,
    "readers": _readers,
    "poor_input": _poor_input,
}
