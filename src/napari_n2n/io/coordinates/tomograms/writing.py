"""Writing positions of particles in tomograms: one format a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.tomograms.columns import csv_text
from napari_n2n.io.coordinates.tomograms.copick import copick_text
from napari_n2n.io.coordinates.tomograms.dynamo import tbl_text
from napari_n2n.io.coordinates.tomograms.imod import mod_bytes
from napari_n2n.io.coordinates.tomograms.star_writing import (
    StarProgram,
    kept_rows,
    tomogram_star_text,
)
from napari_n2n.io.coordinates.tomograms.text import coords_text
from napari_n2n.io.star import is_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
    from napari_n2n.io.particles import Label

TomogramFormat = Literal["star", "csv", "tbl", "mod", "json", "coords"]
TOMOGRAM_FORMATS: tuple[TomogramFormat, ...] = get_args(TomogramFormat)
"""What can be written, by extension."""

_OF_ONE = ("mod", "json", "coords")
_WITH_SCORES = ("star", "csv", "tbl", "json")
_WITH_LABELS = ("star", "csv", "mod")
_MOST_NAMED = 6


def tomogram_format_of(path: Path) -> TomogramFormat:
    """Return what a name says is to be written.

    Raises
    ------
    BadValue
        It ends in no format's extension.
    """
    for kind in TOMOGRAM_FORMATS:
        if path.suffix.lower() == f".{kind}":
            return kind
    known = ", ".join(f".{kind}" for kind in TOMOGRAM_FORMATS)
    raise BadValue(
        f"{path} cannot hold particles of tomograms: its name must end in one of {known}."
    )


def write_tomogram_particles(
    path: Path | str,
    tables: Sequence[TomogramParticles],
    *,
    format: TomogramFormat | None = None,
    program: StarProgram = "relion5",
    labels: Collection[Label] | None = None,
    made_by: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Write the particles of tomograms into one file.

    Parameters
    ----------
    path
        Where to. The extension decides the format: ``.star``, ``.csv``, ``.tbl`` (Dynamo), ``.mod``
        (IMOD), ``.json`` (copick), ``.coords``; the last three hold one tomogram.
    tables
        The tomograms.
    format
        Wins over the extension.
    program
        Whose columns a ``.star`` has.
    labels
        Write particles of these labels only; by default all.
    made_by
        By tomogram, what picked its particles; kept in a ``.star``.

    Returns
    -------
    tuple
        Sentences for the user: what the format could not hold, or lies outside.

    Raises
    ------
    BadValue
        An unknown format; a voxel size or shape that is needed and not known.
    WriteProblem
        The format cannot hold so many tomograms or their names; or the disk refuses. What was
        there before is untouched.
    """
    path = Path(path)
    kind = format or tomogram_format_of(path)
    if not tables:
        raise WriteProblem(path, "was not written: there are no tomograms", "Give some.")
    chosen = [one if labels is None else one.only(labels) for one in tables]
    _check(path, kind, chosen)
    if kind == "star":
        content = tomogram_star_text(chosen, program, made_by).encode("utf-8")
    else:
        content = _content(path, kind, chosen)
    with write_atomically(path) as beside:
        beside.write_bytes(content)
    return _notes(kind, chosen, program)


def _content(path: Path, kind: TomogramFormat, tables: list[TomogramParticles]) -> bytes:
    if kind == "json":
        return copick_text(path, tables[0]).encode("utf-8")
    placed = [one.in_voxels() for one in tables]
    if kind == "mod":
        return mod_bytes(placed[0])
    if kind == "coords":
        return coords_text(placed[0]).encode("utf-8")
    return (csv_text(placed) if kind == "csv" else tbl_text(placed)).encode("utf-8")


def _check(path: Path, kind: TomogramFormat, tables: Sequence[TomogramParticles]) -> None:
    if kind in _OF_ONE and len(tables) > 1:
        raise WriteProblem(
            path,
            f"was not written: it can hold one tomogram, and there are {len(tables)}",
            "Give a folder for a file each, or choose .star, .csv or .tbl.",
        )
    if kind in ("coords", "tbl") and not any(len(one.particles) for one in tables):
        raise WriteProblem(
            path, "was not written: it cannot say that there are no particles", "Leave it out."
        )
    if len(tables) > 1 and not all(one.tomogram for one in tables):
        raise WriteProblem(
            path,
            "was not written: a tomogram's name is unknown",
            "Name the tomogram, or give its file.",
        )
    for one in tables if kind == "star" else ():
        if not one.tomogram or not is_name(one.tomogram):
            raise WriteProblem(
                path,
                f"was not written: a STAR file needs the tomogram's name, and {one.tomogram!r} is "
                "none that it can hold",
                "Give the tomogram, or rename it.",
            )


def _notes(
    kind: TomogramFormat, tables: Sequence[TomogramParticles], program: StarProgram
) -> tuple[str, ...]:
    notes = []
    particles = [one.particles for one in tables]
    has_scores = any(np.isfinite(p.scores).any() for p in particles)
    has_labels = any((p.labels != "unlabelled").any() for p in particles)
    missing = ["scores"] if has_scores and kind not in _WITH_SCORES else []
    missing += ["labels"] if has_labels and kind not in _WITH_LABELS else []
    if missing:
        notes.append(f"A .{kind} file has no place for {' and '.join(missing)}; they are left out.")
    had_rows = any(one.star is not None for one in tables)
    if kind == "star" and had_rows and kept_rows(tables, program) is None:
        notes.append(
            "Other columns of the STAR files, such as angles, were left out: they are kept only "
            "from one file, written for the same program."
        )
    elif kind != "star" and had_rows:
        notes.append("Other columns of the STAR file, such as angles, were left out.")
    if kind == "tbl" and len(tables) > 1:
        told = [f"{number} is {one.tomogram}" for number, one in enumerate(tables, 1)]
        more = len(told) - _MOST_NAMED
        ending = f" and so on, {len(told)} in all" if more > 0 else ""
        notes.append(f"Dynamo counts tomograms: {', '.join(told[:_MOST_NAMED])}{ending}.")
    return (*notes, *_outside(tables))


def _outside(tables: Sequence[TomogramParticles]) -> tuple[str, ...]:
    count = sum(int(np.count_nonzero(one.outside())) for one in tables)
    if not count:
        return ()
    names = [one.name for one in tables if one.outside().any()]
    told = ", ".join(names[:_MOST_NAMED])
    return (
        f"{told}: {count:,} particle{'s lie' if count > 1 else ' lies'} outside the tomogram. "
        "Check its shape, and whether they were picked on one of other voxels.",
    )
