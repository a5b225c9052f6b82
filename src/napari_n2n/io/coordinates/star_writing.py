"""RELION STAR files, written. The conventions are those of `napari_n2n.io.coordinates.star`.

RELION reads the *first* block of a file of positions, whatever its name (``metadata_table.cpp``),
and so does Topaz: there the picks come first. They say nothing of optics groups, so that RELION
takes those of its own micrographs, as with its own pickers' files. Only where the groups are known,
from another STAR file or as somebody said, a file of all micrographs has ``data_optics`` before
``data_particles``, as RELION 3.1 and later.

Rows that came from a STAR file are written as they stood there, with all their columns, but for
positions that were moved.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue
from napari_n2n.io.coordinates.columns import score_words
from napari_n2n.io.coordinates.model import PIXEL_SIZES, counts_rows_from_the_end
from napari_n2n.io.coordinates.optics import GROUP, OpticsGroups, described
from napari_n2n.io.coordinates.star import (
    CLASS_COMMENT,
    CLASSES,
    FIRST_FRAME,
    GIVER_COMMENT,
    HEIGHT,
    MICROGRAPHS,
    NO_SCORE,
    size_of,
)
from napari_n2n.io.outputs import sealed
from napari_n2n.io.star import StarTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles, Optics, StarRows

_X, _Y, _NAME, _CLASS = (
    "rlnCoordinateX",
    "rlnCoordinateY",
    "rlnMicrographName",
    "rlnClassNumber",
)
_SIZE = PIXEL_SIZES[0]
_VERSION = "# version 30001\n"
# px: what is lost by moving a position there and back.
_SAME_PX = 1e-6


def star_text(
    tables: Sequence[MicrographParticles], optics: Optics | None, *, single: bool = False
) -> str:
    """Write a STAR file.

    Parameters
    ----------
    tables
        As RELION reads them (`MicrographParticles.as_relion_reads`).
    optics
        How the microscope was set, for optics groups; None: those that the tables know, or none.
    single
        A file of positions of one micrograph, for RELION's import of coordinates.

    Raises
    ------
    BadValue
        Rows of several files do not fit together.
    """
    rows = [one.star for one in tables]
    if optics is None and all(one is not None for one in rows):
        return _with_rows(tables, [one for one in rows if one is not None], single=single)
    particles = StarTable.of(_particle_columns(tables))
    groups = None if single else _groups(tables, optics)
    # RELION takes the last version it saw before a block, so once is enough.
    head = f"{_VERSION}{CLASS_COMMENT}\n"
    if groups is None:
        blocks = [particles.text("" if single else "particles"), _beside(tables)]
    else:
        table, numbers = groups
        counts = [len(one.particles) for one in tables]
        words = [n for n, count in zip(numbers, counts, strict=True) for _ in range(count)]
        blocks = [table.text("optics"), particles.with_columns({GROUP: words}).text("particles")]
        blocks += [_beside(tables)] if any(map(_is_moved, tables)) else []
    givers = chain.from_iterable(one.particles.given_by.tolist() for one in tables)
    return sealed("".join([head, *blocks, _givers(givers)]))


def rows_do_not_fit(tables: Sequence[MicrographParticles]) -> tuple[str, ...]:
    """Say what of the rows of several STAR files is not written, as not all of them have it."""
    rows = [one.star for one in tables if one.star is not None]
    if not rows:
        return ()
    labels = {label: None for one in rows for label in one.table.labels}
    shared = [label for label in labels if all(label in one.table for one in rows)]
    left = [label for label in labels if label not in shared]
    if len(rows) < len(tables):
        return (
            "Not all particles came from STAR files, so only positions, scores and labels "
            "were written.",
        )
    said = ", ".join(left)
    return (f"Not all files have these columns, which were left out: {said}.",) if left else ()


def _groups(
    tables: Sequence[MicrographParticles], optics: Optics | None
) -> tuple[StarTable, list[str]] | None:
    """Return the optics groups, and which one each table has; None where they are not known."""
    if optics is not None:
        return described([one.pixel_size_angstrom for one in tables], optics)
    known = [one.optics_group for one in tables if one.optics_group]
    if len(known) < len(tables):
        return None
    groups = OpticsGroups()
    numbers = [groups.number_of(one) for one in known]
    return groups.table(), numbers


def _particle_columns(tables: Sequence[MicrographParticles]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {
        _X: [],
        _Y: [],
        "rlnAutopickFigureOfMerit": [],
        _CLASS: [],
        _NAME: [],
    }
    if not any(one.micrograph for one in tables):
        del columns[_NAME]
    for one in tables:
        p = one.particles
        # repr gives as few digits as bring back the same number.
        columns[_X] += map(repr, p.centres_px[:, 1].tolist())
        columns[_Y] += map(repr, p.centres_px[:, 0].tolist())
        columns["rlnAutopickFigureOfMerit"] += score_words(p, str(NO_SCORE))
        columns[_CLASS] += [str(CLASSES[label]) for label in p.labels]
        if _NAME in columns:
            columns[_NAME] += [one.micrograph] * len(p)
    return columns


def _givers(givers: Iterable[str]) -> str:
    runs = ", ".join(f"{len([*run])} {who}" for who, run in groupby(givers))
    return f"{GIVER_COMMENT}{runs}\n" if runs else ""


def _is_moved(one: MicrographParticles) -> bool:
    """Whether the file has to tell how particles come back to where they were found."""
    return one.is_tiff is None and (
        one.first_frame_shift_px is not None or counts_rows_from_the_end(one.micrograph)
    )


def _beside(tables: Sequence[MicrographParticles]) -> str:
    """Write what is known of the micrographs, in a block that RELION does not read."""
    columns: dict[str, list[str]] = {_NAME: [one.micrograph for one in tables]}
    sizes = [one.pixel_size_angstrom for one in tables]
    if any(size is not None for size in sizes):
        columns[_SIZE] = [repr(float(size or 0)) for size in sizes]
    if any(map(_is_moved, tables)):
        shifts = [one.first_frame_shift_px if _is_moved(one) else None for one in tables]
        for axis, label in enumerate(FIRST_FRAME):
            columns[label] = ["None" if one is None else repr(float(one[axis])) for one in shifts]
        heights = [one.shape[0] if _is_moved(one) and one.shape else 0 for one in tables]
        columns[HEIGHT] = [str(height) for height in heights]
    if len(columns) == 1:
        return ""
    return StarTable.of(columns).text(MICROGRAPHS)


def _with_rows(
    tables: Sequence[MicrographParticles], rows: Sequence[StarRows], *, single: bool
) -> str:
    """Write rows as they stood in other STAR files, and their optics groups."""
    labels = [label for label in rows[0].table.labels if all(label in one.table for one in rows)]
    ours = {one.labelled for one in rows if len(one) and _CLASS in labels}
    if len(ours) > 1:
        raise BadValue(
            "The class numbers are labels of this program in some of the files, and another "
            "program's classes in others. Convert the ones apart from the others."
        )
    groups = OpticsGroups()
    has_groups = not single and all(one.optics is not None and GROUP in one.table for one in rows)
    parts = []
    for one, row in zip(tables, rows, strict=True):
        left = [label for label in row.table.labels if label not in labels]
        part = _moved_rows(one, row.table.without([*left, *([] if has_groups else [GROUP])]))
        parts.append(_regrouped(one, row, part, groups) if has_groups and len(part) else part)
    files = {one.source: number for number, one in enumerate(reversed(rows))}
    placed = [
        (-files[one.source], place, line, giver)
        for table, one, part in zip(tables, rows, parts, strict=True)
        for place, line, giver in zip(
            one.places.tolist(), part.rows, table.particles.given_by.tolist(), strict=True
        )
    ]
    placed.sort(key=lambda row: row[:2])
    table = StarTable(parts[0].labels, tuple(line for _, _, line, _ in placed))
    by_us = ours == {True}
    text = rows[0].version + (f"{CLASS_COMMENT}\n" if by_us else "")
    # An old table with groups it does not describe would be one of RELION's own, cut in two.
    if has_groups and len(table):
        groups.add_rest(one.optics for one in rows if one.optics is not None)
        text += groups.table().text("optics") + "\n" + rows[0].version
    text += table.text("" if single else "particles")
    if not has_groups or any(map(_is_moved, tables)):
        text += _beside(tables)
    return text + (_givers(giver for *_, giver in placed) if by_us else "")


def _moved_rows(one: MicrographParticles, table: StarTable) -> StarTable:
    """Return rows with the positions and the name that their micrograph has now."""
    changed = {}
    for axis, label in ((1, _X), (0, _Y)):
        before, now = table.words(label), one.particles.centres_px[:, axis].tolist()
        changed[label] = [
            word if abs(float(word) - place) < _SAME_PX else repr(place)
            for word, place in zip(before, now, strict=True)
        ]
    if one.micrograph:
        changed[_NAME] = [one.micrograph] * len(table)
    return table.with_columns({**changed, **_sizes_of_rows(one, table)})


def _sizes_of_rows(one: MicrographParticles, table: StarTable) -> dict[str, list[str]]:
    """Return the column by which rows tell the pixel size, if that is another one by now."""
    told = size_of(table.row(0)) if len(table) else None
    size = one.pixel_size_angstrom
    if size is None or told is None or abs(told / size - 1) < 1e-9:
        return {}
    label = next((label for label in (*PIXEL_SIZES, "rlnPixelSize") if label in table), None)
    if label is not None:
        return {label: [repr(float(size))] * len(table)}
    detector = [float(word) * size / told for word in table.words("rlnDetectorPixelSize")]
    return {"rlnDetectorPixelSize": [repr(one) for one in detector]}


def _regrouped(
    one: MicrographParticles, rows: StarRows, table: StarTable, groups: OpticsGroups
) -> StarTable:
    """Return rows with the numbers that their optics groups have among those of all files."""
    assert rows.optics is not None
    known = {}
    for number in range(len(rows.optics)):
        group = rows.optics.row(number)
        known[group.get(GROUP, "")] = group
    numbers = {}
    for old in dict.fromkeys(table.words(GROUP)):
        if old not in known:
            raise BadValue(
                f"The optics group {old} of {one.micrograph or 'a micrograph'} is not described "
                "in its file. Correct the file."
            )
        numbers[old] = groups.number_of(_resized(known[old], one.pixel_size_angstrom))
    return table.with_columns({GROUP: [numbers[old] for old in table.words(GROUP)]})


def _resized(group: dict[str, str], pixel_size_angstrom: float | None) -> dict[str, str]:
    """Return a group with another pixel size of its micrographs, if they have one by now."""
    told = size_of(group)
    if pixel_size_angstrom is None or told is None or abs(told / pixel_size_angstrom - 1) < 1e-9:
        return group
    # That of the movie, where the micrograph has one of its own, is none of the micrograph's.
    label = next(label for label in PIXEL_SIZES if label in group)
    return {**group, label: repr(float(pixel_size_angstrom))}
