"""The MRC header of a volume that is written, made of that of the volume it was made from.

What a program does not understand it does not change: start indices, origin, cell, space group,
labels, the words that IMOD and others keep, and the extended header stay as they were, in the byte
order that they were written in. Only what describes the new voxels is put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from napari_n2n.io.mrc import MrcSource, RunningStatistics, build_header
from napari_n2n.io.mrc_header import (
    HEADER_BYTES,
    IMOD_PACKED_BYTES,
    IMOD_SIGNED_BYTES,
    IMOD_STAMP,
)
from napari_n2n.io.outputs import MRC_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_n2n.io.volumes.model import Volume, Zyx

_LABEL_BYTES, _MOST_LABELS, _FIRST_LABEL = 80, 10, 224
_STAMPS = {"<": b"DD\x00\x00", ">": b"\x11\x11\x00\x00"}


@dataclass(frozen=True)
class MrcTemplate:
    """What the header of a new volume is made of.

    Attributes
    ----------
    shape
        (z, y, x) of the new volume.
    dtype
        Of its voxels, in the byte order of the file.
    head
        1024 bytes to begin with.
    extended
        What comes between them and the voxels.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    head: bytes
    extended: bytes

    @classmethod
    def of(
        cls,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        like: Volume | None,
        voxel_size_angstrom: float | None,
        labels: Sequence[str],
    ) -> MrcTemplate:
        """Make one of a volume, or of nothing.

        An MRC file's header is kept; where the new volume has another shape, without the extended
        one, which tells of sections. Of volumes of other formats voxel size and origin are.
        """
        source = None if like is None else like.source
        if not isinstance(source, MrcSource):
            origin = (0.0, 0.0, 0.0) if like is None else like.origin_angstrom
            head = _new_header(shape, dtype, voxel_size_angstrom, origin)
            return cls(shape, dtype.newbyteorder("<"), _labelled(head, "<", (), labels), b"")
        head = source.head
        order: Literal["<", ">"] = ">" if source.header.byte_order == ">" else "<"
        is_same = shape == source.shape
        before = _labels_of(head, order)
        if not is_same or voxel_size_angstrom != source.pixel_size_angstrom:
            head = _with_cell(head, order, shape, voxel_size_angstrom)
        extended = source.extended_header().tobytes() if is_same else b""
        head = _described(head, order, shape, dtype, len(extended))
        head = _labelled(head, order, before, labels)
        return cls(shape, dtype.newbyteorder(order), head, extended)

    def header(self, statistics: tuple[float, float, float, float]) -> bytes:
        """Return the finished header; of statistics as `build_header` takes them."""
        head = bytearray(self.head)
        order = ">" if self.head[212] == 0x11 else "<"
        floats = np.frombuffer(head, order + "f4")
        floats[19:22] = statistics[:3]
        floats[54] = statistics[3]
        return bytes(head)


class MrcSink:
    """An MRC file that is being written; its header comes last, as it tells of the voxels."""

    def __init__(self, file: BinaryIO, template: MrcTemplate) -> None:
        self._file = file
        self._template = template
        self._statistics = RunningStatistics()
        file.write(bytes(HEADER_BYTES) + template.extended)

    def write(self, section: NDArray[Any]) -> None:
        """Take the next section (y, x)."""
        self._statistics.add(section)
        stored = np.ascontiguousarray(section, self._template.dtype)
        self._file.write(stored.reshape(-1).view(np.uint8).data)

    def close(self) -> None:
        """Write the header."""
        self._file.seek(0)
        self._file.write(self._template.header(self._statistics.values()))


def _new_header(
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    voxel_size_angstrom: float | None,
    origin: Zyx,
) -> bytes:
    """Make the header of a volume: space group 1, as many intervals as voxels (MRC2014)."""
    z, y, x = origin
    head = build_header(shape, dtype, voxel_size_angstrom, (0, 0, 0, 0), (x, y, z))
    words = np.frombuffer(changed := bytearray(head), "<i4")
    words[22] = 1
    return _with_cell(bytes(changed), "<", shape, voxel_size_angstrom)


def _with_cell(
    head: bytes, order: str, shape: tuple[int, int, int], voxel_size_angstrom: float | None
) -> bytes:
    """Put in how large the cell is, (z, y, x) voxels, Å; zero says that it is unknown."""
    changed = bytearray(head)
    size = voxel_size_angstrom or 0.0
    np.frombuffer(changed, order + "i4")[7:10] = shape[::-1]
    np.frombuffer(changed, order + "f4")[10:13] = [side * size for side in shape[::-1]]
    return bytes(changed)


def _described(
    head: bytes, order: str, shape: tuple[int, int, int], dtype: np.dtype[Any], extended: int
) -> bytes:
    """Put in what kind of voxels follow, and where."""
    changed = bytearray(head)
    words = np.frombuffer(changed, order + "i4")
    new = np.frombuffer(build_header(shape, dtype, None, (0, 0, 0, 0)), "<i4")
    words[0:4] = new[0:4]
    words[23] = extended
    if dtype.itemsize == 1:
        words[38:40] = new[38:40]
    elif int(words[38]) == IMOD_STAMP:
        words[39] &= ~(IMOD_SIGNED_BYTES | IMOD_PACKED_BYTES)
    # Files from before 2000 have no such stamps, and what their later words say nobody knows.
    changed[208:212], changed[212:216] = b"MAP ", _STAMPS[order]
    return bytes(changed)


def _labels_of(head: bytes, order: str) -> list[bytes]:
    """Return the labels as they stand there, whatever bytes they are."""
    count = int(np.frombuffer(head, order + "i4", 1, 220)[0])
    starts = range(_FIRST_LABEL, HEADER_BYTES, _LABEL_BYTES)[: max(0, count)]
    return [head[start : start + _LABEL_BYTES].rstrip(b" \0") for start in starts]


def _labelled(head: bytes, order: str, before: Sequence[bytes], more: Sequence[str]) -> bytes:
    """Put in labels: those there were, ours behind them; of too many the second ones go.

    The first one mostly tells where the images came from.
    """
    own = [label.encode("ascii", "replace") for label in (*more, MRC_LABEL)]
    texts = [label for label in before if label and label not in own]
    room = _MOST_LABELS - len(own)
    if len(texts) > room:
        texts = [texts[0], *texts[len(texts) - room + 1 :]]
    changed = bytearray(head)
    changed[_FIRST_LABEL:HEADER_BYTES] = bytes(HEADER_BYTES - _FIRST_LABEL)
    for number, text in enumerate([*texts, *own]):
        start = _FIRST_LABEL + number * _LABEL_BYTES
        changed[start : start + _LABEL_BYTES] = text[:_LABEL_BYTES].ljust(_LABEL_BYTES)
    np.frombuffer(changed, order + "i4")[55] = len(texts) + len(own)
    return bytes(changed)
