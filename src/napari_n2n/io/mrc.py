"""Reading and writing MRC and MRCS files, plain or compressed with gzip or bzip2."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.compressed import SequentialReader
from napari_n2n.io.limits import (
    COPY_AGAIN,
    open_binary,
    require_justified,
)
from napari_n2n.io.mrc_evidence import mrc_evidence
from napari_n2n.io.mrc_header import HEADER_BYTES, MrcHeader, parse_header
from napari_n2n.io.outputs import MRC_LABEL, labels_in
from napari_n2n.io.packed import PACKED_NOTE, unpack_4bit
from napari_n2n.io.pixel_size import placeholder_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_n2n.io.sources import ImageKind, RowOrder
    from napari_n2n.io.stack_kinds import Evidence

_STRIP_PX = 1 << 17
_SAMPLE_BYTES = 1 << 18
_SIGN_UNKNOWN = (
    "The header does not say whether its bytes are signed. By their values they are taken for "
    "{}: if bright and dark look torn apart, save the file with 16 bits a pixel."
)
_MODES = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6, "float16": 12}


class MrcSource:
    """The sections of an MRC file, read one at a time.

    Parameters
    ----------
    path
        The file; the pixels stay on the disk.
    head
        Its first bytes, decompressed: the header.
    stored_bytes
        Size of the file as it is stored.
    codec
        ``"deflate"`` (gzip) or ``"bzip2"``; None: it is not compressed.

    Raises
    ------
    UnreadableFile
        When the header is damaged, or promises more than the file holds.
    """

    row_order: RowOrder = "mrc"
    dose_per_frame: float | None = None
    is_rgb = False

    def __init__(
        self, path: Path, head: bytes, stored_bytes: int, codec: str | None = None
    ) -> None:
        self._path = path
        self._compressed = None if codec is None else SequentialReader(path, codec)
        self.header: MrcHeader = parse_header(head, path)
        self.format = "MRC" + {None: "", "deflate": " (gzip)", "bzip2": " (bzip2)"}[codec]
        self.shape = self.header.shape
        self.dtype = np.dtype(self.header.dtype)
        self.pixel_size_angstrom = self.header.pixel_size_angstrom
        self.kind: ImageKind = "movie" if self.shape[0] > 1 else "micrograph"
        self.head = head
        self.labels = labels_in(head)
        self.notes = self.header.notes + placeholder_notes(
            self.pixel_size_angstrom, self.shape[1:], self.labels
        )
        if self.header.packed_by_size:
            self.notes += (PACKED_NOTE,)
        if codec is None:
            self._require_complete(stored_bytes)
        else:
            require_justified(path, self.header.total_bytes, stored_bytes, codec)
        if not self.header.knows_sign:
            self._judge_sign()

    @property
    def evidence(self) -> Evidence | None:
        """What the header tells of several sections."""
        return mrc_evidence(self.head, self.header.byte_order, self._path, self.extended_header)

    @property
    def origin_angstrom(self) -> tuple[float, float, float]:
        """Where the header says that the first voxel lies, (z, y, x) in Å; 0 for what is absurd."""
        z, y, x = np.frombuffer(self.head, self.header.byte_order + "f4", 3, 196).tolist()[::-1]
        return (z, y, x) if math.isfinite(x + y + z) else (0.0, 0.0, 0.0)

    @property
    def section_distance_angstrom(self) -> float | None:
        """Cell height / grid intervals (MRC2014), Å; of stacks, whose interval is one, of all."""
        intervals = int(np.frombuffer(self.head, self.header.byte_order + "i4", 1, 36)[0])
        height = float(np.frombuffer(self.head, self.header.byte_order + "f4", 1, 48)[0])
        if not (intervals > 0 and 0 < height < math.inf):
            return None
        alone, shared = height, height / max(intervals, self.shape[0])
        size = self.pixel_size_angstrom
        is_stack = intervals == 1 and size is not None and abs(alone / size - 1) < 0.01
        return alone if is_stack else shared

    def extended_header(self, size: int | None = None) -> NDArray[np.uint8]:
        """Give the extended header, or its first bytes.

        Raises
        ------
        UnreadableFile
            When the file is no longer what it was.
        """
        there = self.header.offset - HEADER_BYTES
        size = there if size is None else min(size, there)
        return self._bytes(HEADER_BYTES, size, "the extended header")

    def _judge_sign(self) -> None:
        """Take bytes of unknown sign for what spreads less: read wrongly, they wrap around."""
        header = self.header
        what = "the first section"
        # From its middle, as borders may be blank.
        size = min(_SAMPLE_BYTES, header.section_bytes)
        sample = self._bytes(header.offset + (header.section_bytes - size) // 2, size, what)
        signed = float(sample.view(np.int8).std()) < 0.99 * float(sample.std())
        if not (sample > 127).any():
            return  # it is all the same
        self.dtype = np.dtype(np.int8 if signed else np.uint8)
        self.header = replace(header, dtype=self.dtype)
        self.notes += (_SIGN_UNKNOWN.format("signed" if signed else "unsigned"),)

    def _require_complete(self, stored_bytes: int) -> None:
        header = self.header
        missing = header.total_bytes - stored_bytes
        if missing > 0:
            there = max(0, stored_bytes - header.offset) // header.section_bytes
            raise UnreadableFile(
                self._path,
                f"is torn or has a damaged header: it promises {self.shape[0]} "
                f"sections of {self.shape[2]} × {self.shape[1]} pixels and holds {there}",
                COPY_AGAIN,
            )
        if -missing > 4096:
            self.notes += (
                f"The file is {-missing:,} bytes longer than its header says; "
                "what follows the last section is ignored.",
            )

    def read(self, index: int) -> NDArray[Any]:
        """Give section `index` as stored (4-bit data unpacked to uint8), shape (y, x).

        Raises
        ------
        UnreadableFile
            When the file ends within it or its compressed data are damaged.
        """
        header = self.header
        start = header.offset + index * header.section_bytes
        data = self._bytes(start, header.section_bytes, f"section {index + 1}")
        if self._compressed is not None and index == self.shape[0] - 1:
            self._compressed.close()  # nothing follows: many images may be open at a time
        _, rows, columns = self.shape
        if header.packed:
            return unpack_4bit(data.reshape(rows, -1), columns)
        return data.view(self.dtype).reshape(rows, columns)

    def read_box(self, box: tuple[slice, slice, slice]) -> NDArray[Any]:
        """Give part of some sections (z, y, x), copied; uncompressed, only their rows are read.

        Rows are read whole, in one go a section. A memory map is less than twice as fast while the
        file is in the memory of the system (10 to 18 ms for 128³ voxels of 1024 × 1024 × 300) and
        at most half as fast where it is not (450 to 180 ms), and ends the program if somebody
        shortens the file.

        Raises
        ------
        UnreadableFile
            When the file ends before it or its compressed data are damaged.
        """
        z, y, x = box
        header = self.header
        if self._compressed is not None or header.packed:
            return np.stack([self.read(number)[y, x] for number in range(z.start, z.stop)])
        row_bytes = self.shape[2] * self.dtype.itemsize
        height, width = y.stop - y.start, self.shape[2]
        voxels = np.empty((z.stop - z.start, height, x.stop - x.start), self.dtype)
        with open_binary(self._path) as handle:
            for place, number in enumerate(range(z.start, z.stop)):
                handle.seek(header.offset + number * header.section_bytes + y.start * row_bytes)
                rows = np.fromfile(handle, self.dtype, height * width)
                if rows.size < height * width:
                    raise self._shortened(f"section {number + 1}")
                voxels[place] = rows.reshape(height, width)[:, x]
        return voxels

    def _bytes(self, start: int, size: int, what: str) -> NDArray[np.uint8]:
        if self._compressed is not None:
            return np.frombuffer(self._compressed.read(start, size, what), np.uint8)
        with open_binary(self._path) as handle:
            handle.seek(start)
            # That many bytes were there when the file was opened.
            data = np.fromfile(handle, np.uint8, size)
        if data.size < size:
            raise self._shortened(what)
        return data

    def _shortened(self, what: str) -> UnreadableFile:
        return UnreadableFile(
            self._path, f"became shorter since it was opened: {what} is torn", COPY_AGAIN
        )


def build_header(
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    pixel_size_angstrom: float | None,
    statistics: tuple[float, float, float, float],
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    labels: Sequence[str] = (),
) -> bytes:
    """Make the 1024-byte MRC2014 header of an image or a stack of images.

    Parameters
    ----------
    shape
        (sections, rows, columns)
    dtype
        int8, int16, uint16, float16 or float32; uint8 is marked as IMOD does.
    pixel_size_angstrom
        Å; None is written as a cell of zero, which means "unknown".
    statistics
        (minimum, maximum, mean, root mean square deviation from the mean)
    origin
        (x, y, z), Å
    labels
        What else the header is to say: up to 9 of 80 ASCII characters.

    Returns
    -------
    bytes
        Little-endian header.
    """
    sections, rows, columns = shape
    pixel_size = pixel_size_angstrom or 0.0
    header = bytearray(HEADER_BYTES)
    words = np.frombuffer(header, "<i4")
    floats = np.frombuffer(header, "<f4")
    signed_bytes = dtype != np.uint8
    words[0:4] = columns, rows, sections, _MODES["int8" if not signed_bytes else dtype.name]
    words[7:10] = columns, rows, 1  # mz = 1: a stack of images, not a volume
    floats[10:13] = columns * pixel_size, rows * pixel_size, pixel_size
    floats[13:16] = 90
    words[16:19] = 1, 2, 3
    floats[19:22] = statistics[:3]
    words[27] = 20141  # MRC2014, version 1
    if dtype.itemsize == 1:
        # Without IMOD's mark, mode 0 is signed in MRC2014 and unsigned in older programs.
        words[38] = 1146047817
        words[39] = int(signed_bytes)
    floats[49:52] = origin
    header[208:212] = b"MAP "
    header[212:216] = b"DD\x00\x00"
    floats[54] = statistics[3]
    texts = [*labels, MRC_LABEL]  # by the last one the file is known for ours
    words[55] = len(texts)
    for start, text in zip(range(224, HEADER_BYTES, 80), texts, strict=False):
        header[start : start + 80] = text.encode("ascii")[:80].ljust(80)
    return bytes(header)


class RunningStatistics:
    """Minimum, maximum, mean and rms deviation of pixels that come in pieces.

    The pieces' sums of squared deviations are merged by the formula of Chan, Golub and LeVeque
    (1979), so that a large mean costs no precision.
    """

    def __init__(self) -> None:
        self.minimum = np.inf
        self.maximum = -np.inf
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, pixels: NDArray[Any]) -> None:
        """Take in more pixels, (y, x); in strips, so that no copy of them all is made."""
        rows = max(1, _STRIP_PX // max(1, pixels.shape[1]))
        for start in range(0, len(pixels), rows):
            self._add_strip(pixels[start : start + rows])

    def _add_strip(self, pixels: NDArray[Any]) -> None:
        count = pixels.size
        mean = float(pixels.mean(dtype=np.float64))
        with np.errstate(invalid="ignore"):  # infinite pixels have no deviation
            squares = float(np.square(pixels - np.float64(mean), dtype=np.float64).sum())
        self.minimum = min(self.minimum, float(pixels.min()))
        self.maximum = max(self.maximum, float(pixels.max()))
        total = self._count + count
        self._squares += squares + (mean - self._mean) ** 2 * self._count * count / total
        self._mean += (mean - self._mean) * count / total
        self._count = total

    def values(self) -> tuple[float, float, float, float]:
        """(minimum, maximum, mean, rms deviation from the mean)."""
        rms = float(np.sqrt(self._squares / max(self._count, 1)))
        return self.minimum, self.maximum, self._mean, rms


def _write_frame(handle: BinaryIO, frame: NDArray[Any], dtype: np.dtype[Any]) -> None:
    stored = np.ascontiguousarray(frame, dtype.newbyteorder("<"))
    handle.write(stored.reshape(-1).view(np.uint8).data)


def write_mrc_stack(
    path: Path | str,
    frames: Iterable[NDArray[Any]],
    pixel_size_angstrom: float | None,
    *,
    dtype: str | None = None,
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    labels: Sequence[str] = (),
) -> None:
    """Write frames as an MRC stack, whole or not at all, holding one frame at a time.

    Parameters
    ----------
    path
        Where to.
    frames
        (frame, y, x) array or an iterable of (y, x) arrays of one shape and type.
    pixel_size_angstrom
        Å, or None where unknown.
    dtype
        ``"int8"``, ``"uint8"``, ``"int16"``, ``"uint16"``, ``"float16"`` or ``"float32"``; by
        default the frames' own.
    origin
        (x, y, z), Å
    labels
        See `build_header`.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    ValueError
        When there is no frame, the frames differ in shape, or the type is none of MRC's.
    """
    path = Path(path)
    statistics = RunningStatistics()
    shape: tuple[int, ...] = ()
    kind: np.dtype[Any] | None = None
    count = 0
    with write_atomically(path) as temporary, temporary.open("wb") as handle:
        handle.write(bytes(HEADER_BYTES))
        for frame in frames:
            frame = np.asarray(frame)
            if kind is None:
                kind = np.dtype(dtype or frame.dtype)
                shape = frame.shape
                if kind.name not in {*_MODES, "uint8"} or frame.ndim != 2:
                    raise ValueError(f"MRC cannot hold {frame.ndim}D frames of type {kind}.")
            if frame.shape != shape:
                raise ValueError(f"Frame {count} has shape {frame.shape}, the first {shape}.")
            # What is stored counts, not what it was rounded from.
            stored = frame.astype(kind, copy=False)
            statistics.add(stored)
            _write_frame(handle, stored, kind)
            count += 1
        if kind is None:
            raise ValueError("There is no frame to write.")
        handle.seek(0)
        handle.write(
            build_header(
                (count, shape[0], shape[1]),
                kind,
                pixel_size_angstrom,
                statistics.values(),
                origin,
                labels,
            )
        )
