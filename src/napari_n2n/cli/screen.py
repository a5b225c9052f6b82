"""The command that screens a session of movies or micrographs: screen."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.importing import importing
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.session import Session

_SIGNS = "*?["


@takes_movies
def screen(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders, files, quoted patterns, or RELION STAR files.", metavar="DIR"
        ),
    ],
    session: Annotated[
        Path | None,
        typer.Option(help="Where figures and verdicts are kept; default: a file beside the data."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Wait for more files in the folder, until Ctrl-C.")
    ] = False,
    rest: Annotated[
        float,
        typer.Option(
            min=0.1, max=86_400, help="With --watch: a file is done if unchanged for so many s."
        ),
    ] = 3.0,
    diameter: Annotated[
        float | None,
        typer.Option(min=1, max=100_000, help="Of the particle in Å: particles are picked."),
    ] = None,
    model: options.Model = "general",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Align, denoise and measure each file of a session; Ctrl-C stops, the same command goes on."""
    from napari_n2n.session import default_session_path

    folders = _watched(inputs) if watch else []
    with importing():
        from napari_n2n.workflow.movie_reader import MovieReader
        from napari_n2n.workflow.screening import (
            Feed,
            Queue,
            ScreenSettings,
            default_session_folder,
            inputs_of,
        )
        from napari_n2n.workflow.screening import screen as screen_files

    denoiser = options.denoiser_of(model)
    found = None if watch else inputs_of(inputs)
    files = [folder / "any" for folder, _ in folders] if found is None else list(found.paths)
    told = None if found is None else found.pixel_size_angstrom
    if recording.pixel_size_angstrom is None:
        recording = recording.replaced(pixel_size_angstrom=told)
    settings = ScreenSettings(MovieReader(recording), denoiser, diameter, device)
    where = session or default_session_path(default_session_folder(files) / "any")
    console.say_note(f"Model: {denoiser.summary}.")
    with ExitStack() as ends:
        kept = ends.enter_context(_opened(where, asked=session is not None))
        stop = ends.enter_context(console.stop_on_signal())
        queue = Queue(() if found is None else found.paths, open=len(folders))
        feeds = [
            ends.enter_context(Feed(queue, folder, patterns, rest_seconds=rest))
            for folder, patterns in folders
        ]
        screened = Reporter(quiet).run(screen_files(kept, queue, settings, stop), _describe)
    lost = [feed.error for feed in feeds if feed.error is not None]
    for problem in lost:
        console.say_error(str(problem))
    console.say(f"{screened.summary} Session: {where}")
    if screened.stopped:
        console.say_note("Stopped. The same command goes on where this one ended.")
        raise typer.Exit(130)
    if screened.failed or lost:
        raise typer.Exit(1)


def _watched(inputs: list[Path]) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the folders to be watched, each with the patterns of names to be taken."""
    from napari_n2n.workflow.screening.watching import IMAGES

    found: list[tuple[Path, tuple[str, ...]]] = []
    for item in inputs:
        if item.is_dir():
            found.append((item, IMAGES))
        elif any(sign in item.name for sign in _SIGNS) and item.parent.is_dir():
            found.append((item.parent, (item.name,)))
        else:
            raise typer.BadParameter(
                f"--watch takes folders that are there, or patterns of names in one, not {item}."
            )
    return found


def _opened(where: Path, *, asked: bool) -> "Session":
    """Open the session, and say where else it may be where that folder cannot be written."""
    from napari_n2n.errors import WriteProblem
    from napari_n2n.session import Session

    try:
        kept = Session.open(where)
        kept.require_writable()
        return kept
    except WriteProblem as problem:
        if asked:
            raise
        remedy = f"{problem.remedy} Or say where to keep the session: --session FILE."
        raise WriteProblem(problem.path, problem.fault, remedy) from problem


def _describe(step: Any) -> tuple[str, float, float | None] | None:
    """Say what came of a file at once, and of the rest how far it is."""
    from napari_n2n.workflow.screening import ScreenOutcome

    if not isinstance(step, ScreenOutcome):
        total = step.finished + step.waiting + (step.path is not None)
        if step.path is None:
            return step.stage, step.finished / max(total, 1), step.seconds_left
        text = f"{step.path.name} ({step.finished + 1} of {total}): {step.stage}"
        return text, step.finished / total, step.seconds_left
    if step.error is not None:
        console.say_error(step.summary)
    elif not step.reused:
        for note in step.notes:
            console.say_note(f"{step.path.name}: {note}")
        console.say(step.summary)
    return None
