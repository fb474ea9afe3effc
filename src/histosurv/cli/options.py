"""Options that several commands share, so that one thing has one name and one help text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from histosurv.errors import InputError

if TYPE_CHECKING:
    from histosurv.spots.preparation import SpotSettings

Out = Annotated[Path, typer.Option("--out", writable=True, help="file to write")]
OutFolder = Annotated[Path, typer.Option("--out", writable=True, help="folder to write to")]
Seed = Annotated[int, typer.Option(min=0, help="seed; the same seed gives the same result")]
Cores = Annotated[
    int, typer.Option(min=1, help="cores to use; they change the speed, and no number")
]
CohortFolder = Annotated[Path, typer.Option("--cohort", help="folder of the checked tables")]
FeatureFolder = Annotated[Path, typer.Option("--features", help="folder of the feature files")]
Patients = Annotated[Path, typer.Option(help="patient table (CSV)")]
Spots = Annotated[Path | None, typer.Option(help="spot table (CSV)")]
Slides = Annotated[Path | None, typer.Option(help="table of whole slides (CSV)")]
SpotsAsJson = Annotated[
    str, typer.Option("--settings", help="the config's spots: as JSON; defaults without it")
]
Unmatched = Annotated[
    Literal["error", "exclude"],
    typer.Option(help="what to do with rows without counterpart in the other table"),
]
AdministrativeCut = Annotated[
    bool,
    typer.Option("--administrative-cut", help="follow-up was cut at five years"),
]
Batches = Annotated[
    int, typer.Option("--batches", min=1, help="into how many batches the spots were cut")
]
Batch = Annotated[int, typer.Option(min=0, help="number of the batch, from 0")]
PerJob = Annotated[int, typer.Option("--spots-per-job", min=1, help="spots per batch")]
Repeat = Annotated[int, typer.Option(min=1, help="partition of the folds table, from 1")]
Fold = Annotated[int, typer.Option(min=1, help="fold that is tested, from 1")]

_Settings = TypeVar("_Settings")


def spot_settings_of(text: str) -> "SpotSettings":
    """The config's ``spots:`` as `SpotsAsJson` says it, checked as in a config file.

    Raises
    ------
    InputError
        It is no JSON, or a key or value does not fit.
    """
    from histosurv.config import complete_section
    from histosurv.spots.preparation import SpotSettings

    return settings_of(
        text, lambda keys: SpotSettings.of(complete_section("spots", keys, "--settings"))
    )


def settings_of(
    text: str, make: Callable[[dict], _Settings], option: str = "--settings"
) -> _Settings:
    """What an option says in JSON.

    Raises
    ------
    InputError
        It is no JSON, or a key of it is none of the config's, or is missing.
    """
    try:
        return make(json.loads(text))
    except KeyError as error:
        raise InputError(
            f"{option}: {error} is missing; give that part of the config as JSON"
        ) from None
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{option}: {error}; give that part of the config as JSON") from None
