"""The command line: ``napari-n2n``.

Only what prints the help is imported here; each command imports what it needs when it runs.
"""

from typing import Annotated, Any

import typer
import typer.core

from napari_n2n.cli import console
from napari_n2n.cli.assess_particles import assess_particles
from napari_n2n.cli.convert import convert
from napari_n2n.cli.demo import demo
from napari_n2n.cli.denoise import denoise
from napari_n2n.cli.evaluate import evaluate
from napari_n2n.cli.export import export
from napari_n2n.cli.halves import halves
from napari_n2n.cli.info import info
from napari_n2n.cli.pick import pick
from napari_n2n.cli.report import report
from napari_n2n.cli.reproduce import reproduce
from napari_n2n.cli.screen import screen
from napari_n2n.cli.simulate import simulate
from napari_n2n.cli.simulate_tomogram import simulate_tomogram
from napari_n2n.cli.train import train
from napari_n2n.cli.train_general import train_general
from napari_n2n.cli.train_photographs import train_photographs
from napari_n2n.errors import N2NError
from napari_n2n.version import __version__


class _Commands(typer.core.TyperGroup):
    """The commands; `simulate tomogram FOLDER` is `simulate-tomogram FOLDER`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # `simulate tomogram` alone writes movies into a folder of that name, as it always did.
        if args[:2] == ["simulate", "tomogram"] and len(args) > 2 and args[2][:1] != "-":
            args = ["simulate-tomogram", *args[2:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="napari-n2n",
    cls=_Commands,
    help="Denoise cryo-EM micrographs without clean data (Noise2Noise).",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo,
    simulate,
    simulate_tomogram,
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
    console.write_to_any_terminal()
    console.silence_libraries()
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
