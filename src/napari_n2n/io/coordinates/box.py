"""EMAN's .box files, and crYOLO's .cbox files of old, which have no header.

A line for each box: ``x  y  width  height`` in px, x and y those of the box's corner of smallest
x and y, then sometimes a fifth value. EMAN calls it the lower left corner, because it shows the
first row of an MRC at the bottom (EMAN wiki, "Other Miscellaneous Files"; crYOLO turns MRCs upside
down for the same reason), so y counts the rows as they are stored. The centre is the corner plus
half the box, as in RELION (``preprocessing.cpp``), Topaz and crYOLO. No pixel size, no labels.

Whole pixels are written: RELION and Topaz read nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.model import MicrographParticles
from napari_n2n.io.coordinates.text import as_scores, numbers, positions, read_text
from napari_n2n.io.particles import Particles

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def looks_like_boxes(line: str) -> bool:
    """Whether a line could be one of a .box file."""
    words = line.split()
    try:
        return 4 <= len(words) <= 7 and bool(np.isfinite([float(word) for word in words[:4]]).all())
    except ValueError:
        return False


def read_box(path: Path, *, pixel_size_angstrom: float | None = None) -> MicrographParticles:
    """Read an EMAN .box file, or a .cbox file without a header.

    Parameters
    ----------
    pixel_size_angstrom
        Å, of the micrograph. It turns the box size into a length.

    Raises
    ------
    UnreadableFile
        When it is torn, holds helices, or a value in it cannot be right.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip() and line[0] != "#"]
    rows = [line.split() for line in lines]
    wanted = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, 1):
        if len(row) != wanted or not looks_like_boxes(lines[number - 1]):
            raise UnreadableFile(
                path,
                f"is no .box file, or torn: box {number} is {lines[number - 1][:40]!r}",
                "Each line needs x, y, width and height of a box.",
            )
    if not rows:
        return MicrographParticles(Particles.none(), pixel_size_angstrom=pixel_size_angstrom)
    columns = list(zip(*rows, strict=True))
    x, y, width, height = (
        numbers(path, column, what)
        for column, what in zip(columns, ("x", "y", "width", "height"), strict=False)
    )
    fifth = numbers(path, columns[4], "fifth value") if len(columns) > 4 else None
    if fifth is not None and {-1.0, -2.0} <= {*fifth.tolist()}:
        raise UnreadableFile(
            path, "holds helices, not single particles", "Export the segments as single boxes."
        )
    # EMAN's fifth value is a mode, a whole number; crYOLO's is its confidence.
    scored = fifth is not None and bool((fifth != np.rint(fifth)).any())
    scores = as_scores(path, fifth) if scored and fifth is not None else np.empty(0, np.float32)
    return boxes_to_particles(path, x, y, width, height, scores, pixel_size_angstrom)


def boxes_to_particles(
    path: Path,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    width: NDArray[np.float64],
    height: NDArray[np.float64],
    scores: NDArray[np.float32],
    pixel_size_angstrom: float | None,
) -> MicrographParticles:
    """Convert corners and sizes of boxes, (n,) px each, to centres.

    Raises
    ------
    UnreadableFile
        When a box has no size, or a position cannot be right.
    """
    bad = ~((width > 0) & (height > 0) & np.isfinite(width) & np.isfinite(height))
    if bad.any():
        row = int(np.argmax(bad))
        raise UnreadableFile(
            path,
            f"gives box {row + 1} a size of {width[row]:g} × {height[row]:g} px",
            "Write it again with the size of the boxes, or leave that box out.",
        )
    centres = positions(path, x + width / 2, y + height / 2)
    diameter = None
    if pixel_size_angstrom is not None and len(centres):
        diameter = float(np.median((width + height) / 2)) * pixel_size_angstrom
    return MicrographParticles(
        Particles(centres, scores=scores),
        pixel_size_angstrom=pixel_size_angstrom,
        diameter_angstrom=diameter,
    )


def box_text(table: MicrographParticles, box_size_px: int) -> str:
    """Write an EMAN .box file; corners are rounded to whole pixels."""
    corners = np.rint(table.particles.centres_px - box_size_px / 2).astype(int)
    return "".join(f"{x}\t{y}\t{box_size_px}\t{box_size_px}\n" for y, x in corners.tolist())
