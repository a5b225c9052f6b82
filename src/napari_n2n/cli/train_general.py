"""The command that makes the model in the box."""

from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim_model, writes_files
from napari_n2n.progress import Interrupted


@writes_files
def train_general(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The model to write (.safetensors).")
    ] = Path("general.safetensors"),
    fields: Annotated[
        int, typer.Option(min=4, max=100_000, help="Fields of 512 × 512 px to simulate.")
    ] = 2000,
    max_time: Annotated[
        str, typer.Option(help="Train this long (60s, 5min, 1.5h), after simulating.")
    ] = "20min",
    start: Annotated[
        Path | None, typer.Option(help="Go on from this model, more gently, instead of anew.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds simulate equal fields.")] = 0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Make the general model anew from simulated fields of many kinds; Ctrl-C stops and saves."""
    from napari_n2n.denoising.checkpoints import load_denoiser
    from napari_n2n.denoising.training.general import GeneralSettings, train_general_steps

    claim_model(output, (), [start])
    settings = GeneralSettings(fields=fields, seconds=options.seconds_of(max_time), seed=seed)

    with console.stop_on_signal() as stop:
        begin = None if start is None else load_denoiser(start)
        steps = train_general_steps(settings, output=output, start=begin, device=device, stop=stop)
        try:
            denoiser = Reporter(quiet).run(steps)
        except Interrupted:
            console.say_note(f"Stopped before anything was learnt; {output} is as it was.")
            raise typer.Exit(130) from None
        stopped = stop()
    console.say(f"{output}: {denoiser.summary}, {denoiser.provenance.seconds:.0f} s")
    if stopped:
        console.say_note("Stopped early. What was learnt so far is saved.")
        raise typer.Exit(130)
