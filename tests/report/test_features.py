import numpy as np
import pandas as pd

from histosurv.features.store import write_features
from histosurv.publish import write_table
from histosurv.report.features import feature_section, throughput_rows


def write_store(folder, recipes, throughput=None):
    names = [f"s{number}" for number in range(len(recipes))]
    for name, recipe in zip(names, recipes, strict=True):
        path = folder / f"{name}.h5"
        write_features(path, np.ones((2, 3)), np.ones((2, 2)), recipe=recipe, image_sha256="")
    index = pd.DataFrame({"spot_id": names, "status": "done", "reason": "", "n_tiles": 2})
    index["n_features"], index["sha256"], index["file"] = 3, "", index["spot_id"] + ".h5"
    write_table(index, folder / "batches/0000.csv")
    if throughput is not None:
        write_table(pd.DataFrame(throughput), folder / "throughput/0000.csv")


def test_features_made_in_different_ways_are_counted(tmp_path):
    write_store(tmp_path, [{"precision": p, "layer": "fc2"} for p in ("bf16", "fp32", "bf16")])
    section = feature_section(tmp_path, 1)
    assert section["mixed"] == ["precision"]
    assert section["recipe"] == {"precision": "bf16 (2 spots); fp32 (1 spots)", "layer": "fc2"}
    assert section["width"] == 3
    assert throughput_rows(tmp_path / "throughput", 1) == []


def test_imported_files_are_no_different_ways(tmp_path):
    write_store(tmp_path, [{"imported": "a.h5"}, {"imported": "b.h5"}])
    section = feature_section(tmp_path, 1)
    assert section["mixed"] == []
    assert section["recipe"] == {"imported": "computed elsewhere"}


def test_time_is_summed_over_jobs_of_a_device(tmp_path):
    job = {
        "spots": 2, "taken_over": 1, "tiles": 8, "distinct_tiles": 6, "seconds": 4.0,
        "decode_s": 1.0, "compute_s": 7.0, "wait_s": 1.0, "write_s": 0.4, "device": "CPU, X",
        "precision": "bf16", "peak_memory_gb": 1.25,
    }  # fmt: skip
    idle = job | dict.fromkeys(("spots", "tiles", "distinct_tiles"), 0) | {"precision": "fp32"}
    write_store(tmp_path, [{"precision": "bf16"}], [job, job, idle])
    both, nothing = throughput_rows(tmp_path / "throughput", 1)
    assert both["Spots"] == "4 computed, 2 taken over"
    assert both["Tiles per second"] == "2.0"
    assert both["Seconds of"] == "decode 2, compute 14, wait 2, write 1"
    assert nothing["Tiles per second"] == ""
