"""SerialEM's ``.mdoc`` of a tilt series: pixel size and voltage.

Source: SerialEM's documentation of ``.mdoc`` files: ``PixelSpacing`` in Å, ``Voltage`` in kV.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import read_text
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.io.tilt_series.model import TiltAlignment

_VOLTAGES = (60.0, 1000.0)


def with_mdoc(alignment: TiltAlignment, path: Path | None) -> TiltAlignment:
    """Return an alignment with what an ``.mdoc`` knows of the microscope, where it can be read."""
    if path is None:
        return alignment
    with suppress(UnreadableFile, ValueError):
        text = read_text(path)
        voltage = _number(text, "Voltage")
        if voltage is not None and _VOLTAGES[0] <= voltage <= _VOLTAGES[1]:
            optics = replace(alignment.optics, voltage_kv=voltage)
            alignment = replace(alignment, optics=optics)
        size = _number(text, "PixelSpacing")
        if size is not None and is_plausible(size):
            alignment = replace(alignment, likely_pixel_size_angstrom=size)
    return alignment


def _number(text: str, name: str) -> float | None:
    found = re.search(rf"^{name}\s*=\s*(\S+)", text, re.MULTILINE)
    return float(found[1]) if found else None
