"""Running an experiment to its report, from a command."""

from collections.abc import Callable
from pathlib import Path

import typer

from napari_n2n.cli import console
from napari_n2n.cli.console import Reporter
from napari_n2n.progress import Interrupted, Steps


def run_experiment(begin: Callable[..., Steps[Path]], quiet: bool) -> None:
    """Run what ``begin(stop=...)`` gives, and say where the report lies, or that it was stopped."""
    with console.stop_on_signal() as stop:
        try:
            report = Reporter(quiet).run(begin(stop=stop))
        except Interrupted:
            console.say_note("Stopped. The same command goes on from here.")
            raise typer.Exit(130) from None
    console.say(f"Report: {report}")
