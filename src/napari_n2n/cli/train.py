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
    from napari_n2n.workflow.training_sets import MicrographsOnDisk, PairsOnDisk


@writes_files
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Odd and even halves (*_ODD, *_EVN …), or micrographs where there are none: "
            "folders, files, quoted patterns."
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
    config = _training_config(preset_name, max_time, settings or [])
    if from_scratch:
        config = config.replaced(from_scratch=True)
    pairs = _pairs(files or [], odd, even, input_, target, pixel_size)

    from napari_n2n.denoising.reports import TrainingProgress
    from napari_n2n.denoising.training.micrographs import last_path, resume_path, train_steps

    claim_model(output, (last_path(output), resume_path(output)), pairs.paths, resume=resume)
    notes: dict[str, None] = {}

    def note_down(step: Progress) -> None:
        if isinstance(step, TrainingProgress):
            notes.update(dict.fromkeys(step.notes))

    with console.stop_on_signal() as stop:
        steps = train_steps(pairs, config, output=output, resume=resume, device=device, stop=stop)
        try:
            denoiser = Reporter(quiet).run(steps, note_down)
        except Interrupted:
            console.say_note("Stopped before anything was learnt; nothing was saved.")
            raise typer.Exit(130) from None
        stopped = stop()
    lost = [str(problem) for problem in pairs.problems]
    for note in (*pairs.notes, *notes):
        if note.removeprefix("Left out: ") not in lost:
            console.say_note(note)
    console.say(f"{output}: {denoiser.summary}, {denoiser.provenance.seconds:.0f} s")
    estimate = denoiser.provenance.estimated_truth_correlation
    if estimate is not None:
        console.say(
            "Estimated correlation of one denoised half with the clean image: "
            f"{estimate:.3f} (on what was held out)."
        )
    if stopped:
        console.say_note("Stopped early. The same command with --resume goes on.")
    for problem in lost:
        console.say_error(problem)
    if lost:
        console.say_error(f"{len(lost)} of {len(pairs)} were left out; the others were trained on.")
    if stopped or lost:
        raise typer.Exit(130 if stopped else 1)


def _training_config(
    preset_name: str, max_time: str | None, settings: list[str]
) -> "TrainingConfig":
    from napari_n2n.denoising.config import preset

    config = preset(preset_name)
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
) -> "PairsOnDisk | MicrographsOnDisk":
    from napari_n2n.workflow.training_sets import PairsOnDisk, training_set

    by_dose = [(odd, even, True), (input_, target, False)]
    given = [(a or [], b or [], swappable) for a, b, swappable in by_dose if a or b]
    if files and not given:
        return training_set(files, pixel_size)
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
