import numpy as np
import pandas as pd
import pytest

from histosurv.cohort.folds import rotate
from histosurv.errors import InputError
from histosurv.models.comparators import comparator_scores
from histosurv.models.scores import gather

READERS = ["r1", "r2", "r3"]


@pytest.fixture
def patients():
    return pd.DataFrame(
        {
            "patient_id": list("ABCDEF"),
            "label_60m": pd.Series([1, 0, 1, 0, 1, 0], dtype="Int64"),
            "grade": pd.Series([1, 2, 3, 3, None, 2], dtype="Int64"),
            "stage": ["II", "I", "IV", "III", None, "I"],
            "r1": ["high", "low", "high", "", "high", "low"],
            "r2": ["high", "low", "low", "", "", "high"],
            "r3": ["low", "high", "high", "", "", ""],
        }
    )


@pytest.fixture
def folds():
    rows = [
        (p, 1, f, "test" if i % 2 == f - 1 else "fit")
        for f in (1, 2)
        for i, p in enumerate("ABCDEF")
    ]
    return pd.DataFrame(rows, columns=["patient_id", "repeat", "fold", "part"])


def test_majority_is_missing_on_a_split_of_two_and_a_single_vote_counts(patients, folds):
    scores = comparator_scores(patients, folds, readers=READERS, grade_high=3)
    majority = scores[scores["score"] == "visual_risk"].set_index("patient_id")["value"]
    # A 2:1 high, B 1:2 low, C 2:1 high, D nobody, E one vote, F split
    assert majority.to_dict() == {"A": 1.0, "B": 0.0, "C": 1.0, "E": 1.0}


def test_grade_and_readers_are_scores_with_their_own_threshold(patients, folds):
    scores = comparator_scores(patients, folds, readers=READERS, grade_high=3)
    grade = scores[scores["score"] == "grade"]
    high = grade.loc[grade["value"] >= grade["threshold"], "patient_id"]
    assert sorted(high) == ["C", "D"]
    assert "E" not in set(grade["patient_id"])
    assert set(scores["score"]) == {"visual_risk", "vote_count", "grade", "stage", *READERS}


def test_votes_are_counted_where_all_have_voted(patients, folds):
    scores = comparator_scores(patients, folds, readers=READERS, grade_high=3)
    votes = scores[scores["score"] == "vote_count"]
    assert votes.set_index("patient_id")["value"].to_dict() == {"A": 2.0, "B": 1.0, "C": 2.0}
    assert set(votes["threshold"]) == {2.0}
    alone = comparator_scores(patients, folds, readers=READERS[:1], grade_high=3)
    assert not {"vote_count", "visual_risk"} & set(alone["score"])  # one is no majority


@pytest.mark.parametrize(
    ("stages", "high"),
    [
        (["II", "I", "IV", "III", None, "I"], {"C", "D"}),
        (["2", "1", "3", "3", "1", "1"], {"C", "D"}),  # of three the middle one is low
        (["A", "B", "B", "A", "", "B"], {"B", "C", "F"}),
        (["iia", "IIB", "III", "Stage IV", "unknown", "I"], {"C", "D"}),
        (["C2", "a", "D", "B1", "NX", "A"], {"A", "C"}),
        (["pT1", "pT4a", "T3", "2", None, "1"], {"B", "C"}),
    ],
)
def test_the_upper_half_of_the_stages_is_high(patients, folds, stages, high):
    table = patients.assign(stage=stages)
    scores = comparator_scores(table, folds, readers=[], grade_high=None)
    stage = scores[scores["score"] == "stage"]
    assert set(stage.loc[stage["value"] >= stage["threshold"], "patient_id"]) == high
    odd = patients.assign(stage=["I", "II", "early", "IV", "I", "I"])
    assert "stage" not in set(comparator_scores(odd, folds, readers=READERS, grade_high=3)["score"])
    same = comparator_scores(patients.assign(stage="I"), folds, readers=[], grade_high=None)
    assert "stage" not in set(same.get("score", []))


def test_no_readers_and_no_grade_leave_no_comparator(patients, folds):
    table = comparator_scores(
        patients.drop(columns=["grade", "stage"]), folds, readers=[], grade_high=3
    )
    assert table.empty


def test_a_patient_scored_twice_or_never_is_refused():
    rng = np.random.default_rng(0)
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(30)],
            "label_60m": pd.Series(rng.integers(0, 2, 30), dtype="Int64"),
        }
    )
    folds = rotate(patients, n_repeats=1, n_folds=3, strata=[], seed=1)
    scores = folds[folds["part"] == "test"].drop(columns="part")
    scores = scores.assign(score="lstm", value=0.0, risk_60m=0.5, threshold=0.0)
    assert len(gather([scores], folds, ["lstm"])) == 30
    for wrong in (scores.iloc[1:], pd.concat([scores, scores.iloc[:1]])):
        with pytest.raises(InputError, match=r"lstm: .* test scores for 30 patients"):
            gather([wrong], folds, ["lstm"])
