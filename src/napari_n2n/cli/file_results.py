"""Commands that make one result of each of many files: what they refuse and what they say."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import typer

from napari_n2n.cli import console
from napari_n2n.cli.console import Reporter


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


def report_files(steps: Generator[Any, None, Any], count: int, quiet: bool) -> None:
    """Consume ``steps`` of `napari_n2n.workflow.batch` and say what came of each file.

    Raises
    ------
    typer.Exit
        With 1 where a file failed, with 130 where someone stopped it.
    """
    from napari_n2n.denoising.interruption import Interrupted
    from napari_n2n.workflow.batch import FileOutcome

    done = failed = 0

    def describe(step: Any) -> tuple[str, float, float | None] | None:
        nonlocal done, failed
        if not isinstance(step, FileOutcome):
            return describe_progress(step)
        if step.error is not None:
            failed += 1
            console.say_error(str(step.error))
        else:
            done += 1
            for note in getattr(step.result, "notes", ()):
                console.say_note(f"{step.path.name}: {note}")
            console.say(str(step.result))
        return None

    try:
        Reporter(quiet).run(steps, describe)
    except Interrupted:
        console.say_note(f"Stopped: {done} of {count} files are done.")
        raise typer.Exit(130) from None
    if failed:
        if count > 1:
            rest = "the others are done" if done else "none was done"
            console.say_error(f"{failed} of {count} files failed; {rest}.")
        raise typer.Exit(1)


def run_for_each(
    paths: list[Path], output: Path, job: Callable[[Path], Generator[Any, None, str]], quiet: bool
) -> None:
    """Run ``job`` for all files, say what came of each, and exit with 1 if any failed."""
    from napari_n2n.workflow.batch import for_each

    require_different_results(paths, output)
    report_files(for_each(paths, job), len(paths), quiet)


def describe_progress(step: Any) -> tuple[str, float, float | None]:
    """Say a ``Progress``, alone or of one of many files."""
    from napari_n2n.workflow.batch import FileProgress

    if isinstance(step, FileProgress):
        text, share, left = describe_progress(step.step)
        of_all = f" ({step.number} of {step.count})" if step.count > 1 else ""
        return f"{step.path.name}{of_all}: {text}", share, left
    return step.stage, step.done / max(step.total, 1), step.seconds_left
