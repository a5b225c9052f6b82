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

**crYOLO.** A .cbox file has the corner of smallest x and y, ``_Width`` and ``_Height`` in px and
``_Confidence``, in the rows of the stored MRC (crYOLO turns it upside down and measures from the
lower left, ``imagereader.py`` and ``predict.py``). It holds all candidates down to a low one.
"""

from __future__ import annotations

import linecache
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.box import boxes_to_particles
from napari_n2n.io.coordinates.model import MicrographParticles
from napari_n2n.io.coordinates.text import (
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Block = dict[str, list[Any]]

CLASSES = {"intact": 1, "broken": 2, "contaminant": 3, "unlabelled": 4}
CLASS_COMMENT = "# napari-n2n: rlnClassNumber " + ", ".join(
    f"{number} {label}" for label, number in CLASSES.items()
)
GIVER_COMMENT = "# napari-n2n: given by "
NO_SCORE = -999.0

_X, _Y, _NAME = "rlnCoordinateX", "rlnCoordinateY", "rlnMicrographName"
_SCORE, _CLASS = "rlnAutopickFigureOfMerit", "rlnClassNumber"
_WORDS = [_NAME, _X, _Y, _SCORE, _CLASS, "rlnOpticsGroup", "rlnOpticsGroupName"]
_CBOX_WORDS = ["CoordinateX", "CoordinateY", "CoordinateZ", "Width", "Height", "Confidence"]


def read_star(path: Path) -> list[MicrographParticles]:
    """Read a RELION STAR file (any version) of particles or picks.

    Raises
    ------
    UnreadableFile
        When it is torn, damaged, or holds no positions in micrographs.
    """
    text = read_text(path)
    blocks = _blocks(path, text, _WORDS)
    block = _chosen(path, blocks, (_X, _Y), "rlnCoordinateX and rlnCoordinateY", "particles")
    count = len(block[_X])
    _refuse_depth(path, block.get("rlnCoordinateZ", []))
    x, y = (numbers(path, block[name], name) for name in (_X, _Y))
    scores = np.full(count, np.nan)
    if _SCORE in block:
        scores = numbers(path, block[_SCORE], _SCORE)
        scores[scores == NO_SCORE] = np.nan
    labels = _labels(path, text, block, count)
    givers = _givers(text, count)
    particles = Particles(
        positions(path, x, y),
        labels,
        as_scores(path, scores),
        givers if givers is not None else givers_of(labels),
    )
    optics = blocks.get("optics", {})
    if not count:
        return [MicrographParticles(particles, pixel_size_angstrom=_pixel_size(block, optics, 0))]
    names = [str(name) for name in block.get(_NAME, [""] * count)]
    return by_micrograph(
        path, names, particles, pixel_size_of=lambda row: _pixel_size(block, optics, row)
    )


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
    blocks = _blocks(path, read_text(path), _CBOX_WORDS)
    needed = ("CoordinateX", "CoordinateY", "Width", "Height")
    block = _chosen(path, blocks, needed, "CoordinateX, CoordinateY, Width and Height", "cryolo")
    _refuse_depth(path, block.get("CoordinateZ", []))
    x, y, width, height = (numbers(path, block[name], name) for name in needed)
    scores = np.empty(0, np.float32)
    if "Confidence" in block:
        scores = as_scores(path, numbers(path, block["Confidence"], "Confidence"))
    return boxes_to_particles(path, x, y, width, height, scores, pixel_size_angstrom)


def _blocks(path: Path, text: str, words: list[str]) -> dict[str, Block]:
    """Parse all blocks; columns named in `words` stay the words they are.

    starfile 0.5 reads lines through `linecache`, which would give it those of a file that was
    here before if reading that one failed; and it takes a line that ends early for one of NaN.
    """
    import starfile

    _refuse_ragged(path, text)
    linecache.cache.pop(str(path), None)
    with parsing(path, "a STAR file"):
        parsed = starfile.read(path, always_dict=True, parse_as_string=words)
        blocks: dict[str, Block] = {}
        for name, block in parsed.items():
            if block is None:
                continue
            if isinstance(block, dict):  # a block of one particle may be a list of its values
                blocks[name] = {key: [value] for key, value in block.items()}
                continue
            if len({*block.columns}) < len(block.columns):
                raise UnreadableFile(path, "names a column twice", COPY_AGAIN)
            blocks[name] = {key: block[key].tolist() for key in block.columns}
    return blocks


def _refuse_ragged(path: Path, text: str) -> None:
    """Refuse loops whose lines do not have a value for each column.

    Raises
    ------
    UnreadableFile
        At the first such line.
    """
    columns = row = 0
    in_loop = False
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, 1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        if content.startswith("data_"):
            words = len(content.split())
            if in_loop and words > 1 and words == columns:
                raise UnreadableFile(
                    path,
                    f"has a micrograph whose name starts with data_ in line {number}, which in "
                    "a STAR file starts a block",
                    "Put another column first, or the micrograph's folder before its name.",
                )
            in_loop = False
        elif content.startswith("loop_"):
            in_loop, columns, row = True, 0, 0
        elif in_loop and not row and content.startswith("_"):
            columns += 1
        elif in_loop:
            row += 1
            words = len(content.split())
            if words != columns and '"' not in line and "'" not in line:
                what = "torn: its last line" if number == len(lines) else f"damaged: line {number}"
                raise UnreadableFile(path, f"is {what} has {words} of {columns} values", COPY_AGAIN)


def _chosen(
    path: Path, blocks: Mapping[str, Block], needed: Sequence[str], called: str, favourite: str
) -> Block:
    """Find the block that has all columns that are needed."""
    for name in (favourite, *blocks):
        if name in blocks and all(column in blocks[name] for column in needed):
            return blocks[name]
    columns = {column for block in blocks.values() for column in block}
    if "rlnMicrographCoordinates" in columns:
        fault, remedy = "is a list of coordinate files", "Open the files it names."
    elif not blocks:
        fault, remedy = "holds no data block, so it is no STAR file", COPY_AGAIN
    else:
        missing = " and ".join(column for column in needed if column not in columns)
        fault = f"holds no particles: it has no {missing or 'block with all positions'}"
        remedy = f"Give a STAR file of picks or particles, with {called}."
    raise UnreadableFile(path, fault, remedy)


def _refuse_depth(path: Path, depths: Sequence[Any]) -> None:
    if len({str(depth) for depth in depths}) > 1:
        raise UnreadableFile(
            path, "holds positions in a tomogram", "Only those in micrographs can be read."
        )


def _labels(path: Path, text: str, block: Block, count: int) -> NDArray[np.str_]:
    if CLASS_COMMENT not in text or _CLASS not in block:
        return np.full(count, "unlabelled")
    known = {number: label for label, number in CLASSES.items()}
    numbered = numbers(path, block[_CLASS], _CLASS)
    for row, number in enumerate(numbered.tolist(), 1):
        if number not in known:
            raise UnreadableFile(
                path,
                f"has class {number:g} for particle {row}; its comment names 1 to 4 only",
                "Delete the comment to read all particles as unlabelled.",
            )
    return np.array([known[number] for number in numbered.tolist()], dtype="U11")


def _givers(text: str, count: int) -> NDArray[np.str_] | None:
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


def _pixel_size(block: Block, optics: Block, row: int) -> float | None:
    """Find the pixel size (Å) of the micrograph of the particle in a row."""

    def said(by: Block, row: int) -> dict[str, Any]:
        return {name: by[name][row] for name in _SIZES if name in by}

    groups = [str(group) for group in optics.get("rlnOpticsGroup", [])]
    own: dict[str, Any] = {}
    group = groups[0] if len(groups) == 1 else ""
    if row < len(block[_X]):
        own = said(block, row)
        group = str(block["rlnOpticsGroup"][row]) if "rlnOpticsGroup" in block else group
    known = said(optics, groups.index(group)) if group in groups else {}
    return _size_of({**known, **own})


def _size_of(row: Mapping[str, Any]) -> float | None:
    def number(name: str) -> float:
        try:
            return float(row.get(name, np.nan))
        except (TypeError, ValueError):
            return float("nan")

    image = number("rlnImagePixelSize")
    extracted = "rlnImageName" in row or np.isfinite(image)
    candidates = [number("rlnMicrographPixelSize")]
    original = number("rlnMicrographOriginalPixelSize")
    if not extracted or abs(original - image) < 1e-3:
        candidates.append(original)
    if not extracted:
        candidates.append(number("rlnPixelSize"))
        magnification = number("rlnMagnification")
        if magnification > 0:  # the detector's pixels are given in µm
            candidates.append(number("rlnDetectorPixelSize") * 1e4 / magnification)
    for size in candidates:
        accepted, _ = judge_pixel_size(size, size)
        if accepted is not None:
            return accepted
    return None
