"""Commands about particles: pick."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.convert import labels_of
from napari_n2n.cli.file_results import FileResult, claim, claim_each, report_files, writes_files
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.cli.pick_tomograms import pick_tomograms
from napari_n2n.progress import Steps
from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.io import Label, MicrographParticles
    from napari_n2n.workflow.pick_volumes import TomogramsToPick


@writes_files
@takes_movies
def pick(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Micrographs or movies: files, folders, quoted patterns. Or tomograms, best "
            "denoised: files, folders of halves, a tomograms.star."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="One file for all (.star, .csv, .txt, .cs, .box; of tomograms .star, .csv, .tbl, "
            ".mod, .json, .coords), or a folder for a .star each.",
        ),
    ],
    diameter: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=100_000,
            help="Of the particle in Å; default: the classifier's, or else a first guess.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-M",
            help="Denoise with this model first (recommended): a file, or general.",
        ),
    ] = None,
    classifier: Annotated[
        Path | None,
        typer.Option(
            "--classifier",
            "-C",
            help="Label what is found, as learnt from the marks of a session or classifier file.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="Least score; default: where the scores part."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Write only these labels, e.g. intact,broken. Needs a classifier."),
    ] = None,
    avoid_contamination: Annotated[
        bool, typer.Option(help="Leave out carbon, ice crystals and gold.")
    ] = True,
    form: Annotated[
        Literal["ball", "shell"],
        typer.Option(help="Of particles in tomograms: filled or hollow."),
    ] = "ball",
    tilt_range: Annotated[
        float, typer.Option(min=10, max=90, help="Of tomograms: tilts to plus and minus this.")
    ] = 60.0,
    like: options.Like = None,
    contrast: options.Contrast = "auto",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Find particles, label them if there is a classifier, and write their coordinates."""
    wanted = labels_of(labels)
    if wanted is not None and classifier is None:
        raise typer.BadParameter("--labels needs a --classifier that gives them.")
    tomograms = _tomograms_among(files)
    if tomograms is not None:
        if classifier is not None or like is not None:
            raise typer.BadParameter("--classifier and --like are for micrographs.")
        pick_tomograms(
            files,
            tomograms,
            output,
            diameter=diameter,
            model=model,
            threshold=threshold,
            form=form,
            tilt_range=tilt_range,
            contrast=contrast,
            voxel_size=recording.pixel_size_angstrom,
            device=device,
            quiet=quiet,
        )
        return
    paths = options.files_of(files, gain=recording.gain)
    _claim(output, paths, [classifier, like, recording.gain, model])

    from napari_n2n.workflow.batch import for_each_steps
    from napari_n2n.workflow.movie_reader import MovieReader
    from napari_n2n.workflow.pick_files import (
        PickSettings,
        check_examples,
        pick_file_steps,
        read_examples,
    )

    denoiser = None if model is None else options.denoiser_of_images(model)
    examples = None if classifier is None else read_examples(classifier, diameter)
    if examples is not None:
        check_examples(examples, denoiser)
    movies = MovieReader(recording)
    tables: list[MicrographParticles] = []

    with console.stop_on_signal() as stop:
        template = options.template_of(
            like,
            paths,
            denoiser,
            movies,
            diameter,
            contrast=contrast,
            device=device,
            stop=stop,
            quiet=quiet,
        )
        settings = PickSettings(
            diameter_angstrom=diameter,
            threshold=threshold,
            avoid_contamination=avoid_contamination,
            examples=examples,
            template=template,
            contrast=contrast,
            movies=movies,
        )
        if settings.classifier is not None:
            console.say_note(f"{classifier}: {settings.classifier.sentence}")

        def job(path: Path) -> Steps[FileResult]:
            picked = yield from pick_file_steps(path, denoiser, settings, device=device, stop=stop)
            tables.append(picked.table)
            if not _one_file(output):
                _write(output, [picked.table], wanted)
            return FileResult(f"{path.name}: {picked.summary}", picked.notes)

        try:
            report_files(for_each_steps(paths, job), len(paths), quiet)
        finally:  # what was found so far is written, however it ends
            if tables and _one_file(output):
                _write(output, tables, wanted)


def _tomograms_among(files: list[Path]) -> "TomogramsToPick | None":
    options.require_there(files)
    from napari_n2n.workflow.pick_volumes import tomograms_to_pick

    return tomograms_to_pick(files)


def _one_file(output: Path) -> bool:
    """Whether ``output`` is one file for all micrographs, and no folder."""
    return bool(output.suffix) and not output.is_dir()


def _claim(output: Path, paths: Sequence[Path], others: Sequence[Path | str | None]) -> None:
    """Refuse, before any work is done, what could not be written after it."""
    from napari_n2n.errors import WriteProblem
    from napari_n2n.io import stem_of
    from napari_n2n.io.coordinates.lists import LIST_NAME
    from napari_n2n.io.coordinates.writing import FORMATS, SUFFIX, require_names_for

    if not _one_file(output):
        require_names_for(output, [str(path) for path in paths])
        results = [(path, output / f"{stem_of(path)}{SUFFIX}.star") for path in paths]
        claim_each(results, others)
        claim([output / LIST_NAME], (*paths, *others), tell=False)
        return
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise WriteProblem(
            output,
            "has an extension that is no format",
            f"End it in one of {', '.join(f'.{kind}' for kind in FORMATS)}, or give a folder.",
        )
    if suffix == "box" and len(paths) > 1:
        raise WriteProblem(
            output,
            f"can hold one micrograph, not {len(paths)}",
            "Choose .star, .csv or another format.",
        )
    require_names_for(output, [str(path) for path in paths])
    claim([output], (*paths, *others))


def _write(
    output: Path, tables: Sequence["MicrographParticles"], labels: Collection["Label"] | None
) -> None:
    from napari_n2n.io import write_coordinates, write_star_per_micrograph

    if _one_file(output):
        for note in write_coordinates(output, tables, labels=labels):
            console.say_note(note)
        console.say(str(output))
        return
    written = write_star_per_micrograph(output, tables, labels=labels)
    for note in written.notes:
        console.say_note(note)
    for path in written:
        console.say(str(path))
