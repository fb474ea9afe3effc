"""Same inputs, config and seed, same bytes: whatever the batches and the processors."""

import shutil

from tests.running import differing, made, output_of, run_snakemake

from histosurv.cohort.demo import write_demo


def test_two_runs_give_the_same_bytes_whatever_the_batch_size(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    write_demo(folders[0] / "demo", n_patients=30, spot_px=300, seed=11)
    shutil.copytree(folders[0] / "demo", folders[1] / "demo")
    models = {"training": {"max_epochs": 3}, "baselines": ["svm"], "clinical": ["age"]}
    models["tuning"] = {"settings": 2, "inner_folds": 2}
    models["lstm"] = {"units": [32, 8], "alternatives": [{"dropout": 0.3}]}
    settings = {"models": models, "resampling": {"folds": 2}, "evaluation": {"resamples": 100}}
    for folder, size, cores in zip(folders, (64, 20), (2, 1), strict=True):
        run = run_snakemake(folder, config={**settings, "spots_per_job": size}, cores=cores)
        assert run.returncode == 0, output_of(run)
    one, two = map(made, folders)
    assert len([path for path in one if path.endswith(".h5")]) >= 30
    assert differing(one, two) == []
