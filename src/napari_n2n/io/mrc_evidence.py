"""What an MRC header tells of its sections: sections of a volume, tilts, or particles.

Sources: MRC2014 (space groups); IMOD's and SerialEM's documentation of the extended header (types
SERI, AGAR and the flags in nreal); mrcfile's ``dtypes.py`` for FEI1 and FEI2; RELION's ``rwMRC.h``,
whose volumes have space group 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.finding import stem_of
from napari_n2n.io.stack_kinds import Evidence, are_tilted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_LABELS = slice(224, 1024)
_EXTENDED_TYPE = slice(104, 108)
_SERIALEM_ITEMS = (2, 6, 4, 2, 2, 4)
"""Bytes of what a SerialEM header has of each section, by the bits of nreal."""
_LARGEST_BOX_PX = 640
"""No detector is as small as a particle's box."""
_REAL = (2, 12)
"""Modes of real numbers, which particles have; movies in files called so hold counts."""
_RECONSTRUCTED, _REPROJECTED = "tilt: tomographic reconstruction", "reproj"
_FEI_TILT_AT = 100
_AGARD_BYTES = 128


def mrc_evidence(
    head: bytes,
    order: str,
    path: Path,
    extended: Callable[[int], NDArray[np.uint8]],
) -> Evidence | None:
    """Return what a header tells of its sections, of which there are several.

    Parameters
    ----------
    head
        The first 1024 bytes.
    order
        Their byte order, ``"<"`` or ``">"``.
    path
        The file.
    extended
        Gives so many bytes of the extended header.
    """
    words = np.frombuffer(head, order + "i4")
    columns, rows, sections = (int(word) for word in words[:3])
    labels = head[_LABELS].decode("ascii", "replace")
    if _is_reconstruction(labels):
        return Evidence("volume", "its header: IMOD reconstructed it")
    if are_tilted(_angles(head, order, sections, extended)):
        return Evidence("tilt series", "the angles in its header")
    if "Tilt axis angle" in labels:
        return Evidence("tilt series", "its header's label")
    space_group, intervals = int(words[22]), int(words[9])
    if labels.startswith("Relion"):
        is_stack = path.name.lower().endswith(".mrcs") or intervals != sections
        return Evidence("images" if is_stack else "volume", "its header: RELION made it")
    if _is_called_images(path) and rows == columns <= _LARGEST_BOX_PX and words[3] in _REAL:
        return Evidence("images", "its name and its size")
    if space_group >= 401:
        return Evidence("volume", "its header")
    if space_group == 1 and intervals == sections:
        return Evidence("volume", "its header", is_sure=False)
    if intervals == sections == rows == columns and int(words[3]) in _REAL:
        return Evidence("volume", "its shape of a cube", is_sure=False)
    return None


def _is_called_images(path: Path) -> bool:
    """Whether RELION or cryoSPARC calls particles or class averages so."""
    stem = stem_of(path).lower()
    is_mrcs = path.name.lower().endswith((".mrcs", ".mrcs.gz", ".mrcs.bz2"))
    return is_mrcs or stem.endswith(("_particles", "_class_averages", "_templates"))


def _is_reconstruction(labels: str) -> bool:
    """Whether IMOD's ``tilt`` made it: it adds a label to those of the tilt series."""
    labels = labels.lower()
    return labels.rfind(_RECONSTRUCTED) > labels.rfind(_REPROJECTED)


def _angles(
    head: bytes, order: str, sections: int, extended: Callable[[int], NDArray[np.uint8]]
) -> NDArray[np.float64]:
    """Return the tilt angle (degrees) of every section; none where there are none."""
    none = np.empty(0)
    size = int(np.frombuffer(head, order + "i4", 1, 92)[0])
    per_section, flags = (int(word) for word in np.frombuffer(head, order + "i2", 2, 128))
    kind = head[_EXTENDED_TYPE]
    if kind[:3] == b"FEI":
        first = extended(min(size, 4))
        step = int(first.view(order + "i4")[0]) if first.size == 4 else 0
        start, type_ = _FEI_TILT_AT, "f8"
    elif per_section == 0 and flags == _AGARD_BYTES // 4:
        start, step, type_ = 0, _AGARD_BYTES, "f4"
    elif flags & 1 and _is_serialems(kind, per_section, flags):
        start, step, type_ = 0, per_section, "i2"
    else:
        return none
    length = np.dtype(type_).itemsize
    if step < start + length or step * sections > size:
        return none
    rows = extended(step * sections).reshape(sections, step)[:, start : start + length]
    angles = np.ascontiguousarray(rows).view(order + type_)[:, 0].astype(np.float64)
    return angles / 100 if type_ == "i2" else angles


def _is_serialems(kind: bytes, per_section: int, flags: int) -> bool:
    if kind == b"SERI":
        return True
    known = sum(size for bit, size in enumerate(_SERIALEM_ITEMS) if flags >> bit & 1)
    return 0 < per_section == known and flags < 1 << len(_SERIALEM_ITEMS)
