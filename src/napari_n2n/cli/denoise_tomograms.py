"""What the command denoise does with tomograms."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from napari_n2n.cli import console
from napari_n2n.cli.file_results import claim_each, report_files
from napari_n2n.progress import passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_n2n.workflow.batch import FileProgress
    from napari_n2n.workflow.volumes import FoundTomograms


def denoise_tomograms(
    given: list[Path],
    found: "FoundTomograms",
    output: Path,
    *,
    model: str,
    voxel_size: float | None,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Denoise tomograms one by one, and write RELION's list of them anew where one was given.

    Raises
    ------
    N2NError
        A result may not be written.
    typer.Exit
        With 1 where a tomogram failed or was left out, with 130 where someone stopped it.
    """
    from napari_n2n.workflow.batch import for_each_steps
    from napari_n2n.workflow.volumes import DenoiseVolumes, list_with_denoised

    for note in found.notes:
        console.say_note(note)
    for problem in found.problems:
        console.say_error(str(problem))
    console.say_note(f"Model: {found.denoiser.summary}.")
    done: dict[str, Path] = {}
    failed: typer.Exit | None = None
    with console.stop_on_signal() as stop:
        job = DenoiseVolumes(found.denoiser, found.tomograms, output, device, voxel_size, stop)
        names = {tomogram.path: tomogram.name for tomogram in found.tomograms}
        results = [(file, job.output_of(one)) for one in found.tomograms for file in one.files[:1]]
        others = [file for one in found.tomograms for file in one.files[1:]]
        claim_each(results, (model, *others))

        def noted(step: "FileProgress") -> "Iterator[FileProgress]":
            outcome = step.outcome
            if outcome is not None and outcome.result is not None:
                done[names[outcome.path]] = outcome.result.path
            yield step

        steps: Any = passed_on(for_each_steps(list(names), job.steps), noted)
        try:
            report_files(steps, len(names), quiet, as_json=as_json)
        except typer.Exit as ended:
            failed = ended
    for one in given:
        listed = list_with_denoised(one, output, done)
        if listed is not None:
            console.say(str(listed))
    if failed is not None:
        raise failed
    if found.problems:
        raise typer.Exit(1)
