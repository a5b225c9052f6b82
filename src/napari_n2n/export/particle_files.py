"""Picks of one micrograph from a coordinate file, and into one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    MicrographParticles,
    Particles,
    read_coordinates,
    stem_of,
    write_coordinates,
)
from napari_n2n.io.coordinates.model import counts_rows_from_the_end

if TYPE_CHECKING:
    from napari_n2n.io import Label


@dataclass(frozen=True)
class ExportChoice:
    """What is exported.

    ``micrograph`` is the name the file gives the micrograph; ``mirror_y`` is for STAR files of
    micrographs that RELION reads from TIFFs or made of TIFF movies, which it turns upside down.
    """

    suffix: str = ".star"
    labels: "frozenset[Label]" = field(default_factory=lambda: frozenset({"intact"}))
    micrograph: str = ""
    mirror_y: bool = False


def read_picks(path: Path, shape: tuple[int, int], names: Sequence[str]) -> tuple[Particles, str]:
    """Read what a file says of one micrograph, and say what was read.

    Parameters
    ----------
    path
        In any of the formats that `read_coordinates` knows.
    shape
        y, x of the micrograph in px; what lies outside is left out.
    names
        What the micrograph may be called; a file about one micrograph need not agree.

    Raises
    ------
    UnreadableFile
        The file cannot be used, or is about other micrographs.
    """
    tables = read_coordinates(path, shape=shape)
    if len(tables) > 1:
        stems = {stem_of(Path(name)) for name in names if name}
        mine = [table for table in tables if table.stem in stems]
        if not mine:
            others = ", ".join(table.stem for table in tables[:3])
            raise UnreadableFile(
                path,
                f"is about {len(tables)} micrographs ({others}, …), none of which is this one",
                "Type this micrograph's name under Export, as the file gives it, and try again.",
            )
        tables = mine
    found = Particles.none()
    for table in tables:
        found = found.joined(table.with_stored_rows(shape[0]).particles)
    inside = ((found.centres_px >= -0.5) & (found.centres_px < [s - 0.5 for s in shape])).all(
        axis=1
    )
    outside = len(found) - int(inside.sum())
    note = f" {outside:,} outside the micrograph were left out." if outside else ""
    return found[inside], f"{int(inside.sum()):,} particles from {path.name}.{note}"


def write_picks(
    path: Path,
    particles: Particles,
    choice: ExportChoice,
    *,
    shape: tuple[int, int],
    pixel_size_angstrom: float | None,
    diameter_angstrom: float,
    first_frame_shift_px: tuple[float, float] | None = None,
) -> str:
    """Write the particles that ``choice`` names, and say what was written.

    ``first_frame_shift_px`` (y, x) is that of the movie whose sum they lie on.

    Raises
    ------
    N2NError
        The disk refuses, or the format needs what is not known.
    """
    named_so = counts_rows_from_the_end(choice.micrograph)
    table = MicrographParticles(
        particles,
        micrograph=choice.micrograph,
        pixel_size_angstrom=pixel_size_angstrom,
        shape=shape,
        diameter_angstrom=diameter_angstrom if pixel_size_angstrom else None,
        first_frame_shift_px=first_frame_shift_px,
        is_tiff=None if named_so == choice.mirror_y else choice.mirror_y,
    )
    notes = write_coordinates(path, [table], labels=choice.labels)
    count = len(table.only(choice.labels).particles)
    kinds = ", ".join(sorted(choice.labels))
    return " ".join([f"{count:,} particles ({kinds}) saved in {path}.", *notes])
