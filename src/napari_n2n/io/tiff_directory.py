"""The page directories of a TIFF, read without trusting them.

tifffile decodes the pixels; but it reads a broken chain of pages as a shorter file and believes
the sizes it finds. Here the chain is walked first: every offset and count is held against the
size of the file, so that a torn movie is called torn and nothing is allocated on a damaged tag's
word. EER movies are read with this alone.

Source: TIFF Revision 6.0 (Adobe, 1992) and the BigTIFF extension.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.limits import COPY_AGAIN

if TYPE_CHECKING:
    from pathlib import Path

# TIFF field types: struct code of one value.
_TYPES = {
    1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii",
    11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_MAX_TEXT_BYTES = 2**20

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
DESCRIPTION, STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 270, 273, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT = 282, 283, 284, 296
FILL_ORDER, PREDICTOR = 266, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SAMPLE_FORMAT = 322, 323, 324, 325, 339
EER_METADATA, EER_SKIP_BITS, EER_HORIZONTAL_BITS, EER_VERTICAL_BITS = 65001, 65007, 65008, 65009

_WANTED = {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION, STRIP_OFFSETS, SAMPLES,
    ROWS_PER_STRIP, STRIP_BYTES, X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT, TILE_WIDTH,
    TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SAMPLE_FORMAT, EER_METADATA, EER_SKIP_BITS,
    EER_HORIZONTAL_BITS, EER_VERTICAL_BITS,
    FILL_ORDER, PREDICTOR,
}  # fmt: skip
_TEXTS = {DESCRIPTION, EER_METADATA}

Value = tuple[int | float, ...] | bytes


@dataclass(frozen=True)
class TiffPage:
    """One page: where it is and the tags this program uses.

    Attributes
    ----------
    offset
        Of the directory in the file, bytes.
    tags
        Values by tag number: numbers as a tuple, texts as bytes.
    byte_order
        Of the numbers in the file, as numpy and struct write it.
    """

    offset: int
    tags: dict[int, Value]
    byte_order: Literal["<", ">"] = "<"

    def number(self, tag: int, default: int = 0) -> int:
        """Give the first number of a tag."""
        value = self.tags.get(tag)
        return int(value[0]) if value else default

    def text(self, tag: int) -> bytes:
        """Give the text of a tag, empty where there is none."""
        value = self.tags.get(tag, b"")
        return value if isinstance(value, bytes) else b""

    def ratio(self, tag: int) -> float:
        """Give a rational number, NaN where there is none."""
        value = self.tags.get(tag, ())
        if isinstance(value, bytes) or len(value) < 2 or not value[1]:
            return float("nan")
        return float(value[0]) / float(value[1])

    @property
    def width(self) -> int:
        """Columns."""
        return self.number(WIDTH)

    @property
    def height(self) -> int:
        """Rows."""
        return self.number(HEIGHT)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """(offset, size) in bytes of the strips or tiles the pixels are in."""
        offsets = self.tags.get(TILE_OFFSETS) or self.tags.get(STRIP_OFFSETS) or ()
        sizes = self.tags.get(TILE_BYTES) or self.tags.get(STRIP_BYTES) or ()
        return [(int(o), int(n)) for o, n in zip(offsets, sizes, strict=False)]

    @property
    def pieces_expected(self) -> int:
        """Count the strips or tiles one channel of the image must have."""
        tile_width, tile_height = self.number(TILE_WIDTH), self.number(TILE_HEIGHT)
        if tile_width > 0 and tile_height > 0:
            return -(-self.width // tile_width) * -(-self.height // tile_height)
        rows = self.number(ROWS_PER_STRIP, self.height)
        return -(-self.height // rows) if rows > 0 else 0

    @property
    def piece_pixels(self) -> int:
        """Count the pixels of a whole strip or tile."""
        tile = self.number(TILE_WIDTH) * self.number(TILE_HEIGHT)
        return tile or min(self.number(ROWS_PER_STRIP, self.height), self.height) * self.width

    @property
    def layout(self) -> tuple[int, ...]:
        """What must be the same on all pages of a movie."""
        tags = (WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, SAMPLE_FORMAT)
        return tuple(self.number(tag, 1) for tag in tags)


def is_tiff(head: bytes) -> bool:
    """Whether a file that starts with `head` is a TIFF or BigTIFF."""
    return head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


class _Walker:
    def __init__(self, handle: BinaryIO, path: Path) -> None:
        self.handle = handle
        self.path = path
        self.size = handle.seek(0, 2)
        handle.seek(0)
        head = handle.read(16)
        self.order: Literal["<", ">"] = "<" if head[:2] == b"II" else ">"
        self.big = head[2:4] in (b"+\x00", b"\x00+")
        self.values_read = 0
        self.directory_bytes = 0
        try:
            if self.big:
                self.first = int(struct.unpack_from(self.order + "Q", head, 8)[0])
            else:
                self.first = int(struct.unpack_from(self.order + "I", head, 4)[0])
        except struct.error:
            raise self.torn("it ends within its header") from None

    def torn(self, how: str) -> UnreadableFile:
        return UnreadableFile(self.path, f"is a torn or damaged TIFF: {how}", COPY_AGAIN)

    def read_at(self, offset: int, size: int, what: str) -> bytes:
        if offset < 8 or size < 0 or offset + size > self.size:
            raise self.torn(f"{what} would lie beyond its end")
        self.handle.seek(offset)
        data = self.handle.read(size)
        if len(data) != size:
            raise self.torn(f"{what} is cut short")
        return data

    def page(self, offset: int, number: int) -> tuple[TiffPage, int]:
        """Give the page at `offset`, and the offset of the next or 0."""
        what = f"the directory of page {number}"
        count_size, entry_size, next_size = (8, 20, 8) if self.big else (2, 12, 4)
        head = self.read_at(offset, count_size, what)
        count = int(struct.unpack(self.order + ("Q" if self.big else "H"), head)[0])
        if not 1 <= count <= 4096:
            raise self.torn(f"{what} has {count} entries")
        # Directories that overlap could make a small file endless.
        self.directory_bytes += count * entry_size
        if self.directory_bytes > self.size:
            raise self.torn("its directories overlap")
        data = self.read_at(offset + count_size, count * entry_size + next_size, what)
        tags: dict[int, Value] = {}
        for start in range(0, count * entry_size, entry_size):
            tag, kind = struct.unpack_from(self.order + "HH", data, start)
            if tag in _WANTED and kind in _TYPES:
                tags[tag] = self.value(tag, kind, data[start : start + entry_size], what)
        following = struct.unpack_from(
            self.order + ("Q" if self.big else "I"), data, len(data) - next_size
        )
        return TiffPage(offset, tags, self.order), int(following[0])

    def value(self, tag: int, kind: int, entry: bytes, what: str) -> Value:
        wide = "Q" if self.big else "I"
        inline = 8 if self.big else 4
        count = int(struct.unpack_from(self.order + wide, entry, 4)[0])
        code = _TYPES[kind]
        one = 1 if code == "s" else struct.calcsize("=" + code)
        size = count * one
        if tag in _TEXTS:
            size = min(size, _MAX_TEXT_BYTES)
        if size <= inline:
            data = entry[-inline:][:size]
        else:
            at = int(struct.unpack_from(self.order + wide, entry, len(entry) - inline)[0])
            data = self.read_at(at, size, f"tag {tag} of {what}")
        if code == "s" or tag in _TEXTS:
            return data
        # Damaged directories may all point at one long array: bound their sum, too.
        self.values_read += count
        if self.values_read > self.size:
            raise self.torn("its pages name more pieces than the file has bytes")
        return struct.unpack(self.order + code * count, data)


def read_pages(handle: BinaryIO, path: Path, limit: int | None = None) -> list[TiffPage]:
    """Read the directories of all pages of an open file, or of the first `limit`.

    Parameters
    ----------
    handle
        The file, open for reading; where in it is of no matter.
    path
        For messages.
    limit
        How many pages at most; None: all.

    Raises
    ------
    UnreadableFile
        When the chain of pages leaves the file, runs in a circle, or a tag cannot be right.
    """
    walker = _Walker(handle, path)
    pages: list[TiffPage] = []
    seen: set[int] = set()
    offset = walker.first
    while offset and (limit is None or len(pages) < limit):
        if offset in seen:
            raise walker.torn(f"its chain of pages runs in a circle after page {len(pages)}")
        seen.add(offset)
        page, offset = walker.page(offset, len(pages) + 1)
        pages.append(page)
    if not pages:
        raise UnreadableFile(path, "is a TIFF without a single page", COPY_AGAIN)
    return pages


def require_pixels_within(path: Path, pages: list[TiffPage]) -> None:
    """Check that the pixels of every page lie within the file.

    Raises
    ------
    UnreadableFile
        Naming the first page that is not there.
    """
    size = path.stat().st_size
    for number, page in enumerate(pages, 1):
        segments = page.segments
        beyond = any(offset + length > size for offset, length in segments)
        # Pieces that overlap could make a small file large.
        if not segments or beyond or sum(length for _, length in segments) > size:
            raise UnreadableFile(
                path,
                f"is torn: the pixels of page {number} of {len(pages)} are not all there",
                COPY_AGAIN,
            )
