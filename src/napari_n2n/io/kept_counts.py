"""Counts of a movie kept in memory after they were decoded once, in two or four bits a pixel.

Rendering a frame of an EER movie decodes millions of events. Of single electrons in frames of about
1 e/Å² hardly any pixel has more than two or, where pixels are large, more than fourteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.sources import FrameSource

_MOST_BESIDE = 16
"""A frame is kept where at most one pixel in so many does not fit; others are decoded again."""
_BYTE = np.arange(256, dtype=np.uint32)
_QUARTERS = [(_BYTE >> 2 * place & 3) << 8 * place for place in range(4)]
_HALVES = [(_BYTE >> 4 * place & 15) << 8 * place for place in range(2)]
_UNPACKED: dict[int, NDArray[Any]] = {
    2: np.bitwise_or.reduce(_QUARTERS).astype("<u4"),
    4: np.bitwise_or.reduce(_HALVES).astype("<u2"),
}
"""The pixels of every byte, by the bits a pixel has, as the bytes of a number."""


@dataclass(frozen=True, eq=False)
class PackedCounts:
    """Counts of a frame, (y, x), in few bits.

    Attributes
    ----------
    packed
        The pixels row by row, the first in a byte's lowest bits.
    beside
        In their order, the counts that do not fit; all bits of theirs are set.
    bits
        Of a pixel.
    shape, dtype
        Of the counts.
    """

    packed: NDArray[np.uint8]
    beside: NDArray[Any]
    bits: Literal[2, 4]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, counts: NDArray[Any]) -> PackedCounts | None:
        """Pack counts (y, x) of unsigned integers; None where they do not fit."""
        flat = np.ascontiguousarray(counts).reshape(-1)
        for bits in (2, 4):
            most = 2**bits - 1
            is_beside = flat >= most
            if np.count_nonzero(is_beside) * _MOST_BESIDE <= flat.size:
                return cls(_packed(flat, bits), flat[is_beside], bits, counts.shape, counts.dtype)
        return None

    def unpacked(self) -> NDArray[Any]:
        """Give the counts again, (y, x)."""
        size = self.shape[0] * self.shape[1]
        pixels = _UNPACKED[self.bits][self.packed].view(np.uint8)[:size]
        counts: NDArray[Any] = pixels.astype(self.dtype)
        if self.beside.size:
            counts[pixels == 2**self.bits - 1] = self.beside
        return counts.reshape(self.shape)


def _packed(flat: NDArray[Any], bits: Literal[2, 4]) -> NDArray[np.uint8]:
    low = np.zeros(-(-flat.size // 4) * 4, np.uint8)
    np.minimum(flat, 2**bits - 1, out=low[: flat.size], casting="unsafe")
    if bits == 4:
        pairs = low.view("<u2")
        pairs |= pairs >> 4
        return pairs.astype(np.uint8)
    fours = low.view("<u4")
    # Two pixels into each half of a word, then the halves into a byte.
    fours |= fours >> 6
    fours |= fours >> 12
    return fours.astype(np.uint8)


class KeptCounts:
    """The frames of a source, decoded when they are first read and unpacked from then on.

    Parameters
    ----------
    source
        Frames of unsigned integers.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._kept: dict[int, PackedCounts] = {}
        self.format = source.format
        self.row_order = source.row_order
        self.shape = source.shape
        self.dtype = source.dtype
        self.pixel_size_angstrom = source.pixel_size_angstrom
        self.dose_per_frame = source.dose_per_frame
        self.kind = source.kind
        self.is_rgb = source.is_rgb
        self.notes = source.notes

    def read(self, index: int) -> NDArray[Any]:
        """Give frame `index` as stored, shape (y, x).

        Raises
        ------
        UnreadableFile
            When it is decoded and its events are damaged.
        """
        kept = self._kept.get(index)
        if kept is not None:
            return kept.unpacked()
        counts = self._source.read(index)
        packed = PackedCounts.of(counts)
        if packed is not None:
            self._kept[index] = packed
        return counts
