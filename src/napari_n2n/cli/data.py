"""Commands about files: simulate, halves, info."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import FileResult, report_files, require_different_results
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.settings import validated
from napari_n2n.workflow.recording import RecordingOptions


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
    from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated

    def steps() -> Steps[list[Path]]:
        watch = Stopwatch()
        written = []
        for i in range(movies):
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
            stem = f"{specimen}_{i:02d}"
            written.append(write_simulated(build_scene(config), output, stem, file_format).movie)
        return written

    for path in Reporter(quiet).run(steps()):
        console.say(str(path))


@takes_movies
def halves(
    movies: Annotated[list[Path], typer.Argument(help="Movies, folders or quoted patterns.")],
    output: options.OutputFolder,
    dose_weighting: Annotated[
        bool, typer.Option("--dose-weighting", help="Weight frames by dose (Grant & Grigorieff).")
    ] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Align movies and write the sums of their odd, even and all frames."""
    from napari_n2n.io import stem_of
    from napari_n2n.motion import MotionConfig, write_halves
    from napari_n2n.workflow.batch import for_each_steps
    from napari_n2n.workflow.movie_reader import MovieReader
    from napari_n2n.workflow.summing import sums_of_file_steps

    reader = MovieReader(recording)
    motion = validated(MotionConfig, dose_weighting=dose_weighting)

    def job(path: Path) -> Steps[FileResult]:
        result = yield from sums_of_file_steps(
            path, reader, motion=motion, device=device, stop=stop
        )
        write_halves(result, output, stem_of(path))
        return FileResult(f"{path.name}: {result.summary}", result.notes)

    paths = options.files_of(movies)
    require_different_results(paths, output)
    with console.stop_on_signal() as stop:
        report_files(for_each_steps(paths, job), len(paths), quiet)


def info(
    files: Annotated[list[Path], typer.Argument(help="Files, folders or quoted patterns.")],
) -> None:
    """Say what files hold, from their headers."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import inspect_file
    from napari_n2n.io.mrc_validation import mrc2014_departures

    failed = False
    for path in options.files_of(files, everything=True):
        try:
            found = inspect_file(path)
            departures = mrc2014_departures(path)
        except N2NError as error:
            console.say_error(str(error))
            failed = True
            continue
        height, width = found.shape[:2] if found.kind == "photograph" else found.shape[-2:]
        size = found.pixel_size_angstrom
        dose = found.dose_per_frame
        parts = [
            f"{found.kind}, {found.format}",
            f"{width} × {height} px",
            f"{found.frame_count} frames" if found.kind == "movie" else "",
            f"{found.dtype}",
            "pixel size unknown" if size is None else f"{size:.4g} Å/px",
            "" if dose is None else f"{dose:.3g} e/Å² a frame",
        ]
        console.say(f"{path}: " + ", ".join(part for part in parts if part))
        for note in found.notes:
            console.say_note(note)
        if departures:
            console.say_note(f"MRC2014: {'; '.join(departures)}.")
    if failed:
        raise typer.Exit(1)
