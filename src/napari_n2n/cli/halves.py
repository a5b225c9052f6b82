"""The command that makes halves, of movies and of tilt series: halves."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.file_results import (
    FileResult,
    claim_each,
    report_files,
    require_folder,
    writes_files,
)
from napari_n2n.cli.halves_of_tilt_series import halves_of_tilt_series
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.cli.slow_imports import importing
from napari_n2n.progress import Steps
from napari_n2n.settings import validated
from napari_n2n.workflow.recording import RecordingOptions


@writes_files
@takes_movies
def halves(
    movies: Annotated[
        list[Path],
        typer.Argument(
            help="Movies: files, folders, quoted patterns. Or folders of tilt series with their "
            "alignment (AreTomo, IMOD), or RELION's tilt_series.star."
        ),
    ],
    output: options.OutputFolder,
    voxel_size: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=1000,
            help="Of volumes made of tilt series, in Å.  [default: 14]",
            rich_help_panel="Tilt series",
        ),
    ] = None,
    thickness: Annotated[
        float | None,
        typer.Option(
            min=50,
            max=50000,
            help="Of such volumes, in Å.  [default: what the alignment says]",
            rich_help_panel="Tilt series",
        ),
    ] = None,
    dose_weighting: Annotated[
        bool, typer.Option("--dose-weighting", help="Weight frames by dose (Grant & Grigorieff).")
    ] = False,
    reference_frame: Annotated[
        Literal["middle", "first"],
        typer.Option(help="The frame in which the sums lie; RELION's lie in the first."),
    ] = "middle",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Align movies and write sums of odd, even and all frames; or reconstruct tilt series."""
    require_folder(output)
    with importing():
        from napari_n2n.workflow.tilt_series import WORKING_VOXEL_ANGSTROM, series_among

    found = series_among(movies)
    if found is not None:
        halves_of_tilt_series(
            movies,
            found,
            output,
            voxel_size=voxel_size or WORKING_VOXEL_ANGSTROM,
            thickness=thickness,
            pixel_size=recording.pixel_size_angstrom,
            quiet=quiet,
        )
        return
    from napari_n2n.io import stem_of
    from napari_n2n.motion import MotionConfig, write_halves
    from napari_n2n.motion.halves import HalvesPaths
    from napari_n2n.workflow.batch import for_each_steps
    from napari_n2n.workflow.movie_reader import MovieReader
    from napari_n2n.workflow.movie_sums import sums_of_file_steps

    reader = MovieReader(recording)
    motion = validated(MotionConfig, dose_weighting=dose_weighting, reference_frame=reference_frame)

    def job(path: Path) -> Steps[FileResult]:
        result = yield from sums_of_file_steps(
            path, reader, motion=motion, device=device, stop=stop
        )
        write_halves(result, output, stem_of(path))
        return FileResult(f"{path.name}: {result.summary}", result.notes)

    paths = options.movies_of(movies, recording.gain)
    claim_each(
        (
            (path, result)
            for path in paths
            for result in HalvesPaths.of(output, stem_of(path), moved=not recording.aligned).files
        ),
        [recording.gain],
    )
    with console.stop_on_signal() as stop:
        report_files(for_each_steps(paths, job), len(paths), quiet)
