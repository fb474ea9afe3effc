"""The command line: the door to every room, and the only module that knows them all."""

import sys

import typer

from histosurv.cli import adapt, doctor, evaluation, features, frozen, gallery, models, steps, study
from histosurv.cli.command import careful
from histosurv.errors import MISTAKE, InputError
from histosurv.files import close_to_others

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From tissue-microarray spots and a patient table to a survival report.\n\n"
    "`snakemake` runs a whole study by calling the steps below.",
)

for command in (
    study.init,
    adapt.adapt,
    study.demo,
    doctor.doctor,
    study.dearray,
    evaluation.evaluate,
    frozen.predict,
    study.report,
):
    app.command()(careful(command))

for command in (
    steps.config,
    steps.cohort,
    steps.folds,
    steps.tiles,
    features.weights,
    models.train,
    models.baseline,
    models.clinical,
    models.attribute,
    gallery.gallery,
    models.scores,
    models.control,
    frozen.bundle,
    frozen.apply,
):
    app.command(rich_help_panel="Steps of the workflow")(careful(command))

app.add_typer(features.app, name="features", rich_help_panel="Steps of the workflow")


def main() -> None:
    """Run the command line; a user's mistake ends in one line, not in a traceback."""
    close_to_others()
    try:
        app()
    except InputError as error:
        sys.exit(f"{MISTAKE}{error}")
    except OSError as error:  # a full disk, a folder that may not be written to
        if error.filename is None:
            raise
        sys.exit(f"{MISTAKE}{error.filename}: {error.strerror}")
    except RuntimeError as error:  # of torch, which is loaded by the commands that need it
        if "CUDA" not in str(error) or "out of memory" not in str(error):
            raise
        sys.exit(
            f"{MISTAKE}the GPU has not enough free memory; free some, or set CUDA_VISIBLE_DEVICES= "
            "to compute on the CPU"
        )
