"""Running an experiment to its report, from a command."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import typer

from napari_n2n.cli import console
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import describe_progress


def run_experiment(begin: Callable[..., Generator[Any, None, Path]], quiet: bool) -> None:
    """Run what ``begin(stop=...)`` gives, and say where the report lies, or that it was stopped."""
    from napari_n2n.denoising.interruption import Interrupted

    with console.stop_on_signal() as stop:
        try:
            report = Reporter(quiet).run(begin(stop=stop), describe_stage)
        except Interrupted:
            console.say_note("Stopped. The same command goes on from here.")
            raise typer.Exit(130) from None
    console.say(f"Report: {report}")


def describe_stage(step: Any) -> tuple[str, float, float | None]:
    """Say which of how many stages it is, how far that one is, and the time left of all (s)."""
    from napari_n2n.denoising.training.micrographs import TrainingProgress
    from napari_n2n.experiments.protocol import ExperimentProgress

    if not isinstance(step, ExperimentProgress):  # what is read before the first of them
        return describe_progress(step)
    before = f"{step.number} of {step.count}, {step.title}"
    if isinstance(step.step, TrainingProgress):
        text, share, left = f"step {step.step.step}", step.step.fraction, step.step.seconds_left
    else:
        text, share, left = describe_progress(step.step)
    return f"{before}: {text}", share, (left or 0.0) + step.seconds_after or None
