"""A fitted model is the same bytes whenever it is written, and the same model when it is read."""

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from histosurv.models.objects import same_bytes


def fitted():
    rng = np.random.default_rng(1)
    features, label = rng.random((30, 4)), np.arange(30) % 2
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(features, label), features


def test_the_same_model_is_the_same_bytes():
    (one, _), (other, _) = fitted(), fitted()
    first = same_bytes({"pipeline": one, "shared": [one.steps, one.steps]})
    assert first == same_bytes({"pipeline": other, "shared": [other.steps, other.steps]})
    other.steps[1][1].coef_[0, 0] += 1e-12
    assert first != same_bytes({"pipeline": other, "shared": [other.steps, other.steps]})


def test_what_is_read_says_the_same():
    model, features = fitted()
    read = skops.io.loads(same_bytes({"pipeline": model}), trusted=[])
    scores = read["pipeline"].decision_function(features)
    assert (scores == model.decision_function(features)).all()
