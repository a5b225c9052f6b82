"""Dynamo's tables, ``.tbl``: a particle a line, at least 26 columns of numbers.

Of columns counted from 1: 1 the particle's number, 10 its correlation, 20 the tomogram's number,
24 to 26 x, y, z in voxels (https://www.dynamo-em.org, "Table convention"), which Matlab counts
from 1: the centre of the first voxel is (1, 1, 1). What an alignment shifted (columns 4 to 6) is
left alone, as for RELION. There are no names and no labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import as_scores, numbers, read_text
from napari_n2n.io.coordinates.tomograms.text import by_tomogram, places
from napari_n2n.io.particles import Particles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_n2n.io.coordinates.tomograms.model import TomogramParticles

_COLUMNS = 35
_TAG, _ALIGNED, _SCORE, _TOMOGRAM, _X, _Y, _Z = 0, 1, 9, 19, 23, 24, 25
_LEAST = _Z + 1
_FIRST_VOXEL = 1.0


def looks_like_table(line: str) -> bool:
    """Whether a line could be one of a Dynamo table."""
    words = line.split()
    try:
        return len(words) >= _LEAST and bool([float(word) for word in words[:_LEAST]])
    except ValueError:
        return False


def read_tbl(path: Path) -> list[TomogramParticles]:
    """Read a Dynamo table; tomograms are called by their numbers, where there are several.

    Raises
    ------
    UnreadableFile
        When it is torn, or no such table.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    rows = [line.split() for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]) or not looks_like_table(lines[number - 1]):
            raise UnreadableFile(
                path,
                f"is no Dynamo table, or torn: line {number} has {len(row)} values",
                f"Each line needs at least {_LEAST} numbers, as many as the others.",
            )
    columns = [*zip(*rows, strict=True)]

    def column(place: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return numbers(path, columns[place], f"column {place + 1}")

    centres = places(path, column(_Z), column(_Y), column(_X)) - _FIRST_VOXEL
    scores = as_scores(path, column(_SCORE))
    if not scores.any():  # zeros where nothing was measured
        scores = np.full(len(scores), np.nan, np.float32)
    tomograms = [f"{number:g}" for number in column(_TOMOGRAM)]
    if len({*tomograms}) == 1:
        tomograms = [""] * len(tomograms)
    return by_tomogram(tomograms, Particles(centres, scores=scores))


def tbl_text(tables: Sequence[TomogramParticles]) -> str:
    """Write a Dynamo table; tomograms are numbered from 1 in their order."""
    lines: list[str] = []
    for number, one in enumerate(tables, 1):
        places_xyz = (one.particles.centres_px + _FIRST_VOXEL)[:, ::-1].tolist()
        for (x, y, z), score in zip(places_xyz, one.particles.scores.tolist(), strict=True):
            words = ["0"] * _COLUMNS
            words[_TAG] = str(len(lines) + 1)
            words[_ALIGNED] = "1"
            words[_SCORE] = "0" if score != score else repr(score)
            words[_TOMOGRAM] = str(number)
            words[_X], words[_Y], words[_Z] = map(repr, (x, y, z))
            lines.append(" ".join(words))
    return "".join(f"{line}\n" for line in lines)
