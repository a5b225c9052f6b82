"""Writing particle positions, each file whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.box import box_text
from napari_n2n.io.coordinates.columns import csv_text, topaz_text
from napari_n2n.io.coordinates.cryosparc import cs_bytes
from napari_n2n.io.coordinates.joining import joined_by_micrograph
from napari_n2n.io.coordinates.model import Optics
from napari_n2n.io.coordinates.star_writing import is_name, star_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles
    from napari_n2n.io.particles import Label

CoordinateFormat = Literal["star", "box", "csv", "txt", "cs"]
FORMATS: tuple[CoordinateFormat, ...] = get_args(CoordinateFormat)
"""What can be written, by extension; ``txt`` is Topaz's."""

SUFFIX = "_manualpick"
"""What RELION's manual picking adds to a micrograph's name; without it, the file would have the
name of RELION's metadata of the micrograph's motion."""


def write_coordinates(
    path: Path | str,
    tables: Sequence[MicrographParticles],
    *,
    format: CoordinateFormat | None = None,
    mirror_y: bool = False,
    labels: Collection[Label] | None = None,
    optics: Optics | None = None,
    box_size_px: int | None = None,
) -> None:
    """Write the particles of micrographs into one file.

    Parameters
    ----------
    path
        Where to. The extension decides the format: ``.star`` (RELION 3.1), ``.box`` (EMAN),
        ``.csv``, ``.txt`` (Topaz), ``.cs`` (cryoSPARC).
    tables
        The micrographs; those without particles leave no trace in the file, and several of one
        micrograph become one.
    format
        Wins over the extension.
    mirror_y
        Turn the micrographs upside down; see `MicrographParticles.mirrored`. Needs their shapes.
    labels
        Write particles of these labels only; by default all.
    optics
        For RELION's optics groups.
    box_size_px
        For ``.box``; by default the tables' diameter.

    Raises
    ------
    BadValue
        An unknown format; a shape that is needed for `mirror_y` and not known; two tables of one
        micrograph that do not fit together.
    WriteProblem
        The format needs what is not known (pixel size, shape, box size, names), or the disk
        refuses; what was there before is untouched.
    """
    path = Path(path)
    kind = format or _format_of(path)
    tables = _prepared(path, tables, mirror_y, labels)
    content = _CONTENT[kind](path, tables, optics or Optics(), box_size_px)
    with write_atomically(path) as beside:
        beside.write_bytes(content)


def write_star_per_micrograph(
    folder: Path | str,
    tables: Sequence[MicrographParticles],
    *,
    mirror_y: bool = False,
    labels: Collection[Label] | None = None,
    optics: Optics | None = None,
) -> list[Path]:
    """Write one STAR file for each micrograph, as RELION's manual picking does.

    ``<micrograph>_manualpick.star``, for RELION's import of particle coordinates. The picks are
    its first block, which is the only one RELION reads; micrographs without particles get a file
    too. The other parameters are those of `write_coordinates`.

    Returns
    -------
    list
        The files.

    Raises
    ------
    BadValue
        A shape that is needed for `mirror_y` and not known.
    WriteProblem
        Two micrographs have one name, or none; or the disk refuses.
    """
    folder = Path(folder)
    tables = _prepared(folder, tables, mirror_y, labels)
    _require_stems(folder, tables)
    _require_star_names(folder, tables)
    paths = []
    for one in tables:
        path = folder / f"{one.stem}{SUFFIX}.star"
        content = star_text([one], optics or Optics(), single=True)
        with write_atomically(path) as beside:
            beside.write_text(content, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def write_box_per_micrograph(
    folder: Path | str,
    tables: Sequence[MicrographParticles],
    *,
    mirror_y: bool = False,
    labels: Collection[Label] | None = None,
    box_size_px: int | None = None,
) -> list[Path]:
    """Write one ``<micrograph>.box`` for each micrograph that has particles, as EMAN does.

    The parameters are those of `write_coordinates`.

    Returns
    -------
    list
        The files.

    Raises
    ------
    BadValue
        A shape that is needed for `mirror_y` and not known.
    WriteProblem
        Two micrographs have one name, or none; the box size is unknown; or the disk refuses.
    """
    folder = Path(folder)
    tables = [one for one in _prepared(folder, tables, mirror_y, labels) if len(one.particles)]
    _require_stems(folder, tables)
    paths = [folder / f"{one.stem}.box" for one in tables]
    contents = [
        _box(path, [one], Optics(), box_size_px) for path, one in zip(paths, tables, strict=True)
    ]
    for path, content in zip(paths, contents, strict=True):
        with write_atomically(path) as beside:
            beside.write_bytes(content)
    return paths


def _prepared(
    path: Path,
    tables: Sequence[MicrographParticles],
    mirror_y: bool,
    labels: Collection[Label] | None,
) -> list[MicrographParticles]:
    if not tables:
        raise WriteProblem(path, "was not written: there are no micrographs", "Give some.")
    tables = joined_by_micrograph(tables)
    chosen = [one if labels is None else one.only(labels) for one in tables]
    return [one.mirrored() for one in chosen] if mirror_y else chosen


def _format_of(path: Path) -> CoordinateFormat:
    for kind in FORMATS:
        if path.suffix.lower() == f".{kind}":
            return kind
    known = ", ".join(f".{kind}" for kind in FORMATS)
    raise BadValue(f"{path} cannot be written: its name must end in one of {known}.")


def _name(table: MicrographParticles) -> str:
    return table.micrograph or "the micrograph"


def _problem(path: Path, fault: str, remedy: str) -> WriteProblem:
    return WriteProblem(path, f"was not written: {fault}", remedy)


def _star(path: Path, tables: list[MicrographParticles], optics: Optics, _box: int | None) -> bytes:
    for one in tables:
        if one.pixel_size_angstrom is None:
            raise _problem(
                path,
                f"RELION's optics groups need the pixel size, and that of {_name(one)} is unknown",
                "Give the pixel size, or write one .star for each micrograph into a folder.",
            )
    if len(tables) > 1:
        _require_names(path, tables)
    _require_star_names(path, tables)
    return star_text(tables, optics).encode("utf-8")


def _box(
    path: Path, tables: list[MicrographParticles], _optics: Optics, box_size_px: int | None
) -> bytes:
    if len(tables) > 1:
        raise _problem(
            path,
            f"a .box file holds one micrograph, and there are {len(tables)}",
            "Write one file for each, or choose another format.",
        )
    (one,) = tables
    if not len(one.particles):
        raise _problem(path, "a .box file cannot say that there are no particles", "Leave it out.")
    if box_size_px is None and one.diameter_angstrom and one.pixel_size_angstrom:
        # Even, so that the box has its centre on a pixel, as everywhere in the field.
        box_size_px = max(2, 2 * round(one.diameter_angstrom / one.pixel_size_angstrom / 2))
    if box_size_px is None:
        raise _problem(
            path,
            "a .box file needs the size of the boxes",
            "Give the box size in px, or the particles' diameter and the pixel size.",
        )
    if box_size_px < 1:
        raise BadValue(f"A box of {box_size_px} px cannot be right.")
    return box_text(one, box_size_px).encode("ascii")


def _csv(path: Path, tables: list[MicrographParticles], *_: object) -> bytes:
    if len(tables) > 1:
        _require_names(path, tables)
    return csv_text(tables).encode("utf-8")


def _topaz(path: Path, tables: list[MicrographParticles], *_: object) -> bytes:
    _require_stems(path, tables)
    return topaz_text(tables).encode("utf-8")


def _cs(path: Path, tables: list[MicrographParticles], *_: object) -> bytes:
    for one in tables:
        missing = [
            what
            for what, known in (("shape", one.shape), ("pixel size", one.pixel_size_angstrom))
            if known is None
        ]
        if missing:
            raise _problem(
                path,
                f"cryoSPARC needs the {' and the '.join(missing)} of {_name(one)}",
                f"Give the {' and the '.join(missing)}, or the micrograph.",
            )
        centres, shape = one.particles.centres_px, np.asarray(one.shape)
        if ((centres < -0.5) | (centres > shape)).any():
            raise _problem(
                path,
                f"a particle of {_name(one)} lies outside its {shape[1]} × {shape[0]} px",
                "Check that the shape is that of the micrograph they were picked on.",
            )
    _require_names(path, tables)
    return cs_bytes(tables)


_CONTENT: dict[
    CoordinateFormat,
    Callable[[Path, list[MicrographParticles], Optics, int | None], bytes],
] = {"star": _star, "box": _box, "csv": _csv, "txt": _topaz, "cs": _cs}


def _require_names(path: Path, tables: Sequence[MicrographParticles]) -> None:
    if not all(one.micrograph for one in tables):
        raise _problem(
            path, "a micrograph's name is unknown", "Name the micrograph, or give its file."
        )


def _require_stems(path: Path, tables: Sequence[MicrographParticles]) -> None:
    _require_names(path, tables)
    seen: dict[str, str] = {}
    for one in tables:
        other = seen.setdefault(one.stem, one.micrograph)
        if other != one.micrograph:
            raise _problem(
                path,
                f"without folder and extension, {other} and {one.micrograph} have one name",
                "Write them one by one, or choose another format.",
            )


def _require_star_names(path: Path, tables: Sequence[MicrographParticles]) -> None:
    for one in tables:
        if not is_name(one.micrograph):
            raise _problem(
                path,
                f"a STAR file cannot hold all signs of {one.micrograph!r}",
                "Rename the micrograph, without quotes, # and unusual blanks.",
            )
