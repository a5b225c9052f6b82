"""The command that measures how well particles are found and told apart."""

from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim, writes_files
from napari_n2n.progress import Interrupted


@writes_files
def assess_particles(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with apoferritin, simulated_apoferritin, micrographs; default: "
            "simulated movies only."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the tables here (Markdown).")
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(help="Train each denoiser this long (60s, 5min) instead of the usual length."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep denoised images here; the next run is quick.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Only this simulated case: standard, low-dose, low-defocus, aldolase."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=512, max=8192, help="Side of the simulated frames in px (1 Å).")
    ] = 2048,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Measure picking and suggested labels where the truth is known; print tables."""
    from napari_n2n.denoising.config import preset
    from napari_n2n.errors import UnreadableFile
    from napari_n2n.experiments.particles.assessment import assess_steps
    from napari_n2n.experiments.particles.cache import Cache
    from napari_n2n.experiments.particles.markdown import as_markdown
    from napari_n2n.experiments.particles.simulated import CASES
    from napari_n2n.io import write_atomically

    if data is not None and not data.is_dir():
        raise UnreadableFile(data, "is no folder", "Give the folder that holds apoferritin.")
    if output is not None:
        claim([output])
    names = [known.name for known in CASES]
    for name in case or []:
        if name not in names:
            raise typer.BadParameter(f"There is no case {name!r}; there are {', '.join(names)}.")
    training = preset("quick")
    if max_time is not None:
        training = training.lasting(options.seconds_of(max_time))

    with console.stop_on_signal() as stop:
        steps = assess_steps(
            training,
            Cache(cache),
            data=data,
            cases=[known for known in CASES if not case or known.name in case],
            size=size,
            device=device,
            stop=stop,
        )
        try:
            report = Reporter(quiet).run(steps)
        except Interrupted:
            console.say_note("Stopped. What was finished is in the cache, if there is one.")
            raise typer.Exit(130) from None
    text = as_markdown(report)
    if output is not None:
        with write_atomically(output) as beside:
            beside.write_text(text)
    typer.echo(text, nl=False)
