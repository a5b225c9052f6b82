"""The command that denoises micrographs, movies and tomograms: denoise."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.denoise_tomograms import denoise_tomograms
from napari_n2n.cli.file_results import claim_each, report_files, require_folder, writes_files
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.cli.slow_imports import importing
from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.workflow.fields_of_view import ContrastChoice


@writes_files
@takes_movies
def denoise(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Micrographs or movies: files, folders, quoted patterns. Or tomograms: folders of "
            "their halves, a tomograms.star, or single ones."
        ),
    ],
    model: options.Model = "general",
    output: options.OutputFolder = Path("denoised"),
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Average over the image turned and mirrored in eight ways: a little better, and "
            "eight times as long.",
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Say of each file, in a line that programs can read, what was removed and "
            "whether it is only noise.",
        ),
    ] = False,
    contrast: options.Contrast = "auto",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Denoise micrographs (movies are aligned first) or tomograms; results keep shape and scale."""
    require_folder(output)
    options.require_there(files)
    with importing():
        from napari_n2n.workflow.volumes import tomograms_among

    denoiser = options.denoiser_of(model)
    tomograms = tomograms_among(files, denoiser, recording.stack_kind)
    if tomograms is not None:
        denoise_tomograms(
            files,
            tomograms,
            output,
            model=model,
            device=device,
            voxel_size=recording.pixel_size_angstrom,
            quiet=quiet,
            as_json=as_json,
        )
        return
    _denoise_images(
        files,
        denoiser,
        output,
        model=model,
        thorough=thorough,
        contrast=contrast,
        device=device,
        quiet=quiet,
        as_json=as_json,
        recording=recording,
    )


def _denoise_images(
    files: list[Path],
    denoiser: "Denoiser",
    output: Path,
    *,
    model: str,
    thorough: bool,
    contrast: "ContrastChoice",
    device: str,
    quiet: bool,
    as_json: bool,
    recording: RecordingOptions,
) -> None:
    from napari_n2n.io import stem_of
    from napari_n2n.io.finding import PICTURES

    paths = options.files_of(files, gain=recording.gain)

    def result_of(path: Path) -> Path:
        return output / f"{stem_of(path)}.mrc"

    # Whether a picture is in colour, and becomes another one, is seen when it is opened.
    grey = [path for path in paths if path.suffix.lower() not in PICTURES]
    claim_each(((path, result_of(path)) for path in grey), (recording.gain, model))
    claim_each(_of_one_name(paths, output))

    with importing():
        from napari_n2n.workflow.batch import for_each_overlapped_steps
        from napari_n2n.workflow.denoising import DenoiseFiles
        from napari_n2n.workflow.movie_reader import MovieReader

    console.say_note(f"Model: {denoiser.summary}.")
    with console.stop_on_signal() as stop:
        job = DenoiseFiles(
            denoiser,
            MovieReader(recording),
            result_of,
            device,
            stop,
            thorough,
            contrast,
        )
        steps = for_each_overlapped_steps(paths, job, stop=stop)
        report_files(steps, len(paths), quiet, as_json=as_json)


def _of_one_name(paths: list[Path], output: Path) -> list[tuple[Path, Path]]:
    """Return the files that share a name but for its ending, each with its true result."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import stem_of
    from napari_n2n.io.formats import open_source

    called: dict[str, list[Path]] = {}
    for path in paths:
        called.setdefault(stem_of(path), []).append(path)
    found = []
    for stem, files in called.items():
        for path in files if len(files) > 1 else ():
            with suppress(N2NError):  # what cannot be read is told in its turn
                ending = ".png" if open_source(path).is_rgb else ".mrc"
                found.append((path, output / f"{stem}{ending}"))
    return found
