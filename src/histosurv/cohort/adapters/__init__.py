"""Published cohorts: from the tables of a release, by their own column names, to ours."""

from collections.abc import Callable
from pathlib import Path

from histosurv.cohort.adapters.dlbcl_morph import adapt_dlbcl_morph
from histosurv.cohort.adapters.hancock import adapt_hancock
from histosurv.cohort.adapters.surgen import adapt_surgen

# Each takes the folder of the release and the folder to write to, and returns what is to be said.
ADAPTERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "dlbcl_morph": adapt_dlbcl_morph,
    "hancock": adapt_hancock,
    "surgen": adapt_surgen,
}
