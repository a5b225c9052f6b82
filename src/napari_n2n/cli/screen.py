"""The command that screens a session of movies or micrographs: screen."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim, writes_files
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.cli.slow_imports import importing
from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.session import Session
    from napari_n2n.workflow.screening import ScreenProgress


@writes_files
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
    like: options.Like = None,
    model: options.Model = "general",
    contrast: options.Contrast = "auto",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    *,
    recording: RecordingOptions,
) -> None:
    """Align, denoise and measure each file of a session; Ctrl-C stops, the same command goes on."""
    folders = _watched(inputs) if watch else []
    with importing():
        from napari_n2n.workflow.movie_reader import MovieReader
        from napari_n2n.workflow.screening import (
            SETTINGS_KEY,
            Feed,
            Queue,
            ScreenSettings,
            changed_since,
            common_folder,
            in_words,
            inputs_of,
            results_of,
            screen_steps,
        )

    denoiser = options.denoiser_of_images(model)
    found = None if watch else inputs_of(inputs, gain=recording.gain)
    files = [folder for folder, _ in folders] if found is None else [p.parent for p in found.paths]
    for note in () if found is None else found.notes:
        console.say_note(note)
    movies = MovieReader(recording)
    if like is not None and diameter is None:
        raise typer.BadParameter("--like says what to pick; give the --diameter as well.")
    console.say_note(f"Model: {denoiser.summary}.")
    with ExitStack() as ends:
        kept = ends.enter_context(_opened(common_folder(files), session))
        stop = ends.enter_context(console.stop_on_signal())
        paths = [] if found is None else found.paths
        size = None if found is None else found.pixel_size_angstrom
        seen = movies if size is None else movies.with_told_pixel_size(size)
        template = options.template_of(
            like,
            paths,
            denoiser,
            seen,
            diameter,
            contrast=contrast,
            device=device,
            stop=stop,
            quiet=quiet,
        )
        sizes = {} if found is None else found.pixel_sizes
        network = Path(model) if Path(model).is_file() else denoiser
        settings = ScreenSettings(movies, network, diameter, device, template, sizes, contrast)
        changed = changed_since(kept.setting(SETTINGS_KEY) or {}, in_words(settings, denoiser))
        if changed:
            console.say_note(changed)
        claim(
            (file for path in paths for file in results_of(kept.path, path).made),
            (kept.path, *paths, recording.gain, model, like),
            tell=False,
        )
        if found is not None:
            found.keep_origins(kept)
        queue = Queue(() if found is None else found.paths, open=len(folders))
        feeds = [
            ends.enter_context(
                Feed(queue, folder, patterns, gain=recording.gain, rest_seconds=rest)
            )
            for folder, patterns in folders
        ]
        screened = Reporter(quiet).run(screen_steps(kept, queue, settings, stop), _say)
    lost = [feed.error for feed in feeds if feed.error is not None]
    for problem in lost:
        console.say_error(str(problem))
    console.say(f"{screened.summary} Session: {kept.path}")
    if screened.stopped:
        console.say_note("Stopped. The same command goes on where this one ended.")
        raise typer.Exit(130)
    if screened.failed or lost:
        raise typer.Exit(1)


def _watched(inputs: list[Path]) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the folders to be watched, each with the patterns of names to be taken."""
    from napari_n2n.io.finding import IMAGES, PATTERN_SIGNS

    found: list[tuple[Path, tuple[str, ...]]] = []
    for item in inputs:
        if item.is_dir():
            found.append((item, IMAGES))
        elif any(sign in item.name for sign in PATTERN_SIGNS) and item.parent.is_dir():
            found.append((item.parent, (item.name,)))
        else:
            raise typer.BadParameter(
                f"--watch takes folders that are there, or patterns of names in one, not {item}."
            )
    return found


def _opened(folder: Path, asked: Path | None) -> "Session":
    """Open the session of a folder, or the one asked for, to be written.

    Raises
    ------
    WriteProblem
        It may not be; where none was asked for, it says that one can be.
    """
    from napari_n2n.errors import WriteProblem
    from napari_n2n.session import OpenedSession, Session, open_session

    try:
        opened = open_session(folder) if asked is None else OpenedSession(Session.open(asked))
        assert opened is not None
        opened.session.require_writable()
    except WriteProblem as problem:
        if asked is not None:
            raise
        remedy = f"{problem.remedy} Or say where to keep the session: --session FILE."
        raise WriteProblem(problem.path, problem.fault, remedy) from problem
    if opened.note:
        console.say_note(f"{opened.note} It is kept in {opened.session.path}.")
    return opened.session


def _say(step: "ScreenProgress") -> None:
    """Say what came of a file, once it is done."""
    outcome = step.outcome
    if outcome is None or outcome.reused:
        return
    if outcome.error is not None:
        console.say_error(outcome.summary)
        return
    for note in outcome.notes:
        console.say_note(f"{outcome.path.name}: {note}")
    console.say(outcome.summary)
