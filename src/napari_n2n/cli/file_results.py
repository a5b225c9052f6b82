"""Commands that make one result of each of many files: what they refuse and what they say."""

import functools
import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

import typer

from napari_n2n.cli import console
from napari_n2n.cli.console import Reporter
from napari_n2n.progress import Interrupted

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_n2n.export.kept import ExportOutcome
    from napari_n2n.workflow.batch import FileProgress


@dataclass(frozen=True)
class FileResult:
    """What came of a file in a line, and sentences for the user."""

    text: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@runtime_checkable
class TellsJson(Protocol):
    """A result that a program can read."""

    def as_json(self) -> dict[str, Any]:
        """Return all of it by name."""
        ...


def writes_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that writes files the option ``--overwrite``; it holds while that runs."""

    @functools.wraps(command)
    def writing(*, overwrite: bool, **given: Any) -> None:
        from napari_n2n.io import overwriting

        with overwriting(overwrite):
            command(**given)

    theirs = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
    ]
    ours = inspect.Parameter(
        "overwrite",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[
            bool,
            typer.Option(
                "--overwrite",
                help="Replace files that napari-n2n did not make, too; never an input.",
            ),
        ],
    )
    parameters = [*theirs, ours]
    # typer reads both.
    writing.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    writing.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return writing


def claim(
    results: Iterable[Path], inputs: Iterable[Path | str | None] = (), *, tell: bool = True
) -> None:
    """Make sure, before any work is done, that results may be written; say what they replace.

    Parameters
    ----------
    results
        The files.
    inputs
        What is read for them: images, gain references, models, sessions.
    tell
        Whether to say what is replaced.

    Raises
    ------
    WriteProblem
        They may not: see `napari_n2n.io.outputs`.
    """
    from napari_n2n.io.outputs import require_free

    note = require_free(results, (None if path is None else Path(path) for path in inputs))
    if note and tell:
        console.say_note(note)


def claim_each(
    results: Iterable[tuple[Path, Path]], inputs: Iterable[Path | str | None] = ()
) -> None:
    """Do as `claim`, of files each of which has results of its own.

    Parameters
    ----------
    results
        A file, which is an input, and a result of it.
    inputs
        What else is read.

    Raises
    ------
    WriteProblem
        A result may not be written, or would be that of two files.
    """
    from napari_n2n.io.outputs import require_distinct

    results = list(results)
    require_distinct(results)
    sources = dict.fromkeys(source for source, _ in results)
    claim((result for _, result in results), (*sources, *inputs))


def claim_model(
    output: Path, beside: Iterable[Path], inputs: Iterable[Path | None], *, resume: bool = False
) -> None:
    """Make sure that a training may write its model, and what it keeps ``beside`` that.

    Raises
    ------
    WriteProblem
        It may not, or the name is not that of a model.
    """
    from napari_n2n.io.outputs import require_model_name

    require_model_name(output)
    claim((output, *beside), inputs, tell=not resume)


def require_folder(output: Path) -> None:
    """Refuse a name that a file would have where a folder is to be made.

    Raises
    ------
    WriteProblem
        It is one.
    """
    from napari_n2n.errors import WriteProblem
    from napari_n2n.io.coordinates.writing import FORMATS
    from napari_n2n.io.finding import EXTENSIONS

    files = (*EXTENSIONS, *(f".{kind}" for kind in FORMATS), ".gz", ".bz2", ".safetensors", ".html")
    if output.name.lower().endswith(files) and not output.is_dir():
        raise WriteProblem(
            output, "is the name of a file, and results go into a folder", "Give a folder with -o."
        )


def report_files(
    steps: "Generator[FileProgress, None, object]",
    count: int,
    quiet: bool,
    *,
    as_json: bool = False,
) -> None:
    """Consume ``steps`` of `napari_n2n.workflow.batch` and say what came of each file.

    ``as_json`` says it as an object in a line, of results that have an ``as_json()``.

    Raises
    ------
    typer.Exit
        With 1 where a file failed, with 130 where someone stopped it.
    """
    done = failed = 0

    def say(step: "FileProgress") -> None:
        nonlocal done, failed
        outcome = step.outcome
        if outcome is None:
            return
        if outcome.error is not None:
            failed += 1
            console.say_error(str(outcome.error))
            return
        done += 1
        for note in getattr(outcome.result, "notes", ()):
            console.say_note(f"{outcome.path.name}: {note}")
        if as_json and isinstance(outcome.result, TellsJson):
            typer.echo(json.dumps(outcome.result.as_json()))
        else:
            console.say(str(outcome.result))

    try:
        Reporter(quiet).run(steps, say)
    except Interrupted:
        console.say_note(f"Stopped: {done} of {count} files are done.")
        raise typer.Exit(130) from None
    if failed:
        if count > 1:
            rest = "the others are done" if done else "none was done"
            console.say_error(f"{failed} of {count} files failed; {rest}.")
        raise typer.Exit(1)


def say_outcome(exported: "ExportOutcome") -> None:
    """Say what was written, and what there is to be careful about."""
    for note in exported.notes:
        console.say_note(note)
    console.say(exported.sentence)
