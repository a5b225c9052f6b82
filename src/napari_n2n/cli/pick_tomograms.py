"""What the command pick does with tomograms."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.convert_tomograms import tomogram_file
from napari_n2n.cli.file_results import FileResult, claim, claim_each, report_files
from napari_n2n.progress import Steps

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.io import KnownTomograms, TomogramParticles
    from napari_n2n.workflow.pick_volumes import PickVolumes, TomogramsToPick
    from napari_n2n.workflow.volumes import Tomogram


def pick_tomograms(
    given: list[Path],
    found: "TomogramsToPick",
    output: Path,
    *,
    diameter: float | None,
    model: str | None,
    threshold: float | None,
    form: Literal["ball", "shell"],
    tilt_range: float,
    contrast: Literal["auto", "dark", "bright"],
    voxel_size: float | None,
    device: str,
    quiet: bool,
) -> None:
    """Find particles in tomograms one by one, and write them as they are found.

    Raises
    ------
    N2NError
        A result may not be written, or the diameter is not known.
    typer.Exit
        With 1 where a tomogram failed or was left out, with 130 where someone stopped it.
    """
    from napari_n2n.errors import BadValue
    from napari_n2n.particles.volume_picking import VolumePickingConfig
    from napari_n2n.workflow.pick_volumes import PickVolumes

    if diameter is None:
        raise BadValue(
            "Particles of which size? Measure one in the tomogram and give --diameter, in Å."
        )
    _claim(output, found.tomograms, model)
    for note in found.notes:
        console.say_note(note)
    for problem in found.problems:
        console.say_error(str(problem))
    config = VolumePickingConfig(
        diameter_angstrom=diameter, form=form, tilt_range_degree=tilt_range, contrast=contrast
    )
    with console.stop_on_signal() as stop:
        job = PickVolumes(
            config,
            found.tomograms,
            None if model is None else denoiser_of_volumes(model),
            threshold=threshold,
            known=_listed(given),
            voxel_size_angstrom=voxel_size,
            device=device,
            stop=stop,
        )
        _pick(job, output, quiet)
    if found.problems:
        raise typer.Exit(1)


def _pick(job: "PickVolumes", output: Path, quiet: bool) -> None:
    from napari_n2n.workflow.batch import for_each_steps

    names = {one.path: one.name for one in job.tomograms}
    one_file = _is_file(output)
    done = job.found_before(output) if one_file else {}
    tables: dict[str, TomogramParticles] = {}

    def steps(path: Path) -> Steps[FileResult]:
        name = names[path]
        before = done if one_file else job.found_before(tomogram_file(output, name, "star"))
        if name in before:
            tables[name] = before[name]
            count = len(before[name].particles)
            return FileResult(f"{name}: {count} particles, found before and left as they are")
        picked = yield from job.steps(path)
        tables[name] = picked.table
        _write(output, [*tables.values()] if one_file else [picked.table], job)
        return FileResult(f"{name}: {picked.summary}", picked.notes)

    report_files(for_each_steps([*names], steps), len(names), quiet)
    if one_file and tables:
        console.say(str(output))


def _write(output: Path, tables: "Sequence[TomogramParticles]", job: "PickVolumes") -> None:
    """Write what was found so far; after each tomogram, so that nothing is lost."""
    from napari_n2n.io import write_tomogram_particles

    by = {one.tomogram: job.fingerprint for one in tables}
    if _is_file(output):
        cannot_be_empty = output.suffix.lower() in (".coords", ".tbl")
        if cannot_be_empty and not any(len(one.particles) for one in tables):
            return
        for note in write_tomogram_particles(output, tables, made_by=by):
            console.say_note(note)
        return
    for one in tables:
        path = tomogram_file(output, one.tomogram, "star")
        for note in write_tomogram_particles(path, [one], made_by=by):
            console.say_note(note)
        console.say(str(path))


def _is_file(output: Path) -> bool:
    return bool(output.suffix) and not output.is_dir()


def _claim(output: Path, tomograms: "Sequence[Tomogram]", model: str | None) -> None:
    """Refuse, before any work is done, what could not be written after it."""
    from napari_n2n.errors import BadValue, WriteProblem
    from napari_n2n.io.coordinates.tomograms.writing import tomogram_format_of

    files = [file for one in tomograms for file in one.files]
    names = [one.name for one in tomograms]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadValue(f"Two tomograms are called {twice}. Pick them into different files.")
    if not _is_file(output):
        results = [(one.path, tomogram_file(output, one.name, "star")) for one in tomograms]
        claim_each(results, (model, *files))
        return
    if tomogram_format_of(output) in ("mod", "json", "coords") and len(tomograms) > 1:
        raise WriteProblem(
            output,
            f"can hold one tomogram, not {len(tomograms)}",
            "Choose .star, .csv or .tbl, or give a folder and convert what is written there.",
        )
    claim([output], (model, *files))


def denoiser_of_volumes(model: str) -> "Denoiser":
    """Load a model of tomograms; ``general`` is that of tomograms.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    WrongDimensions
        It is for images.
    """
    from napari_n2n.denoising.config import require_dimensions
    from napari_n2n.denoising.shipped_models.general import GENERAL, GENERAL_3D

    denoiser = options.denoiser_of(GENERAL_3D if model == GENERAL else model)
    require_dimensions(denoiser.network.config, 3)
    return denoiser


def _listed(given: Sequence[Path]) -> "KnownTomograms | None":
    """Return what RELION's list tells of the tomograms, if there is one."""
    from napari_n2n.io import KnownTomograms
    from napari_n2n.io.volumes.lists import TOMOGRAMS_STAR

    lists = [one / TOMOGRAMS_STAR if one.is_dir() else one for one in given]
    listed = next((one for one in lists if one.suffix.lower() == ".star" and one.is_file()), None)
    return None if listed is None else KnownTomograms.of(listed)
