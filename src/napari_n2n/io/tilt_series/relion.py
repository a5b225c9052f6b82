"""RELION 5's tilt series: ``tilt_series.star`` or ``tomograms.star``, and a STAR file each.

Sources: RELION 5 (``metadata_label.h``; ``tomogram_set.cpp``: the block ``global`` names a STAR
file of each series, in which the block has the tomogram's name; ``tomogram.cpp``,
``setProjectionMatrix``: to the specimen from its middle, voxel N // 2, are applied
Rx(rlnTomoXTilt), Ry(rlnTomoYTilt), Rz(rlnTomoZRot), all right-handed, the shift in Å, and it is
put into the middle, pixel N // 2, of the image). Sizes are in pixels that are not binned.
rlnMicrographName and, of the halves, rlnMicrographNameEven and Odd are one image each. rlnDefocusU
and V are in Å.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.coordinates.lists import folder_of_names
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.star import StarTable, blocks_of
from napari_n2n.io.tilt_series.model import AlignedSeries, TiltAlignment, TiltOptics, TiltView
from napari_n2n.io.volumes.lists import GLOBAL, NAME, NOTHING, WHOLE

if TYPE_CHECKING:
    from pathlib import Path

STARS = ("tomograms.star", "aligned_tilt_series.star", "tilt_series.star")
"""What RELION calls its lists of tilt series; later jobs' first."""
SERIES_FILE = "rlnTomoTiltSeriesStarFile"
IMAGE, ODD, EVEN = "rlnMicrographName", "rlnMicrographNameOdd", "rlnMicrographNameEven"
_X_TILT, _Y_TILT, _Z_ROT = "rlnTomoXTilt", "rlnTomoYTilt", "rlnTomoZRot"
_SHIFTS = ("rlnTomoXShiftAngst", "rlnTomoYShiftAngst")
_SIZES = ("rlnTomoSizeZ", "rlnTomoSizeY", "rlnTomoSizeX")
_ALIGN_FIRST = "Align the tilt series in RELION, and give the list that this job has written."


def lists_tilt_series(path: Path) -> bool:
    """Whether a file is there, and one of RELION's lists of tilt series."""
    with suppress(N2NError):
        return path.is_file() and _global(path) is not None
    return False


def read_relion(path: Path) -> tuple[list[AlignedSeries], list[N2NError]]:
    """Read all tilt series of a list, and why others are left out.

    Raises
    ------
    UnreadableFile
        The list is torn, damaged or none of tilt series.
    """
    table = _global(path)
    if table is None:
        raise UnreadableFile(path, f"lists no tilt series ({SERIES_FILE})", _ALIGN_FIRST)
    rows = [table.row(number) for number in range(len(table))]
    folder = folder_of_names(path, [row[SERIES_FILE] for row in rows])
    series: list[AlignedSeries] = []
    problems: list[N2NError] = []
    for row in rows:
        try:
            series.append(_series(row, folder))
        except N2NError as problem:
            problems.append(problem)
    return series, problems


def _global(path: Path) -> StarTable | None:
    with parsing(path, "a STAR file"):
        blocks = blocks_of(path, read_text(path))
    tables = [*([blocks[GLOBAL]] if GLOBAL in blocks else []), *blocks.values()]
    return next((table for table in tables if NAME in table and SERIES_FILE in table), None)


def _series(row: dict[str, str], folder: Path) -> AlignedSeries:
    path = folder / row[SERIES_FILE]
    with parsing(path, "RELION's tilt series"):
        blocks = blocks_of(path, read_text(path))
        table = blocks.get(row[NAME]) or next(iter(blocks.values()), StarTable(()))
        lacking = [label for label in (_Y_TILT, _Z_ROT, *_SHIFTS) if label not in table]
        if lacking or not len(table):
            raise UnreadableFile(
                path, f"is not aligned: it has no {lacking or 'row'}", _ALIGN_FIRST
            )
        size = float(row.get("rlnTomoTiltSeriesPixelSize", "nan"))
        if not is_plausible(size):
            raise UnreadableFile(
                path,
                "has no pixel size (rlnTomoTiltSeriesPixelSize) in the list",
                "Give the list that RELION has written.",
            )
        tilts = [table.row(number) for number in range(len(table))]
        views = tuple(_view(number, tilt, size) for number, tilt in enumerate(tilts))
        images = {
            label: _files(tilts, label, folder) if label in table else ()
            for label in (IMAGE, ODD, EVEN)
        }
        alignment = TiltAlignment(
            path,
            "RELION",
            views,
            count=len(views),
            size_px=_sizes(row),
            is_centred_on_pixel=True,
            optics=_optics(row),
            pixel_size_angstrom=size,
        )
    volume = row.get(WHOLE, "None")
    return AlignedSeries(
        row[NAME],
        alignment,
        full=images[IMAGE],
        odd=images[ODD],
        even=images[EVEN],
        volume=None if volume in NOTHING else folder / volume,
    )


def _files(tilts: list[dict[str, str]], label: str, folder: Path) -> tuple[str, ...]:
    files = []
    for tilt in tilts:
        number, at, name = tilt[label].rpartition("@")
        files.append(f"{number}{at}{folder / name}")
    return () if any(tilt[label] in NOTHING for tilt in tilts) else tuple(files)


def _view(number: int, tilt: dict[str, str], pixel_size: float) -> TiltView:
    turn = math.radians(float(tilt[_Z_ROT]))
    c, s = math.cos(turn), math.sin(turn)
    defocus = None
    with suppress(KeyError):
        defocus = 0.5 * (float(tilt["rlnDefocusU"]) + float(tilt["rlnDefocusV"]))
    return TiltView(
        number,
        float(tilt[_Y_TILT]),
        ((c, -s), (s, c)),
        (float(tilt[_SHIFTS[0]]) / pixel_size, float(tilt[_SHIFTS[1]]) / pixel_size),
        float(tilt.get(_X_TILT, 0)),
        defocus,
        float(tilt.get("rlnPhaseShift", 0)),
    )


def _sizes(row: dict[str, str]) -> tuple[int | None, int | None, int | None]:
    z, y, x = (int(float(row.get(label, 0))) for label in _SIZES)
    return (z if z > 0 else None, y if y > 0 else None, x if x > 0 else None)


def _optics(row: dict[str, str]) -> TiltOptics:
    usual = TiltOptics()
    return TiltOptics(
        float(row.get("rlnVoltage", usual.voltage_kv)),
        float(row.get("rlnSphericalAberration", usual.spherical_aberration_mm)),
        float(row.get("rlnAmplitudeContrast", usual.amplitude_contrast)),
    )
