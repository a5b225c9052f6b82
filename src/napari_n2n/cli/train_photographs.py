"""The command that makes denoisers of colour photographs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim_model, writes_files
from napari_n2n.progress import Interrupted


@writes_files
def train_photographs(
    folder: Annotated[Path, typer.Argument(help="Folder with PNG or JPEG photographs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The model to write (.safetensors).")
    ] = Path("photographs.safetensors"),
    recipe_name: Annotated[
        Literal["paper", "better"],
        typer.Option("--recipe", help="The paper's training, or what makes more of the time."),
    ] = "paper",
    network: Annotated[
        Literal["paper", "light", "large"],
        typer.Option(help="The paper's U-Net, a smaller or a larger one."),
    ] = "paper",
    max_time: Annotated[
        str | None, typer.Option(help="Train this long (60s, 5min, 1.5h), not 120 epochs.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Train so many steps, not 120 epochs.")
    ] = None,
    crop: Annotated[
        int | None, typer.Option(min=32, max=2048, help="Side of the crops in px.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=1024, help="Crops a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=1e-7, max=1.0)] = None,
    most_noise: Annotated[
        float, typer.Option(min=0, max=255, help="Largest deviation of the noise, of 255.")
    ] = 50.0,
    noise_mean: Annotated[
        float, typer.Option(min=-255, max=255, help="Mean of the noise: what is learnt is off.")
    ] = 0.0,
    clipped: Annotated[
        bool, typer.Option("--clipped", help="Noisy images of 8 bits, as files have them.")
    ] = False,
    clean_targets: Annotated[
        bool, typer.Option("--clean-targets", help="Learn from clean targets, to compare.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal crops.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from where training to this output stopped.")
    ] = False,
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="Keep the model after 500, 1000, 2000 … steps too.")
    ] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Train a denoiser of colour photographs on noisy ones; Ctrl-C stops, saves, can be resumed."""
    from napari_n2n.denoising.shipped_models.photographs import recipe
    from napari_n2n.denoising.training.micrographs import resume_path
    from napari_n2n.denoising.training.photograph_examples import PhotographNoise
    from napari_n2n.denoising.training.photographs import (
        read_photographs_steps,
        train_photographs_steps,
    )
    from napari_n2n.io.photographs import photographs_in

    read = photographs_in(folder) if folder.is_dir() else ()
    claim_model(output, [resume_path(output)], read, resume=resume)
    config = recipe(
        recipe_name,
        network=network,
        seconds=None if max_time is None else options.seconds_of(max_time),
        steps=steps,
        crop=crop,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    )
    noise = PhotographNoise(
        most=most_noise,
        mean=noise_mean,
        clipped=clipped,
        targets="clean" if clean_targets else "noisy",
    )

    reporter = Reporter(quiet)
    with console.stop_on_signal() as stop:
        try:
            photographs = reporter.run(read_photographs_steps(folder, stop))
            training = train_photographs_steps(
                photographs,
                config,
                noise,
                output=output,
                resume=resume,
                snapshots=snapshots,
                device=device,
                stop=stop,
            )
            denoiser = reporter.run(training)
        except Interrupted:
            console.say_note("Stopped before anything was learnt; nothing was saved.")
            raise typer.Exit(130) from None
        stopped = stop()
    console.say(f"{output}: {denoiser.summary}, {denoiser.provenance.seconds:.0f} s")
    if stopped:
        console.say_note("Stopped early. The same command with --resume goes on.")
        raise typer.Exit(130)
