"""The demo command: everything once, on simulated movies."""

from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.cli.options import seconds_of
from napari_n2n.progress import Interrupted


@writes_files
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for everything the demo makes.")
    ] = Path("napari-n2n-demo"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Write a picture instead of opening napari.")
    ] = False,
    tomogram: Annotated[
        bool, typer.Option("--tomogram", help="Show a tomogram instead of movies.")
    ] = False,
    size: Annotated[
        int, typer.Option(min=256, max=8192, help="Side of the simulated frames in px (1 Å).")
    ] = 1536,
    max_time: Annotated[
        str | None,
        typer.Option(
            help="Train this long (30s, 5min) instead of the usual length; a tomogram is "
            "denoised by the model in the box otherwise."
        ),
    ] = None,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Simulate four movies, or a tomogram, train, denoise, and show raw beside denoised."""
    if tomogram:
        demo_tomogram(output, headless=headless, max_time=max_time, device=device, quiet=quiet)
        return
    from napari_n2n.denoising.config import preset
    from napari_n2n.workflow.demonstration import demo_files, demonstrate_steps

    require_folder(output)
    claim(demo_files(output))
    training = preset("quick")
    if max_time is not None:
        training = training.lasting(seconds_of(max_time))
    with console.stop_on_signal() as stop:
        steps = demonstrate_steps(output, training=training, size=size, device=device, stop=stop)
        try:
            result = Reporter(quiet).run(steps)
        except Interrupted:
            console.say_note(f"Stopped early; what was made until then is in {output}.")
            raise typer.Exit(130) from None
    console.say("Correlation with the clean image, which the training never saw:")
    console.say(f"  raw sum of frames               {result.raw_correlation:.3f}")
    sigma = result.gaussian_sigma_px * result.pixel_size_angstrom
    console.say(f"  best Gaussian low-pass (σ {sigma:2.0f} Å)  {result.gaussian_correlation:.3f}")
    console.say(f"  denoised                        {result.denoised_correlation:.3f}")
    console.say(result.resolution_note)
    console.say(f"Picture: {result.picture}")
    console.say(f"Model:   {result.model}")
    if headless or not screen_is_there():
        return
    try:
        from napari_n2n.plugin.demo import open_result
    except ImportError as missing:
        say_without_napari(missing)
        return
    open_result(
        result.raw,
        result.denoised,
        pixel_size_angstrom=result.pixel_size_angstrom,
        points=result.centres_px,
        path=result.movie,
    )


def screen_is_there() -> bool:
    """Whether a window can be opened; say so if not."""
    import os
    import sys

    there = sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not there:
        console.say_note("There is no screen, so napari is not opened; look at the picture.")
    return there


def say_without_napari(missing: ImportError) -> None:
    """Say what to do where napari is not installed."""
    console.say_note(
        f"napari is not installed here ({missing.name}); look at the picture, or install "
        "napari-n2n[all]."
    )


def demo_tomogram(
    output: Path, *, headless: bool, max_time: str | None, device: str, quiet: bool
) -> None:
    """Simulate a tomogram, denoise it, pick, and show raw beside denoised; train if there is time.

    Raises
    ------
    typer.Exit
        With 130 where someone stopped it.
    """
    from napari_n2n.denoising.config import preset
    from napari_n2n.workflow.tomogram_demonstration import (
        demonstrate_tomogram_steps,
        tomogram_demo_files,
    )

    require_folder(output)
    claim(tomogram_demo_files(output))
    training = None if max_time is None else preset("quick", 3).lasting(seconds_of(max_time))
    with console.stop_on_signal() as stop:
        steps = demonstrate_tomogram_steps(output, training=training, device=device, stop=stop)
        try:
            result = Reporter(quiet).run(steps)
        except Interrupted:
            console.say_note(f"Stopped early; what was made until then is in {output}.")
            raise typer.Exit(130) from None
    console.say("Correlation with the noise-free tomogram, which the training never saw:")
    console.say(f"  raw, sum of both halves         {result.raw_correlation:.3f}")
    sigma = result.gaussian_sigma_angstrom
    console.say(f"  best Gaussian low-pass (σ {sigma:2.0f} Å)  {result.gaussian_correlation:.3f}")
    console.say(f"  denoised                        {result.denoised_correlation:.3f}")
    console.say(f"Picture:   {result.picture}")
    console.say(f"Tomogram:  {result.denoised_path}")
    console.say(f"Particles: {result.particles_path} ({result.particles})")
    if result.model is not None:
        console.say(f"Model:     {result.model}")
    if headless or not screen_is_there():
        return
    try:
        from napari_n2n.plugin.demo import open_tomogram
    except ImportError as missing:
        say_without_napari(missing)
        return
    open_tomogram(result.files.volume, result.denoised_path)
