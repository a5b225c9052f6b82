"""Commands that make one result of each of many files: what they refuse and what they say."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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


def require_different_results(paths: list[Path], output: Path) -> None:
    """Refuse files whose results in the folder ``output`` would have one name.

    Raises
    ------
    WriteProblem
        Two of them would.
    """
    from napari_n2n.errors import WriteProblem
    from napari_n2n.io import stem_of

    by_stem: dict[str, Path] = {}
    for path in paths:
        other = by_stem.setdefault(stem_of(path), path)
        if other != path:
            raise WriteProblem(
                output / f"{stem_of(path)}.mrc",
                f"would be the result of both {other} and {path}",
                "Give them different output folders.",
            )


def report_files(steps: "Generator[FileProgress, None, object]", count: int, quiet: bool) -> None:
    """Consume ``steps`` of `napari_n2n.workflow.batch` and say what came of each file.

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
