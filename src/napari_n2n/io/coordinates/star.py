"""RELION's STAR files of particles and picks, and crYOLO's .cbox files, which are STAR files.

**RELION.** ``rlnCoordinateX`` and ``rlnCoordinateY`` are px of the micrograph: x to the right, y
from the first row as RELION has it in memory, which for an MRC is the first row stored; the first
pixel's centre is (0, 0). (``preprocessing.cpp`` cuts windows of pixels ``x - size/2`` to
``x + size/2 - 1``, whose centre RELION counts as pixel ``size/2``; it drops fractions.) The pixel
size is that of the micrograph, not of extracted images, which may be rescaled:
``rlnMicrographPixelSize``, or ``rlnMicrographOriginalPixelSize`` (of the movie) or
``rlnPixelSize`` or ``rlnDetectorPixelSize`` / ``rlnMagnification`` where nothing says that the
images were rescaled. ``rlnOriginX/Y``, what a refinement shifted, is left alone. A figure of merit
of -999 is RELION's and crYOLO's "none".

**Labels** are written as ``rlnClassNumber`` (RELION's manual picking knows 1 to 6): 1 intact,
2 broken, 3 contaminant, 4 unlabelled, said in a comment. Elsewhere that number is a template or a
2D class, so without the comment all are unlabelled. A second comment, at the end of the file,
keeps who gave them.

**TIFF.** RELION reverses the rows of every TIFF as it reads it, so positions on a micrograph called
``.tif`` or ``.tiff`` count the rows from the last one stored.

**Other frames.** RELION's sums of a movie lie where the specimen was in the first frame, this
program's in the middle one. Positions that were moved there, and the height of a TIFF, are told in
a block behind the picks, ``data_micrographs``, by which they come back as they were.

**crYOLO.** A .cbox file has the corner of smallest x and y, ``_Width`` and ``_Height`` in px and
``_Confidence``, in the rows of the stored MRC (crYOLO turns it upside down and measures from the
lower left, ``imagereader.py`` and ``predict.py``). It holds all candidates down to a low one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.box import boxes_to_particles
from napari_n2n.io.coordinates.model import MicrographParticles, StarRows, counts_rows_from_the_end
from napari_n2n.io.coordinates.text import (
    MOST_PX,
    as_scores,
    by_micrograph,
    givers_of,
    numbers,
    parsing,
    positions,
    read_text,
)
from napari_n2n.io.limits import COPY_AGAIN
from napari_n2n.io.particles import GIVERS, Particles
from napari_n2n.io.pixel_size import judge_pixel_size
from napari_n2n.io.star import StarTable, blocks_of, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = {"intact": 1, "broken": 2, "contaminant": 3, "unlabelled": 4}
CLASS_COMMENT = "# napari-n2n: rlnClassNumber " + ", ".join(
    f"{number} {label}" for label, number in CLASSES.items()
)
GIVER_COMMENT = "# napari-n2n: given by "
NO_SCORE = -999.0

MICROGRAPHS = "micrographs"
"""The block in which files of this program tell of micrographs; RELION reads the first one only."""
FIRST_FRAME = ("napariN2nFirstFrameShiftY", "napariN2nFirstFrameShiftX")
HEIGHT = "napariN2nHeight"

_X, _Y, _NAME = "rlnCoordinateX", "rlnCoordinateY", "rlnMicrographName"
_SCORE, _CLASS = "rlnAutopickFigureOfMerit", "rlnClassNumber"
_MOTION = "rlnMicrographMovieName"
_GROUP = "rlnOpticsGroup"


def read_star(path: Path) -> list[MicrographParticles]:
    """Read a RELION STAR file (any version) of particles or picks.

    Raises
    ------
    UnreadableFile
        When it is torn, damaged, or holds no positions in micrographs.
    """
    text = read_text(path)
    with parsing(path, "a STAR file"):
        blocks = blocks_of(path, text)
    if "general" in blocks and _MOTION in blocks["general"]:
        raise UnreadableFile(
            path,
            "tells how one movie was aligned (its hot pixels, its shifts) and holds no particles",
            "Give a STAR file of picks or particles.",
        )
    table = _chosen(path, blocks, (_X, _Y), "rlnCoordinateX and rlnCoordinateY", "particles")
    if "rlnCoordinateZ" in table:
        _refuse_depth(path, table.words("rlnCoordinateZ"))
    optics = blocks.get("optics")
    labelled = CLASS_COMMENT in text and _CLASS in table
    rows = StarRows(table, optics, version_of(text), labelled, str(path))
    particles = _particles(path, text, rows)
    told = _Told(table, optics, blocks.get(MICROGRAPHS))
    if not len(table):
        name = told.only_name
        found = [MicrographParticles(particles, name, told.pixel_size(0, name))]
    else:
        names = table.words(_NAME) if _NAME in table else [told.only_name] * len(table)
        found = by_micrograph(
            path,
            names,
            particles,
            pixel_size_of=lambda row: told.pixel_size(row, names[row]),
            star=rows,
        )
    return [_as_stored(one, told) for one in found]


def _particles(path: Path, text: str, rows: StarRows) -> Particles:
    table = rows.table
    count = len(table)
    x, y = (numbers(path, table.words(label), label) for label in (_X, _Y))
    scores = np.full(count, np.nan)
    if _SCORE in table:
        scores = numbers(path, table.words(_SCORE), _SCORE)
        scores[scores == NO_SCORE] = np.nan
    labels = labels_of_classes(path, table) if rows.labelled else np.full(count, "unlabelled")
    givers = givers_in(text, count)
    return Particles(
        positions(path, x, y),
        labels,
        as_scores(path, scores),
        givers if givers is not None else givers_of(labels),
    )


def _as_stored(one: MicrographParticles, told: _Told) -> MicrographParticles:
    """Bring positions that RELION shall use on its own micrographs back to where they were found.

    Those on a TIFF count its rows from the other end, and stay so where its height is not known.
    """
    shift = told.first_frame_shift_px(one.micrograph)
    if counts_rows_from_the_end(one.micrograph):
        height = told.height(one.micrograph)
        one = replace(one, rows_reversed=True)
        one = one if height is None else one.with_stored_rows(height)
    return one if shift is None or one.rows_reversed else one.moved(shift, forwards=False)


def read_cbox(path: Path, *, pixel_size_angstrom: float | None = None) -> MicrographParticles:
    """Read a crYOLO .cbox file.

    Parameters
    ----------
    pixel_size_angstrom
        Å, of the micrograph. It turns the box size into a length.

    Raises
    ------
    UnreadableFile
        When it is torn, damaged, or of a tomogram.
    """
    with parsing(path, "a .cbox file"):
        blocks = blocks_of(path, read_text(path))
    needed = ("CoordinateX", "CoordinateY", "Width", "Height")
    table = _chosen(path, blocks, needed, "CoordinateX, CoordinateY, Width and Height", "cryolo")
    if "CoordinateZ" in table:
        _refuse_depth(path, table.words("CoordinateZ"))
    x, y, width, height = (numbers(path, table.words(label), label) for label in needed)
    scores = np.empty(0, np.float32)
    if "Confidence" in table:
        scores = as_scores(path, numbers(path, table.words("Confidence"), "Confidence"))
    return boxes_to_particles(path, x, y, width, height, scores, pixel_size_angstrom)


def _chosen(
    path: Path,
    blocks: Mapping[str, StarTable],
    needed: Sequence[str],
    called: str,
    favourite: str,
) -> StarTable:
    """Find the block that has all columns that are needed."""
    for name in (favourite, *blocks):
        if name in blocks and all(column in blocks[name] for column in needed):
            return blocks[name]
    columns = {label for block in blocks.values() for label in block.labels}
    if "rlnMicrographCoordinates" in columns:
        fault, remedy = "lists coordinate files and holds none", "Open the files it names."
    elif not blocks:
        fault, remedy = "holds no data block, so it is no STAR file", COPY_AGAIN
    else:
        missing = " and ".join(column for column in needed if column not in columns)
        fault = f"holds no particles: it has no {missing or 'block with all positions'}"
        remedy = f"Give a STAR file of picks or particles, with {called}."
    raise UnreadableFile(path, fault, remedy)


def _refuse_depth(path: Path, depths: Sequence[str]) -> None:
    if len({*depths}) > 1:
        raise UnreadableFile(
            path,
            "holds positions in a tomogram, and those in micrographs are wanted here",
            "napari-n2n convert reads them.",
        )


def labels_of_classes(path: Path, table: StarTable) -> NDArray[np.str_]:
    """Return the labels that this program wrote as class numbers.

    Raises
    ------
    UnreadableFile
        A number stands for none.
    """
    known = {number: label for label, number in CLASSES.items()}
    numbered = numbers(path, table.words(_CLASS), _CLASS)
    for row, number in enumerate(numbered.tolist(), 1):
        if number not in known:
            raise UnreadableFile(
                path,
                f"has class {number:g} for particle {row}; its comment names 1 to 4 only",
                "Delete the comment to read all particles as unlabelled.",
            )
    return np.array([known[number] for number in numbered.tolist()], dtype="U11")


def givers_in(text: str, count: int) -> NDArray[np.str_] | None:
    """Read the comment that tells who gave the labels, if it still fits the particles."""
    match = re.search(rf"^{GIVER_COMMENT}(.*)$", text, re.MULTILINE)
    if match is None:
        return None
    runs = re.findall(r"(\d{1,9}) (\w+)", match[1])
    if sum(int(n) for n, _ in runs) != count or any(who not in GIVERS for _, who in runs):
        return None
    return np.repeat([who for _, who in runs], [int(n) for n, _ in runs]) if runs else None


_SIZES = (
    "rlnMicrographPixelSize",
    "rlnMicrographOriginalPixelSize",
    "rlnPixelSize",
    "rlnImagePixelSize",
    "rlnDetectorPixelSize",
    "rlnMagnification",
    "rlnImageName",
)


class _Told:
    """What a file tells of its micrographs, in their rows, their optics groups and beside them."""

    def __init__(
        self, table: StarTable, optics: StarTable | None, micrographs: StarTable | None
    ) -> None:
        self._own = {label: table.words(label) for label in _SIZES if label in table}
        self._groups = table.words(_GROUP) if _GROUP in table else []
        rows = [] if optics is None else [optics.row(number) for number in range(len(optics))]
        self._optics = {row.get(_GROUP, ""): row for row in rows}
        rows = []
        if micrographs is not None and micrographs is not table:
            rows = [micrographs.row(number) for number in range(len(micrographs))]
        self._micrographs = {row.get(_NAME, ""): row for row in rows}

    @property
    def only_name(self) -> str:
        """The name of the micrograph, if the file is about one; else empty."""
        return next(iter(self._micrographs)) if len(self._micrographs) == 1 else ""

    def pixel_size(self, row: int, name: str) -> float | None:
        """Find the pixel size (Å) of the micrograph of the particle in a row."""
        own = {label: words[row] for label, words in self._own.items() if row < len(words)}
        group = self._groups[row] if row < len(self._groups) else ""
        if not group and len(self._optics) == 1:
            (group,) = self._optics
        beside = self._micrographs.get(name, {})
        return size_of({**beside, **self._optics.get(group, {}), **own})

    def first_frame_shift_px(self, name: str) -> tuple[float, float] | None:
        """(y, x) by which this program moved the particles of a micrograph to the first frame."""
        y, x = (_number(self._micrographs.get(name, {}), label) for label in FIRST_FRAME)
        return (y, x) if np.isfinite(y) and np.isfinite(x) else None

    def height(self, name: str) -> int | None:
        """Of the micrograph, px."""
        height = _number(self._micrographs.get(name, {}), HEIGHT)
        return int(height) if 1 <= height < MOST_PX else None


def _number(row: Mapping[str, str], label: str) -> float:
    try:
        return float(row.get(label, np.nan))
    except (TypeError, ValueError):
        return float("nan")


def size_of(row: Mapping[str, str]) -> float | None:
    """Return the pixel size (Å) of the micrograph that a row tells by whichever labels it has."""
    image = _number(row, "rlnImagePixelSize")
    extracted = "rlnImageName" in row or np.isfinite(image)
    candidates = [_number(row, "rlnMicrographPixelSize")]
    original = _number(row, "rlnMicrographOriginalPixelSize")
    if not extracted or abs(original - image) < 1e-3:
        candidates.append(original)
    if not extracted:
        candidates.append(_number(row, "rlnPixelSize"))
        magnification = _number(row, "rlnMagnification")
        if magnification > 0:  # the detector's pixels are given in µm
            candidates.append(_number(row, "rlnDetectorPixelSize") * 1e4 / magnification)
    for size in candidates:
        accepted, _ = judge_pixel_size(size, size)
        if accepted is not None:
            return accepted
    return None
