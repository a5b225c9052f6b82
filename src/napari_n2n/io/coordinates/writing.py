"""Writing particle positions, each file whole or not at all.

This is where it is decided, for all who write, which rows of a TIFF and which frame of a movie the
positions are told in: see `_seen_by`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.box import box_text
from napari_n2n.io.coordinates.columns import csv_text, topaz_text
from napari_n2n.io.coordinates.cryosparc import cs_bytes
from napari_n2n.io.coordinates.joining import joined_by_micrograph
from napari_n2n.io.coordinates.lists import write_list
from napari_n2n.io.coordinates.model import stem_in
from napari_n2n.io.coordinates.star_writing import rows_do_not_fit, star_text
from napari_n2n.io.star import is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles, Optics
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
    mirror_y: bool | None = None,
    labels: Collection[Label] | None = None,
    optics: Optics | None = None,
    box_size_px: int | None = None,
) -> tuple[str, ...]:
    """Write the particles of micrographs into one file.

    Parameters
    ----------
    path
        Where to. The extension decides the format: ``.star`` (RELION), ``.box`` (EMAN), ``.csv``,
        ``.txt`` (Topaz), ``.cs`` (cryoSPARC).
    tables
        The micrographs; those without particles leave no trace in the file, and several of one
        micrograph become one.
    format
        Wins over the extension.
    mirror_y
        True turns the micrographs upside down, see `MicrographParticles.mirrored`; False leaves
        positions as they are. By default ``.star`` counts the rows of a TIFF as RELION does, from
        the last one stored, and other formats from the first. Needs the micrographs' shapes.
    labels
        Write particles of these labels only; by default all.
    optics
        For RELION's optics groups. By default there are none but those that came from a STAR file,
        and RELION takes its micrographs' own.
    box_size_px
        For ``.box``; by default the tables' diameter.

    Returns
    -------
    tuple
        Sentences for the user: what was turned, moved, or lies outside.

    Raises
    ------
    BadValue
        An unknown format; a shape that is needed to count rows and not known; two tables of one
        micrograph that do not fit together.
    WriteProblem
        The format needs what is not known (pixel size, shape, box size, names), or the disk
        refuses; what was there before is untouched.
    """
    path = Path(path)
    kind = format or _format_of(path)
    prepared = _prepared(path, tables, kind, mirror_y, labels)
    content = _CONTENT[kind](path, prepared.tables, optics, box_size_px)
    with write_atomically(path) as beside:
        beside.write_bytes(content)
    return prepared.notes


def write_star_per_micrograph(
    folder: Path | str,
    tables: Sequence[MicrographParticles],
    *,
    mirror_y: bool | None = None,
    labels: Collection[Label] | None = None,
) -> WrittenFiles:
    """Write one STAR file for each micrograph, as RELION's manual picking does.

    ``<micrograph>_manualpick.star``, for RELION's import of particle coordinates. The picks are
    its first block, which is the only one RELION reads, and name no optics group, so that RELION
    takes the micrograph's own; micrographs without particles get a file too. Beside them is the
    list of them that RELION 5 wants, see `napari_n2n.io.coordinates.lists`. The other parameters
    are those of `write_coordinates`.

    Raises
    ------
    BadValue
        A shape that is needed to count rows and not known.
    WriteProblem
        Two micrographs have one name, or none; or the disk refuses.
    """
    folder = Path(folder)
    prepared = _prepared(folder, tables, "star", mirror_y, labels)
    _require_stems(folder, prepared.tables)
    _require_star_names(folder, [one.micrograph for one in prepared.tables])
    paths = []
    for one in prepared.tables:
        path = folder / f"{one.stem}{SUFFIX}.star"
        content = star_text([one], None, single=True)
        with write_atomically(path) as beside:
            beside.write_text(content, encoding="utf-8", newline="\n")
        paths.append(path)
    names = [one.micrograph for one in prepared.tables]
    write_list(folder, zip(names, paths, strict=True))
    return WrittenFiles(paths, prepared.notes)


def write_box_per_micrograph(
    folder: Path | str,
    tables: Sequence[MicrographParticles],
    *,
    mirror_y: bool | None = None,
    labels: Collection[Label] | None = None,
    box_size_px: int | None = None,
) -> WrittenFiles:
    """Write one ``<micrograph>.box`` for each micrograph that has particles, as EMAN does.

    The parameters are those of `write_coordinates`.

    Raises
    ------
    BadValue
        A shape that is needed to count rows and not known.
    WriteProblem
        Two micrographs have one name, or none; the box size is unknown; or the disk refuses.
    """
    folder = Path(folder)
    prepared = _prepared(folder, tables, "box", mirror_y, labels)
    tables = [one for one in prepared.tables if len(one.particles)]
    _require_stems(folder, tables)
    paths = [folder / f"{one.stem}.box" for one in tables]
    contents = [
        _box(path, [one], None, box_size_px) for path, one in zip(paths, tables, strict=True)
    ]
    for path, content in zip(paths, contents, strict=True):
        with write_atomically(path) as beside:
            beside.write_bytes(content)
    return WrittenFiles(paths, prepared.notes)


class WrittenFiles(list[Path]):
    """The files that were written; ``notes`` are sentences for the user."""

    def __init__(self, paths: Iterable[Path], notes: tuple[str, ...] = ()) -> None:
        super().__init__(paths)
        self.notes = notes


@dataclass(frozen=True)
class _Prepared:
    """Tables as they are written, and what there is to say of that."""

    tables: list[MicrographParticles]
    notes: tuple[str, ...]


def _prepared(
    path: Path,
    tables: Sequence[MicrographParticles],
    kind: CoordinateFormat,
    mirror_y: bool | None,
    labels: Collection[Label] | None,
) -> _Prepared:
    if not tables:
        raise WriteProblem(path, "was not written: there are no micrographs", "Give some.")
    do_not_fit = rows_do_not_fit(tables) if kind == "star" else ()
    tables = joined_by_micrograph(tables)
    chosen = [one if labels is None else one.only(labels) for one in tables]
    seen = [_seen_by(kind, one, mirror_y) for one in chosen]
    notes = _notes(kind, chosen, mirror_y)
    return _Prepared(seen, (*notes, *do_not_fit))


def _seen_by(
    kind: CoordinateFormat, one: MicrographParticles, mirror_y: bool | None
) -> MicrographParticles:
    """Return particles where the program that reads a format finds them.

    RELION reverses the rows of every TIFF, and its sums of movies lie in the first frame; for
    others, rows are those stored and the frame is this program's own.
    """
    if mirror_y is None:
        return one.as_relion_reads() if kind == "star" else one.with_stored_rows()
    plain = replace(one, rows_reversed=False)  # the numbers as they are
    if kind == "star" and one.first_frame_shift_px is not None:
        plain = plain.moved(one.first_frame_shift_px)
    return plain.mirrored() if mirror_y else plain


def _notes(
    kind: CoordinateFormat, tables: Sequence[MicrographParticles], mirror_y: bool | None
) -> tuple[str, ...]:
    notes = []
    turned = [one for one in tables if one.relion_turns and not one.rows_reversed]
    if kind == "star" and mirror_y is None and turned:
        notes.append(f"{_named(turned)}: turned upside down, as RELION reads every TIFF.")
    moved = [one for one in tables if one.first_frame_shift_px is not None]
    if kind == "star" and moved:
        shifts = np.array([one.first_frame_shift_px for one in moved])
        farthest = float(np.linalg.norm(shifts, axis=1).max())
        by = f"by {farthest:.1f} px" if len(moved) == 1 else f"by up to {farthest:.1f} px"
        notes.append(
            f"{_named(moved)}: moved {by} to the first frame of the movie, in which RELION's own "
            "sums lie; those made here lie in the middle one."
        )
    count = sum(int(np.count_nonzero(one.outside())) for one in tables)
    if count:
        outside = [one for one in tables if one.outside().any()]
        notes.append(
            f"{_named(outside)}: {count:,} particle{'s lie' if count > 1 else ' lies'} outside the "
            "micrograph. Check its size, and whether they were picked on one of other pixels."
        )
    return tuple(notes)


def _named(tables: Sequence[MicrographParticles], most: int = 3) -> str:
    names = [_name(one) for one in tables]
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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


def _star(
    path: Path, tables: list[MicrographParticles], optics: Optics | None, _box: int | None
) -> bytes:
    for one in tables:
        if one.pixel_size_angstrom is None and (one.star is None or optics is not None):
            raise _problem(
                path,
                f"RELION's particles need the pixel size, and that of {_name(one)} is unknown",
                "Give the pixel size, or write one .star for each micrograph into a folder.",
            )
    if len(tables) > 1:
        _require_names(path, tables)
    _require_star_names(path, [one.micrograph for one in tables])
    return star_text(tables, optics).encode("utf-8")


def _box(
    path: Path,
    tables: list[MicrographParticles],
    _optics: Optics | None,
    box_size_px: int | None,
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
    Callable[[Path, list[MicrographParticles], Optics | None, int | None], bytes],
] = {"star": _star, "box": _box, "csv": _csv, "txt": _topaz, "cs": _cs}


def _require_names(path: Path, tables: Sequence[MicrographParticles]) -> None:
    if not all(one.micrograph for one in tables):
        raise _problem(
            path, "a micrograph's name is unknown", "Name the micrograph, or give its file."
        )


def require_names_for(path: Path, names: Sequence[str]) -> None:
    """Make sure, before work begins, that what is to be written can name all micrographs.

    Parameters
    ----------
    path
        A file, whose extension decides the format, or a folder of STAR files.
    names
        What the micrographs are called.

    Raises
    ------
    WriteProblem
        It cannot hold a name, or not tell two of them apart.
    """
    if path.suffix.lower() == ".txt":
        _require_distinct_stems(path, names)
    if path.suffix.lower() in (".star", "") or path.is_dir():
        _require_star_names(path, names)


def _require_stems(path: Path, tables: Sequence[MicrographParticles]) -> None:
    _require_names(path, tables)
    _require_distinct_stems(path, [one.micrograph for one in tables])


def _require_distinct_stems(path: Path, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(stem_in(name), name)
        if other != name:
            raise _problem(
                path,
                f"without folder and extension, {other} and {name} have one name",
                "Write them one by one, or choose another format.",
            )


def _require_star_names(path: Path, names: Sequence[str]) -> None:
    for name in names:
        if not is_name(name):
            raise _problem(
                path,
                f"a STAR file cannot hold all signs of {name!r}",
                "Rename the micrograph, without unusual blanks or both kinds of quotes.",
            )
