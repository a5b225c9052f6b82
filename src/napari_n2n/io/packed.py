"""Pixels of 4 bits, two a byte: how IMOD, SerialEM and RELION store the counts of K2 and K3.

A TIFF or an MRC of mode 0 that holds such bytes says nowhere that it does. All three programs know
it by the size in bytes, which is that of no other image (IMOD's ``sizeCanBe4BitK2SuperRes``,
RELION's ``rwTIFF.h``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZES_PX = ((7676, 7420), (7680, 7424), (11520, 8184))
"""Of super-resolution frames: K2, K2 with its border, K3."""


def _sizes_stored() -> frozenset[tuple[int, int]]:
    lying = {(a // 2, b) for long, short in _SIZES_PX for a, b in ((long, short), (short, long))}
    return frozenset(lying | {(rows, columns) for columns, rows in lying})


_STORED = _sizes_stored()

PACKED_NOTE = (
    "Its bytes are taken for two pixels of 4 bits each, as in IMOD and RELION: only "
    "super-resolution frames that are packed so have its size."
)


def is_size_of_packed(columns: int, rows: int) -> bool:
    """Whether an image of so many bytes is a K2's or K3's frame with two pixels a byte."""
    return (columns, rows) in _STORED


def unpack_4bit(packed: NDArray[Any], columns: int) -> NDArray[np.uint8]:
    """Unpack two pixels a byte, the left one in the low half (IMOD's and SerialEM's mode 101).

    Parameters
    ----------
    packed
        (y, (columns + 1) // 2) bytes: an odd row's last high half is padding.
    columns
        Width of the image.
    """
    pixels = np.empty((packed.shape[0], 2 * packed.shape[1]), np.uint8)
    np.bitwise_and(packed, 15, out=pixels[:, 0::2])
    np.right_shift(packed, 4, out=pixels[:, 1::2])
    return pixels[:, :columns]
