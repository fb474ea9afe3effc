"""What models and controls are called: in the config, at the command line, in names of files."""

from typing import Literal, get_args

Network = Literal["lstm", "attention_mil"]
Baseline = Literal["logistic", "elastic_net", "naive_bayes", "svm", "cox"]
Control = Literal["permuted", "background", "block"]


def either(names: object) -> str:
    """A regular expression that fits each of the names."""
    return "|".join(get_args(names))
