"""AreTomo's alignment, ``.aln``, and its defocus, ``_CTF.txt``.

Sources: AreTomo3.

- ``CSaveAlignFile.cpp``: raw size, dark frames, thickness in pixels, then of each image SEC ROT
  GMAG TX TY SMEAN SFIT SCALE BASE TILT.
- ``GCorrPatchShift.cu``: a pixel of the aligned image, from its middle, is turned by ROT, then TX,
  TY are added, and that is where it lies in the raw image.
- ``CCorrectUtil.cpp``: where the axis lies nearer to x, the aligned image has width and height of
  the raw one exchanged.
- ``CAreTomoMain.cpp``, ``CAtInput.cpp``: the volume is by 300 pixels thicker than the specimen
  unless something else is asked for.
- ``CLoadAlignFile.cpp``: SEC counts from 1, in older files and in AreTomo2's from 0.
- ``GBackProjWbp.cu``: u = x cos θ + z sin θ; then z is turned round "to match IMOD handedness"
  (``CDoWbpRecon.cpp``), and ``-FlipVol 1``, which makes xyz of xzy, turns it back
  (``CTiltSeries::FlipVol``): so in an xyz volume it is as here.

RELION 5 reads the same files so (``align_tiltseries_runner.cpp``: ROT, TX, TY and TILT as they
are).
``_CTF.txt`` (``CSaveCtfResults.cpp``) has a line an image, in order of the tilt: number, two
defoci in Å, azimuth, phase shift in radians.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.limits import COPY_AGAIN
from napari_n2n.io.tilt_series.model import TiltAlignment, TiltView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COLUMNS = 10
_THICKER_PX = 300
_LOCAL = (
    "The alignment has local shifts, which are not applied here: far from the middle the volume "
    "is less sharp than AreTomo's."
)


def read_aln(path: Path) -> TiltAlignment:
    """Read an alignment of AreTomo2 or 3.

    Raises
    ------
    UnreadableFile
        It is torn, damaged or no such file.
    """
    with parsing(path, "an alignment of AreTomo"):
        text = read_text(path)
        raw = _header(text, "RawSize")
        if raw is None:
            raise UnreadableFile(
                path, "is no alignment of AreTomo: it has no RawSize", "Give AreTomo's .aln."
            )
        width, height, count = (int(word) for word in raw.split()[:3])
        dark = [
            int(found[1])
            for found in re.finditer(r"^#\s*DarkFrame\s*=\s*\d+\s+(\d+)", text, re.MULTILINE)
        ]
        rows = _rows(path, text.partition("# Local Alignment")[0])
        if len(rows) + len(dark) != count:
            raise UnreadableFile(
                path, f"is torn: it has {len(rows) + len(dark)} of {count} images", COPY_AGAIN
            )
        sections = [int(row[0]) for row in rows]
        first = 0 if 0 in (*sections, *dark) else 1
        views = tuple(
            _view(section - first, row) for section, row in zip(sections, rows, strict=True)
        )
        if not all(0 <= view.number < count for view in views):
            raise UnreadableFile(path, "is damaged: it names images that are not there", COPY_AGAIN)
        depth = _depth(_header(text, "Thickness"))
        has_local = int(_header(text, "NumPatches") or 0) > 0
    if views[0].is_on_its_side:
        width, height = height, width
    return TiltAlignment(
        path,
        "AreTomo",
        views,
        count=count,
        size_px=(depth, height, width),
        notes=(_LOCAL,) if has_local else (),
    )


def with_ctf(alignment: TiltAlignment, path: Path) -> TiltAlignment:
    """Return an alignment with the defoci of ``_CTF.txt``, AreTomo's or ctffind's.

    Raises
    ------
    UnreadableFile
        It is torn or damaged, or is of another number of images.
    """
    with parsing(path, "a table of defoci"):
        lines = [line.split() for line in read_text(path).splitlines()]
        rows = [[float(word) for word in line[:5]] for line in lines if line and line[0][0] != "#"]
        order = sorted(alignment.views, key=lambda view: view.angle_degree)
        if alignment.count == len(rows) != len(order):
            # With images that were left out; then they are in the order of the stack.
            chosen = [rows[view.number] for view in order]
        elif len(rows) == len(order):
            chosen = rows
        else:
            raise UnreadableFile(
                path,
                f"has the defoci of {len(rows)} images, but {alignment.path.name} is of "
                f"{len(order)}",
                "Check that both are of one tilt series.",
            )
        of = {
            view.number: (0.5 * (row[1] + row[2]), math.degrees(row[4]))
            for view, row in zip(order, chosen, strict=True)
        }
    views = tuple(
        replace(view, defocus_angstrom=of[view.number][0], phase_shift_degree=of[view.number][1])
        for view in alignment.views
    )
    return replace(alignment, views=views)


def _header(text: str, name: str) -> str | None:
    found = re.search(rf"^#\s*{name}\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found else None


def _depth(thickness: str | None) -> int | None:
    """Return how deep AreTomo makes a volume of a specimen whose thickness it has found."""
    return int(thickness) + _THICKER_PX if thickness and int(thickness) > 0 else None


def _rows(path: Path, text: str) -> list[list[float]]:
    lines = [line.split() for line in text.splitlines()]
    rows = [line for line in lines if line and not line[0].startswith("#")]
    for row in rows:
        if len(row) < _COLUMNS:
            raise UnreadableFile(
                path, f"is torn: a line has {len(row)} of {_COLUMNS} values", COPY_AGAIN
            )
    numbers = [[float(word) for word in row[:_COLUMNS]] for row in rows]
    if not numbers or not all(math.isfinite(value) for row in numbers for value in row):
        raise UnreadableFile(path, "is damaged: it holds no alignment", COPY_AGAIN)
    return numbers


def _view(number: int, row: Sequence[float]) -> TiltView:
    turn = math.radians(row[1])
    c, s = math.cos(turn), math.sin(turn)
    return TiltView(number, row[9], ((c, -s), (s, c)), (row[3], row[4]))
