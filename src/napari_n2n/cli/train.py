"""The command that trains a denoiser: train."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim_model, writes_files
from napari_n2n.progress import Interrupted, Progress

if TYPE_CHECKING:
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.workflow.single_volumes import SinglesOnDisk
    from napari_n2n.workflow.tilt_series import SeriesOnDisk
    from napari_n2n.workflow.training_sets import MicrographsOnDisk, PairsOnDisk
    from napari_n2n.workflow.volumes import VolumesOnDisk

_LEFT_OUT = "Left out: "
"""What notes of a training begin with that say which image could not be used, and why."""


@writes_files
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Odd and even halves (*_ODD, *_EVN …), or micrographs where there are none: "
            "folders, files, quoted patterns. Halves of tomograms, or tilt series with their "
            "alignment: folders, or RELION's list."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The model to write (.safetensors).")
    ] = Path("model.safetensors"),
    odd: Annotated[
        list[Path] | None,
        typer.Option(help="Odd halves: file, folder or quoted pattern; repeatable."),
    ] = None,
    even: Annotated[list[Path] | None, typer.Option(help="Even halves, in the same order.")] = None,
    input_: Annotated[
        list[Path] | None,
        typer.Option("--input", help="Inputs of pairs of unequal dose, which are not swapped."),
    ] = None,
    target: Annotated[
        list[Path] | None, typer.Option(help="Targets, in the order of the inputs.")
    ] = None,
    preset_name: Annotated[
        Literal["quick", "paper"], typer.Option("--preset", help="Where the settings start from.")
    ] = "quick",
    max_time: Annotated[
        str | None,
        typer.Option(help="Train this long (60s, 5min, 1.5h) instead of the preset's length."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a setting: field=value, e.g. working_pixel_size_angstrom=6."
        ),
    ] = None,
    from_scratch: Annotated[
        bool,
        typer.Option("--from-scratch", help="Start from nothing, not from the model in the box."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from where training to this output stopped.")
    ] = False,
    pixel_size: options.PixelSize = None,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Train a denoiser on noisy images, best on halves; Ctrl-C stops, saves, and can be resumed."""
    pairs = _pairs(files or [], odd, even, input_, target, pixel_size)

    from napari_n2n.denoising.reports import TrainingProgress
    from napari_n2n.denoising.training.results import last_path, resume_path
    from napari_n2n.workflow.single_volumes import SinglesOnDisk
    from napari_n2n.workflow.tilt_series import SeriesOnDisk
    from napari_n2n.workflow.volumes import VolumesOnDisk, training_steps

    of_volumes = isinstance(pairs, VolumesOnDisk | SeriesOnDisk | SinglesOnDisk)
    config = _training_config(preset_name, 3 if of_volumes else 2, max_time, settings or [])
    if from_scratch:
        config = config.replaced(from_scratch=True)
    claim_model(output, (last_path(output), resume_path(output)), pairs.paths, resume=resume)
    notes: dict[str, None] = {}

    def note_down(step: Progress) -> None:
        if isinstance(step, TrainingProgress):
            notes.update(dict.fromkeys(step.notes))

    with console.stop_on_signal() as stop:
        steps = training_steps(
            pairs, config, output=output, resume=resume, device=device, stop=stop
        )
        try:
            denoiser = Reporter(quiet).run(steps, note_down)
        except Interrupted:
            console.say_note("Stopped before anything was learnt; nothing was saved.")
            raise typer.Exit(130) from None
        stopped = stop()
    lost = dict.fromkeys(str(problem) for problem in pairs.problems)
    for note in (*pairs.notes, *notes):
        if note.startswith(_LEFT_OUT):
            lost[note.removeprefix(_LEFT_OUT)] = None
        elif note not in lost:
            console.say_note(note)
    console.say(f"{output}: {denoiser.summary}, {denoiser.provenance.seconds:.0f} s")
    estimate = denoiser.provenance.estimated_truth_correlation
    if estimate is not None:
        of_what = "both denoised halves with the clean tomogram"
        if not of_volumes:
            of_what = "one denoised half with the clean image"
        console.say(f"Estimated correlation of {of_what}: {estimate:.3f} (on what was held out).")
    if stopped:
        console.say_note("Stopped early. The same command with --resume goes on.")
    for problem in lost:
        console.say_error(problem)
    if lost:
        console.say_error(f"{len(lost)} of {len(pairs)} were left out; the others were trained on.")
    if stopped or lost:
        raise typer.Exit(130 if stopped else 1)


def _training_config(
    preset_name: str, ndim: Literal[2, 3], max_time: str | None, settings: list[str]
) -> "TrainingConfig":
    from napari_n2n.denoising.config import preset

    config = preset(preset_name, ndim)
    if max_time is not None:
        config = config.lasting(options.seconds_of(max_time))
    changes: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set takes field=value, not {setting!r}.")
        try:
            changes[name.strip()] = json.loads(value)
        except ValueError:
            changes[name.strip()] = None if value.lower() == "none" else value
    return config.replaced(**changes) if changes else config


def _pairs(
    files: list[Path],
    odd: list[Path] | None,
    even: list[Path] | None,
    input_: list[Path] | None,
    target: list[Path] | None,
    pixel_size: float | None,
) -> "PairsOnDisk | MicrographsOnDisk | VolumesOnDisk | SeriesOnDisk | SinglesOnDisk":
    from napari_n2n.workflow.single_volumes import singles_among
    from napari_n2n.workflow.tilt_series import SeriesOnDisk, series_among
    from napari_n2n.workflow.training_sets import PairsOnDisk, training_set
    from napari_n2n.workflow.volumes import volumes_to_train_on

    by_dose = [(odd, even, True), (input_, target, False)]
    given = [(a or [], b or [], swappable) for a, b, swappable in by_dose if a or b]
    if files and not given:
        volumes = volumes_to_train_on(files, pixel_size)
        if volumes is not None:
            return volumes
        series = series_among(files)
        if series is not None:
            return SeriesOnDisk(series, files, pixel_size)
        singles = singles_among(files, pixel_size)
        return training_set(files, pixel_size) if singles is None else singles
    if files or len(given) != 1 or not (given[0][0] and given[0][1]):
        raise typer.BadParameter(
            "Give a folder of halves, or micrographs, or --odd and --even, or --input and --target."
        )
    first, second, swappable = given[0]
    return PairsOnDisk.matched(
        options.files_of(first),
        options.files_of(second),
        swappable=swappable,
        pixel_size_angstrom=pixel_size,
    )
