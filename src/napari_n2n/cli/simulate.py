"""The command that simulates movies whose truth is known: simulate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.settings import validated


@writes_files
def simulate(
    output: Annotated[Path, typer.Argument(help="Folder for the movies and their truth.")],
    specimen: Annotated[
        Literal["apoferritin", "aldolase"], typer.Option(help="What the movies show.")
    ] = "apoferritin",
    movies: Annotated[int, typer.Option(min=1, max=10_000, help="How many movies.")] = 1,
    size: Annotated[int, typer.Option(min=64, max=16384, help="Side of a frame in px.")] = 2048,
    frames: Annotated[int, typer.Option(min=1, max=10_000, help="Frames of a movie.")] = 40,
    pixel_size: Annotated[float, typer.Option(min=0.2, max=20, help="Pixel size in Å.")] = 1.0,
    dose_per_frame: Annotated[float, typer.Option(min=1e-3, max=100, help="In e/Å².")] = 1.0,
    defocus: Annotated[float, typer.Option(min=-10, max=10, help="Underfocus in µm.")] = 1.5,
    file_format: Annotated[
        Literal["mrc", "tiff", "eer"], typer.Option("--format", help="Format of the movies.")
    ] = "mrc",
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds make equal movies.")] = 0,
    quiet: options.Quiet = False,
) -> None:
    """Simulate movies whose truth is known: clean image, drift, particles intact and broken."""
    from napari_n2n.simulation import (
        SimulatedFiles,
        SimulationConfig,
        build_scene,
        write_simulated,
    )

    stems = [f"{specimen}_{i:02d}" for i in range(movies)]
    require_folder(output)
    claim(path for stem in stems for path in SimulatedFiles.of(output, stem, file_format).files)

    def steps() -> Steps[list[Path]]:
        watch = Stopwatch()
        written = []
        for i, stem in enumerate(stems):
            yield watch.progress(f"simulating movie {i + 1} of {movies}", i, movies)
            config = validated(
                SimulationConfig,
                specimen=specimen,
                shape=(size, size),
                n_frames=frames,
                pixel_size_angstrom=pixel_size,
                dose_per_frame=dose_per_frame,
                defocus_micrometer=defocus,
                seed=seed + i,
            )
            written.append(write_simulated(build_scene(config), output, stem, file_format).movie)
        return written

    for path in Reporter(quiet).run(steps()):
        console.say(str(path))
