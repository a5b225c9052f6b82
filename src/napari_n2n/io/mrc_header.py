"""The MRC header: what the first 1024 bytes of an MRC file say.

Sources: MRC2014 (Cheng et al., J. Struct. Biol. 192, 146, 2015) and IMOD's ``mrc_format.txt``
for 4-bit data and half floats, its ``readBytesSigned`` for bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.limits import COPY_AGAIN, MAX_FRAME_PIXELS
from napari_n2n.io.packed import is_size_of_packed
from napari_n2n.io.pixel_size import judge_pixel_size

if TYPE_CHECKING:
    from pathlib import Path

HEADER_BYTES = 1024
IMOD_STAMP = 1146047817
"""The word "IMOD": only with it are IMOD's flags to be believed."""
IMOD_SIGNED_BYTES = 1
IMOD_PACKED_BYTES = 16
"""Mode 0 whose every byte is really two 4-bit pixels, so the image is twice as wide."""

_DTYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2", 101: "u1"}
_COMPLEX_MODES = {3: "16-bit complex", 4: "complex"}
_KNOWN_MODES = {*_DTYPES, *_COMPLEX_MODES, 16}


@dataclass(frozen=True)
class MrcHeader:
    """What is needed to find and understand the pixels of an MRC file.

    Attributes
    ----------
    shape
        (sections, rows, columns).
    dtype
        Type of a stored pixel, byte order included; uint8 for 4-bit data once unpacked.
    packed
        Whether a byte holds two 4-bit pixels, the left one in the low half; each row starts on a
        byte.
    byte_order
        Of the header's numbers, ``"<"`` or ``">"``.
    offset
        Where the first section starts, bytes.
    pixel_size_angstrom
        Å, or None where the header's is missing or absurd.
    notes
        Sentences for the user.
    has_map_stamp
        Whether it bears the "MAP" of files since 2000.
    knows_sign
        False: the pixels are bytes, and whether they are signed it does not say.
    packed_by_size
        Whether nothing but the size says that a byte holds two pixels.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    packed: bool
    offset: int
    byte_order: str
    pixel_size_angstrom: float | None
    notes: tuple[str, ...]
    has_map_stamp: bool
    knows_sign: bool = True
    packed_by_size: bool = False

    @property
    def section_bytes(self) -> int:
        """Size of one section in the file, bytes."""
        _, rows, columns = self.shape
        row_bytes = (columns + 1) // 2 if self.packed else columns * self.dtype.itemsize
        return rows * row_bytes

    @property
    def total_bytes(self) -> int:
        """Size of a whole file, bytes."""
        return self.offset + self.shape[0] * self.section_bytes


def _plausible(head: bytes, order: str) -> bool:
    columns, rows, sections, mode = np.frombuffer(head, order + "i4", 4).tolist()
    return (
        min(columns, rows, sections) > 0
        and columns * rows <= MAX_FRAME_PIXELS
        and (mode in _KNOWN_MODES)
    )


def looks_like_mrc(head: bytes, file_bytes: int) -> bool:
    """Whether a file that starts with `head` is an MRC file, judged without trusting its name.

    Files from before 2000 carry no "MAP" stamp: they count as MRC if their numbers make sense
    and fit the size of the file.
    """
    if len(head) < HEADER_BYTES:
        return False
    if head[208:211] == b"MAP":
        return True
    for order in "<>":
        if _plausible(head, order):
            columns, rows, sections, mode = np.frombuffer(head, order + "i4", 4).tolist()
            if mode not in _DTYPES:
                continue
            extended = int(np.frombuffer(head, order + "i4", 1, 92)[0])
            size = columns * rows * sections * np.dtype(_DTYPES[mode]).itemsize
            if extended >= 0 and 0 <= file_bytes - HEADER_BYTES - extended - size <= 4096:
                return True
    return False


def parse_header(head: bytes, path: Path) -> MrcHeader:
    """Read an MRC header.

    Parameters
    ----------
    head
        The first 1024 bytes.
    path
        The file, for messages.

    Raises
    ------
    UnreadableFile
        When the header is too short, absurd, or names a mode that is no real-valued image.
    """
    if len(head) < HEADER_BYTES:
        raise UnreadableFile(
            path, f"is torn: an MRC header has 1024 bytes, it has {len(head)}", COPY_AGAIN
        )
    # The machine stamp is often wrong, so numbers that make sense count for more.
    orders = "><" if head[212] == 0x11 else "<>"
    order = next((o for o in orders if _plausible(head, o)), orders[0])
    words = np.frombuffer(head, order + "i4")
    floats = np.frombuffer(head, order + "f4")
    columns, rows, sections, mode = (int(n) for n in words[:4])

    if min(columns, rows, sections) <= 0 or columns * rows > MAX_FRAME_PIXELS:
        raise UnreadableFile(
            path,
            f"has an absurd header: {columns} × {rows} pixels, {sections} sections",
            f"The header is damaged, or this is no MRC file. {COPY_AGAIN}",
        )
    _require_real(mode, path)
    packed_by_size = mode == 0 and is_size_of_packed(columns, rows)
    packed = mode == 101 or packed_by_size or (mode == 0 and _imod_says_packed(words))
    unsigned, knows_sign = _sign_of_bytes(words, floats)
    code = "u1" if packed or (mode == 0 and unsigned) else _DTYPES[mode]
    dtype = np.dtype(code if code[1] == "1" else order + code)
    stored_columns = columns
    if packed and mode == 0:
        columns *= 2
    extended = int(words[23])
    if extended < 0:
        raise UnreadableFile(
            path, f"has an absurd header: an extended header of {extended} bytes", COPY_AGAIN
        )
    # Where two pixels are a byte, the grid counts pixels or bytes, and the cell with it.
    counted = stored_columns if int(words[7]) == stored_columns else columns
    pixel_size, notes = _pixel_size(words, floats, counted)
    axes = tuple(int(n) for n in words[16:19])
    if sorted(axes) == [1, 2, 3] and axes != (1, 2, 3):
        notes += (f"The header stores its axes in the order {axes}; they are shown as stored.",)
    return MrcHeader(
        shape=(sections, rows, columns),
        dtype=dtype,
        packed=packed,
        offset=HEADER_BYTES + extended,
        byte_order=order,
        pixel_size_angstrom=pixel_size,
        notes=notes,
        has_map_stamp=head[208:211] == b"MAP",
        knows_sign=knows_sign or packed or mode != 0,
        packed_by_size=packed_by_size and not _imod_says_packed(words),
    )


def _imod_says_packed(words: np.ndarray) -> bool:
    return int(words[38]) == IMOD_STAMP and bool(int(words[39]) & IMOD_PACKED_BYTES)


def _sign_of_bytes(words: np.ndarray, floats: np.ndarray) -> tuple[bool, bool]:
    """Tell whether bytes are unsigned, and whether the header knows it, as IMOD decides it.

    Its stamp and flag count for most, then the smallest and largest value the header tells: those
    beyond the range of the one kind or the other. Where they lie in both, IMOD takes them for
    unsigned, and the pixels may know better.
    """
    if int(words[38]) == IMOD_STAMP:
        return not int(words[39]) & IMOD_SIGNED_BYTES, True
    lowest, highest = float(floats[19]), float(floats[20])
    if not lowest < highest or (lowest >= 0 and highest < 128):
        return True, False
    if highest < 128:
        return False, True
    return not -lowest > highest - 128, True


def _require_real(mode: int, path: Path) -> None:
    if mode in _COMPLEX_MODES:
        raise UnreadableFile(
            path,
            f"is a Fourier transform (MRC mode {mode}, {_COMPLEX_MODES[mode]} pixels)",
            "Give the image it was made from.",
        )
    if mode == 16:
        raise UnreadableFile(
            path, "holds colour pixels (MRC mode 16)", "Save it as PNG, JPEG or RGB TIFF."
        )
    if mode not in _DTYPES:
        raise UnreadableFile(
            path,
            f"has an unknown MRC mode, {mode}",
            "Modes 0, 1, 2, 6, 12 and 101 can be read: convert it, or copy it again if it "
            "should be one of these.",
        )


def _pixel_size(
    words: np.ndarray, floats: np.ndarray, columns: int
) -> tuple[float | None, tuple[str, ...]]:
    """Pixel size = cell length / grid intervals (MRC2014), Å."""
    grid_x, grid_y = int(words[7]), int(words[8])
    cell_x, cell_y = float(floats[10]), float(floats[11])
    size_x = cell_x / grid_x if grid_x > 0 else math.nan
    size_y = cell_y / grid_y if grid_y > 0 else math.nan
    pixel_size, notes = judge_pixel_size(size_x, size_y)
    if pixel_size is not None and grid_x != columns:
        notes += (
            f"The header's pixel size {pixel_size:.4g} Å is that of a grid of {grid_x} columns, "
            f"but the image has {columns}: if it was binned, its pixel size is "
            f"{cell_x / columns:.4g} Å and must be given by hand.",
        )
    return pixel_size, notes
