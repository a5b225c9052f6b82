"""What particles look like, learnt from marks on one micrograph and used on all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import MicrographParticles, read_coordinates, stem_of
from napari_n2n.particles.templates import Template
from napari_n2n.progress import Progress, Steps, Stop, never
from napari_n2n.session import Session
from napari_n2n.workflow.contrast import with_dark_particles
from napari_n2n.workflow.find_particles import enough_for_a_template
from napari_n2n.workflow.pick_files import denoised_file_steps, is_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.workflow.fields_of_view import ContrastChoice
    from napari_n2n.workflow.movie_reader import MovieReader


def marks_in(path: Path) -> list[MicrographParticles]:
    """Read the particles that show what to look for: of a session, or of a coordinate file.

    Of a session those that a person marked intact, of a file all that are not called otherwise.

    Raises
    ------
    UnreadableFile
        The file is neither, or damaged.
    """
    if not is_session(path):
        return [table.only(["intact", "unlabelled"]) for table in read_coordinates(path)]
    with Session.open(path) as session:
        diameter = session.setting("diameter_angstrom")
        tables = []
        for record in session.micrographs.records():
            particles = session.marks.particles(record.id).particles
            chosen = (particles.labels == "intact") & (particles.given_by == "person")
            if record.path is not None and chosen.any():
                tables.append(
                    MicrographParticles(
                        particles[chosen], str(record.path), diameter_angstrom=diameter
                    )
                )
    return tables


def template_steps(
    marks: Path,
    files: Sequence[Path],
    denoiser: Denoiser | None,
    movies: MovieReader,
    diameter_angstrom: float | None = None,
    *,
    contrast: ContrastChoice = "auto",
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Template]:
    """Learn a template from the micrograph with the most marks.

    Parameters
    ----------
    marks
        A session, or a coordinate file in any format that is read.
    files
        Where its micrographs may be among; a name with a folder that is there is found as well.
    denoiser, movies, contrast, device, stop
        The micrograph is denoised as those will be on which the template is used.
    diameter_angstrom
        Of a particle; None: that of the session or file.

    Raises
    ------
    N2NError
        The marks or the micrograph do not allow it, or no diameter is known.
    Interrupted
        ``stop`` became true.
    """
    by_stem = {stem_of(path): path for path in files}
    found = []
    for table in marks_in(marks):
        named = marks.parent / table.micrograph
        path = by_stem.get(table.stem, named if named.is_file() else None)
        if path is not None and enough_for_a_template(len(table.particles)):
            found.append((table, path))
    if not found:
        raise NotEnoughData(
            f"{marks} has no micrograph with three particles or more that is among the files. "
            "Give the marked micrograph as well."
        )
    table, path = max(found, key=lambda each: len(each[0].particles))
    diameter = diameter_angstrom or table.diameter_angstrom
    if diameter is None:
        raise BadValue(f"{marks} does not tell the particles' diameter. Give it, in Å.")
    seen = yield from denoised_file_steps(
        path, denoiser, movies, contrast, device=device, stop=stop
    )
    seen = with_dark_particles(seen)
    table = table.with_stored_rows(seen.pixels.shape[0])
    yield Progress("learning what the particles look like", 0, 1)
    return Template.learnt(seen.pixels, seen.unit_size, table.particles.centres_px, diameter)
