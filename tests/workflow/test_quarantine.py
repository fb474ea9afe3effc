"""A bad picture costs its spot, not the study; and the report counts it."""

import pandas as pd
from PIL import Image
from tests.running import QUICK, output_of, run_snakemake

from histosurv.cohort.demo import write_demo


def test_bad_pictures_are_left_out_counted_and_mended(tmp_path):
    write_demo(tmp_path / "demo", n_patients=40, spot_px=224, seed=5)
    spots = pd.read_csv(tmp_path / "demo/spots.csv")
    several = spots["patient_id"].duplicated(keep=False)
    lonely, one_of_two = spots[~several].iloc[0], spots[several].iloc[0]
    images = tmp_path / "demo"
    kept = (images / lonely["image"]).read_bytes()
    (images / lonely["image"]).write_bytes(kept[: len(kept) // 2])
    Image.new("RGB", (224, 224), (243, 243, 243)).save(images / one_of_two["image"])
    run = run_snakemake(tmp_path, config=QUICK)
    assert run.returncode == 0, output_of(run)

    results = tmp_path / "results/development"
    left_out = pd.read_csv(results / "cohort/exclusions.csv").set_index("id")
    assert set(left_out.index) == {lonely["spot_id"], one_of_two["spot_id"], lonely["patient_id"]}
    assert "cannot be decoded" in left_out.loc[lonely["spot_id"], "reason"]
    assert left_out.loc[one_of_two["spot_id"], "reason"].endswith("no tissue")
    assert left_out.loc[lonely["patient_id"], "reason"] == "no usable spot"
    patients = pd.read_csv(results / "cohort/patients.csv")
    folds = pd.read_csv(results / "cohort/folds.csv")
    assert len(patients) == 39
    assert lonely["patient_id"] not in set(folds["patient_id"])
    assert one_of_two["patient_id"] in set(folds["patient_id"])
    metrics = pd.read_csv(results / "evaluation/metrics.csv").set_index("estimand")
    assert metrics.at["icc_spots", "n"] >= 3
    page = (tmp_path / "results/report/study.html").read_text(encoding="utf-8")
    assert f"2 of {len(spots)} spots could not be used" in page
    assert "spots, the image cannot be decoded: 1" in page  # in the drawn flow
    assert page.count("data:image/jpeg;base64,") == 1
    assert 'id="figure-stain"' in page

    (images / lonely["image"]).write_bytes(kept)  # an undamaged copy is brought
    run = run_snakemake(tmp_path, config=QUICK)
    assert run.returncode == 0, output_of(run)
    log = (tmp_path / "logs/development/features/0000.log").read_text()
    assert f"1 spots computed, {len(spots) - 2} taken over, 1 excluded" in log
    assert len(pd.read_csv(results / "cohort/patients.csv")) == 40
