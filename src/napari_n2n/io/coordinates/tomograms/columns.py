"""Tables of positions in tomograms with a header line: CSV, and Topaz's text.

``tomogram,x_px,y_px,z_px,label,score,given_by`` is this program's: voxels from 0, written with all
digits. ``x_angstrom,y_angstrom,z_angstrom`` are Å from the middle of the first voxel, as of the
truth that comes with simulated tomograms. Topaz's columns are ``image_name``, ``x_coord``,
``y_coord``, ``z_coord``, in voxels from 0; ``x,y,z`` alone are taken so, too.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.columns import score_words, words_among
from napari_n2n.io.coordinates.text import as_scores, givers_of, numbers, parsing, read_text
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.coordinates.tomograms.text import by_tomogram, places
from napari_n2n.io.particles import GIVERS, LABELS, Particles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADER = ("tomogram", "x_px", "y_px", "z_px", "label", "score", "given_by")
_AXES = (("x_px", "y_px", "z_px"), ("x_coord", "y_coord", "z_coord"), ("x", "y", "z"))
_ANGSTROM = ("x_angstrom", "y_angstrom", "z_angstrom")
_NAMES = ("tomogram", "micrograph", "image_name", "run_name", "rlnTomoName")
_SCORES = ("score", "confidence")


class TomogramLayout(NamedTuple):
    """How a table is laid out: its delimiter, its columns, and which are x, y and z."""

    delimiter: str
    names: tuple[str, ...]
    axes: tuple[str, str, str]


def layout_of(header: str) -> TomogramLayout | None:
    """Understand a header line; None if it is not one of positions in tomograms."""
    for delimiter in "\t,;":
        try:
            names = tuple(word.strip() for word in next(csv.reader([header], delimiter=delimiter)))
        except (csv.Error, StopIteration):
            continue
        for axes in (*_AXES, _ANGSTROM):
            if {*axes} <= {*names}:
                return TomogramLayout(delimiter, names, axes)
    return None


def read_columns(path: Path) -> list[TomogramParticles]:
    """Read a table.

    Raises
    ------
    UnreadableFile
        When it is torn, or a value in it cannot be right.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip() and line[0] != "#"]
    layout = layout_of(lines[0]) if lines else None
    if layout is None:
        raise UnreadableFile(
            path, "has no columns of positions", "It needs columns x_px, y_px and z_px."
        )
    with parsing(path, "a table"):
        rows = [row for row in csv.reader(lines[1:], delimiter=layout.delimiter) if row]
    for number, row in enumerate(rows, 1):
        if len(row) != len(layout.names):
            raise UnreadableFile(
                path,
                f"is torn or damaged: the line of particle {number} has {len(row)} values, its "
                f"header {len(layout.names)}",
                "Correct that line, or copy the file again.",
            )
    origin = "corner" if layout.axes == _ANGSTROM else None
    if not rows:
        return [TomogramParticles(Particles.none(3))]
    columns = dict(zip(layout.names, zip(*rows, strict=True), strict=True))
    names = next((columns[name] for name in _NAMES if name in columns), ("",) * len(rows))
    return [
        TomogramParticles(one.particles, one.tomogram, angstrom_from="corner") if origin else one
        for one in by_tomogram(names, _particles(path, layout, columns))
    ]


def _particles(
    path: Path, layout: TomogramLayout, columns: dict[str, tuple[str, ...]]
) -> Particles:
    x, y, z = (numbers(path, columns[name], name) for name in layout.axes)
    count = len(x)
    scores = next((columns[name] for name in _SCORES if name in columns), None)
    labels = words_among(path, columns.get("label"), "label", LABELS, count)
    givers = givers_of(labels)
    if "given_by" in columns:
        pairs = zip(columns["given_by"], givers.tolist(), strict=True)
        said = [word.strip() or by for word, by in pairs]
        givers = words_among(path, said, "giver", GIVERS, count)
    known = np.full(count, np.nan) if scores is None else numbers(path, scores, "score")
    return Particles(places(path, z, y, x), labels, as_scores(path, known), givers)


def csv_text(tables: Sequence[TomogramParticles]) -> str:
    """Write this program's CSV."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    for one in tables:
        p = one.particles
        table.writerows(
            (one.tomogram, repr(x), repr(y), repr(z), label, score, giver)
            for (z, y, x), label, score, giver in zip(
                p.centres_px.tolist(), p.labels, score_words(p, ""), p.given_by, strict=True
            )
        )
    return out.getvalue()
