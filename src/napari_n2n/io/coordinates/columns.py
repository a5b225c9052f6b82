"""Tables with a header line: this program's CSV, others' CSV with x and y, and Topaz's text.

- **CSV**: ``micrograph,x_px,y_px,label,score,given_by``. Pixels of the micrograph as stored, x to
  the right, y from the first row on, the first pixel's centre at (0, 0); no pixel size. Written
  with all digits. ``x_px,y_px`` with other columns, and ``x,y`` alone, are read too.
- **Topaz**: tab-separated ``image_name  x_coord  y_coord [score]``; the image name has no
  extension. Whole pixels of the same origin, rows as stored (``topaz/utils/files.py``,
  ``conversions.py``); no pixel size and no labels. Topaz usually picks on micrographs it shrank:
  its positions are those of the shrunken ones unless it was told ``--up-scale``.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import (
    as_scores,
    by_micrograph,
    givers_of,
    numbers,
    parsing,
    positions,
    read_text,
)
from napari_n2n.io.particles import GIVERS, LABELS, Particles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.coordinates.model import MicrographParticles

HEADER = ("micrograph", "x_px", "y_px", "label", "score", "given_by")
_AXES = (("x_px", "y_px"), ("x_coord", "y_coord"), ("rlnCoordinateX", "rlnCoordinateY"))
_PLAIN_AXES = (("x", "y"), ("X", "Y"))
_NAMES = ("micrograph", "image_name", "micrograph_name", "rlnMicrographName")
_SCORES = ("score", "confidence", "rlnAutopickFigureOfMerit")
_OTHERS = ("label", "given_by")
_DELIMITERS = "\t,;"


class Layout(NamedTuple):
    """How a table is laid out: its delimiter, its column names, and which are the positions."""

    delimiter: str
    names: tuple[str, ...]
    x: str
    y: str


def layout_of(header: str) -> Layout | None:
    """Understand a header line; None if it is not one of a table of positions.

    ``x`` and ``y`` are common words: with columns beside them that say nothing of particles, the
    table is taken for something else.
    """
    for delimiter in _DELIMITERS:
        try:
            names = tuple(word.strip() for word in next(csv.reader([header], delimiter=delimiter)))
        except (csv.Error, StopIteration):
            continue
        for x, y in _AXES:
            if x in names and y in names:
                return Layout(delimiter, names, x, y)
        for x, y in _PLAIN_AXES:
            if {x, y} <= {*names} <= {x, y, *_NAMES, *_SCORES, *_OTHERS}:
                return Layout(delimiter, names, x, y)
    return None


def read_columns(path: Path) -> list[MicrographParticles]:
    """Read a CSV, or Topaz's text.

    Raises
    ------
    UnreadableFile
        When it is torn, has no columns of positions, or a value in it cannot be right.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    while len(lines) > 1 and lines[0].startswith("#"):
        del lines[0]
    layout = layout_of(lines[0])
    if layout is None:
        raise UnreadableFile(
            path,
            f"has no columns of positions; its first line is {lines[0][:60]!r}",
            "It needs a header line that names columns x_px and y_px (CSV), or image_name, "
            "x_coord and y_coord (Topaz).",
        )
    if "z_coord" in layout.names:
        raise UnreadableFile(
            path,
            "holds positions in a tomogram, and those in micrographs are wanted here",
            "napari-n2n convert reads them.",
        )
    with parsing(path, "a table"):
        rows = [row for row in csv.reader(lines[1:], delimiter=layout.delimiter) if row]
    for number, row in enumerate(rows, 1):
        if len(row) != len(layout.names):
            where = "its last line" if number == len(rows) else f"the line of particle {number}"
            raise UnreadableFile(
                path,
                f"is torn or damaged: {where} has {len(row)} values, its header "
                f"{len(layout.names)}",
                "Correct that line, or copy the file again.",
            )
    columns = dict(zip(layout.names, zip(*rows, strict=True), strict=True)) if rows else {}
    return _tables(path, layout, columns, len(rows))


def _tables(
    path: Path, layout: Layout, columns: dict[str, tuple[str, ...]], count: int
) -> list[MicrographParticles]:
    from napari_n2n.io.coordinates.model import MicrographParticles

    if not count:
        return [MicrographParticles(Particles.none())]

    def first(candidates: Sequence[str]) -> tuple[str, ...] | None:
        return next((columns[name] for name in candidates if name in columns), None)

    x, y = (numbers(path, columns[name], name) for name in (layout.x, layout.y))
    scores = first(_SCORES)
    labels = words_among(path, columns.get("label"), "label", LABELS, count)
    givers = givers_of(labels)
    if "given_by" in columns:
        pairs = zip(columns["given_by"], givers.tolist(), strict=True)
        givers = words_among(
            path, [said.strip() or by for said, by in pairs], "giver", GIVERS, count
        )
    names = first(_NAMES)
    particles = Particles(
        positions(path, x, y),
        labels,
        as_scores(path, numbers(path, scores, "score"))
        if scores is not None
        else np.full(count, np.nan, np.float32),
        givers,
    )
    return by_micrograph(path, names if names is not None else [""] * count, particles)


def words_among(
    path: Path, words: Sequence[str] | None, what: str, allowed: Sequence[str], count: int
) -> NDArray[np.str_]:
    """Check a column of words; empty ones are the first that is allowed.

    Raises
    ------
    UnreadableFile
        A word is none of those.
    """
    if words is None:
        return np.full(count, allowed[0])
    known = {"": allowed[0], **{word: word for word in allowed}}
    for row, word in enumerate(words, 1):
        if word.strip() not in known:
            raise UnreadableFile(
                path,
                f"gives particle {row} the {what} {word[:40]!r}",
                f"Use {', '.join(allowed)}.",
            )
    return np.array([known[word.strip()] for word in words])


def csv_text(tables: Sequence[MicrographParticles]) -> str:
    """Write this program's CSV."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    for one in tables:
        p = one.particles
        table.writerows(
            (one.micrograph, repr(x), repr(y), label, score, giver)
            for (y, x), label, score, giver in zip(
                p.centres_px.tolist(), p.labels, score_words(p, ""), p.given_by, strict=True
            )
        )
    return out.getvalue()


def topaz_text(tables: Sequence[MicrographParticles]) -> str:
    """Write Topaz's text; positions are rounded to whole pixels, as Topaz's own are."""
    scored = any(np.isfinite(one.particles.scores).any() for one in tables)
    lines = ["\t".join(("image_name", "x_coord", "y_coord", *(["score"] if scored else [])))]
    for one in tables:
        whole = np.rint(one.particles.centres_px).astype(int).tolist()
        scores = score_words(one.particles, "nan")
        for (y, x), score in zip(whole, scores, strict=True):
            lines.append("\t".join((one.stem, str(x), str(y), *([score] if scored else []))))
    return "\n".join(lines) + "\n"


def score_words(particles: Particles, missing: str) -> list[str]:
    """Write scores with as many digits as tell them apart, and `missing` for NaN."""
    return [missing if score != score else str(score) for score in particles.scores]
