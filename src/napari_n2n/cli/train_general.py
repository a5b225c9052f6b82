"""The command that makes the model in the box."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim_model, writes_files
from napari_n2n.progress import Interrupted

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.progress import Steps, Stop


@writes_files
def train_general(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The model to write (.safetensors).  [default: general.safetensors or "
            "general-3d.safetensors]",
            show_default=False,
        ),
    ] = None,
    tomograms: Annotated[
        bool, typer.Option("--tomograms", help="Make that of tomograms, general-3d.")
    ] = False,
    fields: Annotated[
        int | None,
        typer.Option(
            min=4,
            max=100_000,
            help="Fields of 512 × 512 px to simulate, or tomograms of 56 × 160 × 160 voxels.  "
            "[default: 2000, or 240 tomograms]",
            show_default=False,
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            help="Train this long (60s, 5min, 1.5h), after simulating.  [default: 20min, or 1h]",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Go on from this model, more gently, instead of anew.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds simulate equal fields.")] = 0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Make the general model anew from simulated fields, or tomograms; Ctrl-C stops and saves."""
    from napari_n2n.denoising.checkpoints import load_denoiser

    output = output or Path("general-3d.safetensors" if tomograms else "general.safetensors")
    claim_model(output, (), [start])
    seconds = None if max_time is None else options.seconds_of(max_time)
    begin = None if start is None else load_denoiser(start)
    with console.stop_on_signal() as stop:
        steps = _steps(tomograms, fields, seconds, seed, output, begin, device, stop)
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


def _steps(
    tomograms: bool,
    count: int | None,
    seconds: float | None,
    seed: int,
    output: Path,
    start: "Denoiser | None",
    device: str,
    stop: "Stop",
) -> "Steps[Denoiser]":
    """Return the training, with the defaults of either model where nothing was said."""
    from napari_n2n.denoising.training import general, general_volumes

    if tomograms:
        usual = general_volumes.GeneralVolumeSettings()
        of_volumes = replace(
            usual,
            tomograms=count or usual.tomograms,
            seconds=seconds or usual.seconds,
            seed=seed,
        )
        return general_volumes.train_general_volumes_steps(
            of_volumes, output=output, start=start, device=device, stop=stop
        )
    settings = general.GeneralSettings(seed=seed)
    settings = replace(
        settings, fields=count or settings.fields, seconds=seconds or settings.seconds
    )
    return general.train_general_steps(
        settings, output=output, start=start, device=device, stop=stop
    )
