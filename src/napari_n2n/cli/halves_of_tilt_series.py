"""What the command halves does with tilt series."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from napari_n2n.cli import console
from napari_n2n.cli.file_results import claim_each, report_files
from napari_n2n.progress import passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_n2n.workflow.batch import FileProgress
    from napari_n2n.workflow.tilt_series import FoundSeries


def halves_of_tilt_series(
    given: list[Path],
    found: "FoundSeries",
    output: Path,
    *,
    voxel_size: float,
    thickness: float | None,
    pixel_size: float | None,
    quiet: bool,
) -> None:
    """Reconstruct the halves of tilt series one by one, and list them where RELION has a list.

    Raises
    ------
    N2NError
        A result may not be written.
    typer.Exit
        With 1 where a series failed or was left out, with 130 where someone stopped it.
    """
    from napari_n2n.workflow.batch import for_each_steps
    from napari_n2n.workflow.tilt_series import WriteHalves, files_of_series
    from napari_n2n.workflow.volumes import list_with_halves

    for problem in found.problems:
        console.say_error(str(problem))
    failed: typer.Exit | None = None
    done: list[Path] = []
    with console.stop_on_signal() as stop:
        job = WriteHalves(found.series, output, voxel_size, thickness, pixel_size, stop)
        if job.note:
            console.say_note(job.note)
        alignments = [one.alignment.path for one in found.series]
        claim_each(
            [
                (one.alignment.path, result)
                for one in found.series
                for result in job.outputs_of(one)
            ],
            [file for one in found.series for file in files_of_series(one)],
        )

        def noted(step: "FileProgress") -> "Iterator[FileProgress]":
            if step.outcome is not None and step.outcome.result is not None:
                done.append(step.outcome.path)
            yield step

        steps: Any = passed_on(for_each_steps(alignments, job.steps), noted)
        try:
            report_files(steps, len(alignments), quiet)
        except typer.Exit as ended:
            failed = ended
    for one in given:
        listed = list_with_halves(one, job, done)
        if listed is not None:
            console.say(str(listed))
    if failed is not None:
        raise failed
    if found.problems:
        raise typer.Exit(1)
