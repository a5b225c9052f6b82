"""The command line: ``napari-n2n``.

Only what prints the help is imported here; each command imports what it needs when it runs.
"""

from typing import Annotated

import typer

from napari_n2n.cli import console
from napari_n2n.cli.assess import assess_particles
from napari_n2n.cli.coordinates import convert
from napari_n2n.cli.data import halves, info, simulate
from napari_n2n.cli.demo import demo
from napari_n2n.cli.general_model import train_general
from napari_n2n.cli.models import denoise, evaluate, train
from napari_n2n.cli.particles import pick
from napari_n2n.cli.photograph_models import train_photographs
from napari_n2n.cli.reproduce import reproduce
from napari_n2n.cli.screen import screen
from napari_n2n.cli.session import export, report
from napari_n2n.errors import N2NError
from napari_n2n.version import __version__

app = typer.Typer(
    name="napari-n2n",
    help="Denoise cryo-EM micrographs without clean data (Noise2Noise).",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo,
    simulate,
    halves,
    train,
    denoise,
    evaluate,
    pick,
    convert,
    screen,
    report,
    export,
    info,
    assess_particles,
    train_general,
    train_photographs,
):
    app.command()(command)
app.add_typer(reproduce, name="reproduce")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.say(f"napari-n2n {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; what we can explain is one sentence and exit code 1."""
    try:
        app()
    except N2NError as error:
        console.say_error(str(error))
        raise SystemExit(1) from None
    except MemoryError:
        console.say_error("There is not enough memory. Close other programs or use smaller files.")
        raise SystemExit(1) from None
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        raise SystemExit(1) from None
