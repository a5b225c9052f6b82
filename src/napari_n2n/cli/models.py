"""Commands about denoisers: train, denoise, evaluate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import report_files, require_different_results
from napari_n2n.cli.importing import importing
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.progress import Interrupted, Progress
from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.workflow.training_sets import MicrographsOnDisk, PairsOnDisk


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
    from napari_n2n.denoising.training.micrographs import train_steps

    notes: dict[str, None] = {}

    def note_down(step: Progress) -> None:
        if isinstance(step, TrainingProgress):
            notes.update(dict.fromkeys(step.notes))

    with console.stop_on_signal() as stop:
        steps = train_steps(pairs, config, output=output, resume=resume, device=device, stop=stop)
        try:
            denoiser = Reporter(quiet).run(steps, note_down)
        except Interrupted:
            console.say_note("Stopped before there was anything to learn from.")
            raise typer.Exit(130) from None
        stopped = stop()
    for note in (*pairs.notes, *notes):
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
        raise typer.Exit(130)


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


@takes_movies
def denoise(
    files: Annotated[
        list[Path], typer.Argument(help="Micrographs or movies: files, folders, quoted patterns.")
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
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Denoise micrographs (movies are aligned first); results keep shape and pixel size."""
    from napari_n2n.io import stem_of

    paths = options.files_of(files)
    require_different_results(paths, output)

    with importing():
        from napari_n2n.workflow.batch import for_each_overlapped_steps
        from napari_n2n.workflow.denoising import DenoiseFiles
        from napari_n2n.workflow.movie_reader import MovieReader

    denoiser = options.denoiser_of(model)
    console.say_note(f"Model: {denoiser.summary}.")
    with console.stop_on_signal() as stop:
        job = DenoiseFiles(
            denoiser,
            MovieReader(recording),
            lambda path: output / f"{stem_of(path)}.mrc",
            device,
            stop,
            thorough,
        )
        steps = for_each_overlapped_steps(paths, job, stop=stop)
        report_files(steps, len(paths), quiet)


def evaluate(
    image: Annotated[Path, typer.Argument(help="The image to judge.")],
    reference: Annotated[
        Path, typer.Option("--reference", help="The clean image, or an independent noisy one.")
    ],
    band: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Compare these spatial frequencies only: LOW HIGH in cycles/px."),
    ] = None,
    pixel_size: options.PixelSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Compare an image with a reference: correlation, FRC, PSNR."""
    from napari_n2n import metrics
    from napari_n2n.io import read_pair

    a, b = read_pair(image, reference, pixel_size_angstrom=pixel_size)
    first, second = a.pixels, b.pixels
    if a.is_rgb:
        first, second = first.mean(axis=2), second.mean(axis=2)
    if band is not None:
        low, high = band
        if not 0 <= low < high:
            raise typer.BadParameter(f"--band takes LOW < HIGH, not {low} {high}.")
        first = metrics.band_limited(first, low, high)
        second = metrics.band_limited(second, low, high)
    size = a.pixel_size_angstrom or b.pixel_size_angstrom
    curve = metrics.frc(first, second, size or 1.0)
    figures = {
        "correlation": metrics.correlation(first, second),
        "psnr_db": metrics.psnr(a.pixels, b.pixels),
        "frc_resolution_angstrom" if size else "frc_resolution_px": curve.resolution_angstrom(),
        "frc": {
            "frequency_per_angstrom" if size else "frequency_per_px": curve.frequency.tolist(),
            "correlation": curve.correlation.tolist(),
        },
    }
    if as_json:
        typer.echo(json.dumps(figures))
        return
    resolution = curve.resolution_angstrom()
    unit = "Å" if size else "px"
    console.say(f"Correlation: {figures['correlation']:.4f}")
    console.say(f"PSNR: {figures['psnr_db']:.2f} dB (R: the reference's range)")
    agree = "nowhere" if resolution is None else f"down to {resolution:.2f} {unit}"
    console.say(f"FRC ≥ 1/7: {agree}")
