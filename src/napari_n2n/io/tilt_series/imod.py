"""IMOD's alignment: ``.xf``, ``.tlt``, ``tilt.com``, and its ``.defocus``.

Sources, all of IMOD:

- ``.xf`` (manual of *xfmodel* and *newstack*): a line an image, A11 A12 A21 A22 DX DY, which bring
  a pixel of the raw image, from its middle, to the aligned one. Here the way back is wanted.
- ``tilt.adoc``, ``tilt.f90``: xp = x cos β + y sin α sin β + z cos α sin β, yp = y cos α - z sin α,
  with sin β = -sin(tilt + OFFSET) and sin α = -sin(xtilt - XAXISTILT); THICKNESS, FULLIMAGE, SHIFT
  and OFFSET are in pixels that are not binned, views of EXCLUDELIST2 are numbered from 1. Its
  output has the axes x, z, y; *trimvol -rx* turns that into x, y, z and z round. (With z turned
  round the two formulas become those of `napari_n2n.io.tilt_series.model`, α being xtilt -
  XAXISTILT.)
- ``newst.com``: SizeToOutputInXandY is the size of the aligned images.
- ``.defocus`` (``defocusfinder.cpp``, manual of *ctfphaseflip*): first and last view, from 1, the
  lowest and highest tilt, defocus in nm; in version 3 with a line of flags before, and a second
  defocus, an azimuth and a phase shift where the flags say so.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.limits import COPY_AGAIN
from napari_n2n.io.tilt_series.model import TiltAlignment, TiltOptics, TiltView

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LOCAL = (
    "The alignment has local shifts, which are not applied here: far from the middle the volume "
    "is less sharp than IMOD's."
)
_ASTIGMATISM, _PHASE, _PHASE_RADIANS = 1, 4, 8
_VERSION_WITH_FLAGS = 3


def read_imod(
    xf: Path, tilts: Path, com: Path | None = None, newst: Path | None = None
) -> TiltAlignment:
    """Read an alignment of IMOD.

    Parameters
    ----------
    xf, tilts
        The transforms and the angles (``.tlt``, else ``.rawtlt``).
    com, newst
        ``tilt.com`` and ``newst.com``, where they are.

    Raises
    ------
    UnreadableFile
        One of them is torn or damaged, or they are of different numbers of images.
    """
    transforms = _numbers(xf, 6)
    angles = _numbers(tilts, 1)[:, 0]
    if len(transforms) != len(angles):
        raise UnreadableFile(
            xf,
            f"has {len(transforms)} transforms, but {tilts.name} {len(angles)} angles",
            "Check that both are of one tilt series.",
        )
    settings = {} if com is None else settings_of(com)
    with parsing(com or xf, "settings of tilt"):
        offset, axis = [*_floats(settings.get("OFFSET", "0")), 0.0][:2]
        x_tilts = _x_tilts(com, settings, len(angles))
        views = tuple(
            _view(number, transform - [0, 0, 0, 0, axis, 0], float(angle) + offset, x_tilt)
            for number, (transform, angle, x_tilt) in enumerate(
                zip(transforms, angles, x_tilts, strict=True)
            )
            if number + 1 not in _excluded(settings, len(angles))
        )
        if not views:
            raise UnreadableFile(com or xf, "leaves out all images", "Check its list of views.")
        shift = [*_floats(settings.get("SHIFT", "0 0")), 0.0]
        thickness = int(float(settings["THICKNESS"])) if "THICKNESS" in settings else None
        return TiltAlignment(
            xf,
            "IMOD",
            views,
            count=len(angles),
            size_px=(thickness, *_aligned_size(settings, newst, views[0])),
            # Turned round with z.
            volume_shift_px=(-shift[1], shift[0] + axis),
            notes=(_LOCAL,) if _has_local(com, settings) else (),
        )


def settings_of(com: Path) -> dict[str, str]:
    """Return the entries of one of IMOD's command files by their names.

    Raises
    ------
    UnreadableFile
        It is no text.
    """
    found: dict[str, str] = {}
    for line in read_text(com).splitlines():
        if line.strip() and line[0] not in "#$":
            name, _, value = line.strip().partition(" ")
            name, _, more = name.partition("\t")
            value = f"{more} {value}".strip()
            # Several lists of views are one.
            key = {"EXCLUDE": "EXCLUDELIST2", "EXCLUDELIST": "EXCLUDELIST2"}.get(name, name)
            joins = key in ("EXCLUDELIST2", "INCLUDE") and key in found
            found[key] = f"{found[key]},{value}" if joins else value
    return found


def with_defocus(alignment: TiltAlignment, path: Path, optics: TiltOptics) -> TiltAlignment:
    """Return an alignment with the defoci that ctfplotter has found.

    Raises
    ------
    UnreadableFile
        It is torn or damaged.
    """
    with parsing(path, "a table of defoci"):
        lines = [_floats(line) for line in read_text(path).splitlines() if line.strip()]
        flags = 0
        if len(lines[0]) == 6 and lines[0][-1] >= _VERSION_WITH_FLAGS and not lines[0][1]:
            flags, lines = int(lines[0][0]), lines[1:]
        middles = np.array([0.5 * (line[0] + line[1]) - 1 for line in lines])
        both = bool(flags & _ASTIGMATISM)
        defoci = [0.5 * (line[4] + line[5]) if both else line[4] for line in lines]
        phases = [line[7 if both else 5] if flags & _PHASE else 0.0 for line in lines]
        if flags & _PHASE_RADIANS:
            phases = [math.degrees(phase) for phase in phases]
        views = []
        for view in alignment.views:
            nearest = int(np.abs(middles - view.number).argmin())
            views.append(
                replace(
                    view,
                    defocus_angstrom=10 * defoci[nearest],
                    phase_shift_degree=phases[nearest],
                )
            )
    return replace(alignment, views=tuple(views), optics=optics)


def optics_of(com: Path | None, otherwise: TiltOptics) -> TiltOptics:
    """Return the microscope of ``ctfplotter.com`` or ``ctfcorrection.com``.

    Raises
    ------
    UnreadableFile
        It is damaged.
    """
    if com is None:
        return otherwise
    with parsing(com, "settings of ctfplotter"):
        settings = settings_of(com)
        return TiltOptics(
            float(settings.get("Voltage", otherwise.voltage_kv)),
            float(settings.get("SphericalAberration", otherwise.spherical_aberration_mm)),
            float(settings.get("AmplitudeContrast", otherwise.amplitude_contrast)),
        )


def _view(number: int, transform: NDArray[np.float64], angle: float, x_tilt: float) -> TiltView:
    a = transform[:4].reshape(2, 2)
    back = np.linalg.inv(a)
    shift = -back @ transform[4:]
    (p, q), (r, s) = back.tolist()
    return TiltView(number, angle, ((p, q), (r, s)), (float(shift[0]), float(shift[1])), x_tilt)


def _aligned_size(
    settings: dict[str, str], newst: Path | None, view: TiltView
) -> tuple[int | None, int | None]:
    """Return (y, x) of the aligned images."""
    made = {} if newst is None else settings_of(newst)
    binning = max(1, int(float(made.get("BinByFactor") or 1)))
    output = _floats(made.get("SizeToOutputInXandY", ""))
    x, y = (int(value) * binning for value in [*output, 0, 0][:2])
    if x > 0 and y > 0:
        return y, x
    full = _floats(settings.get("FULLIMAGE", ""))
    if len(full) < 2:
        return None, None
    width, height = int(full[0]), int(full[1])
    return (width, height) if view.is_on_its_side else (height, width)


def _x_tilts(com: Path | None, settings: dict[str, str], count: int) -> list[float]:
    whole = float(settings.get("XAXISTILT", "0") or 0)
    single = [0.0] * count
    if com is not None and "XTILTFILE" in settings:
        listed = com.parent / settings["XTILTFILE"]
        if listed.is_file():
            single = [float(row[0]) for row in _numbers(listed, 1)]
    if len(single) != count:
        single = [0.0] * count
    return [one - whole for one in single]


def _has_local(com: Path | None, settings: dict[str, str]) -> bool:
    # AreTomo names the .xf as LOCALFILE, which holds none.
    named = settings.get("LOCALFILE", "")
    is_one = bool(named) and not named.endswith(".xf")
    return com is not None and is_one and (com.parent / named).is_file()


def _excluded(settings: dict[str, str], count: int) -> set[int]:
    """Return the views that are left out, from 1."""
    included = _numbered(settings.get("INCLUDE", ""))
    excluded = _numbered(settings.get("EXCLUDELIST2", ""))
    return excluded | (set(range(1, count + 1)) - included if included else set())


def _numbered(text: str) -> set[int]:
    """Understand ``1-3,7 9``."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _numbers(path: Path, columns: int) -> NDArray[np.float64]:
    """Read a table of numbers, (row, column)."""
    with parsing(path, "a table of numbers"):
        rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
        if columns == 1:  # as many in a line as anybody likes
            rows = [[word] for row in rows for word in row]
        torn = next((n for n, row in enumerate(rows, 1) if len(row) != columns), None)
        if torn is not None:
            raise UnreadableFile(
                path,
                f"is torn: line {torn} has {len(rows[torn - 1])} of {columns} values",
                COPY_AGAIN,
            )
        numbers = np.array(rows, np.float64)
        if numbers.size == 0 or not np.isfinite(numbers).all():
            raise UnreadableFile(path, "is damaged: it holds no numbers", COPY_AGAIN)
        return numbers


def _floats(text: str) -> list[float]:
    return [float(word) for word in text.replace(",", " ").split()]
