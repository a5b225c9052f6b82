"""Decoding LZW pages of a TIFF with a decoder that survives damaged data.

tifffile hands LZW to a decoder of imagecodecs' own, which on damaged codes reads beyond its
tables: the process dies, or asks for 100 GB (imagecodecs 2026.3.6; found by fuzzing `open_movie`).
libtiff, which imagecodecs also contains, checks its input and takes half the time. It is not given
the user's file, though, but a one-page TIFF made of the page's compressed bytes and of the tags
that were checked, so that nothing unchecked decides how much memory is taken.

The other codecs stay with tifffile: of deflate, libtiff returns half-decoded strips as if they
were whole.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from napari_n2n.io import tiff_directory as td
from napari_n2n.io.limits import open_binary, read_exactly

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_COPIED = {
    td.WIDTH: _LONG,
    td.HEIGHT: _LONG,
    td.BITS: _SHORT,
    td.COMPRESSION: _SHORT,
    td.PHOTOMETRIC: _SHORT,
    td.FILL_ORDER: _SHORT,
    td.SAMPLES: _SHORT,
    td.ROWS_PER_STRIP: _LONG,
    td.PLANAR: _SHORT,
    td.PREDICTOR: _SHORT,
    td.TILE_WIDTH: _LONG,
    td.TILE_HEIGHT: _LONG,
    td.SAMPLE_FORMAT: _SHORT,
}


def decode_lzw_page(path: Path, page: td.TiffPage) -> NDArray[Any]:
    """Decode an LZW page whose tags have been checked.

    Parameters
    ----------
    path
        The file.
    page
        One of its pages.

    Returns
    -------
    NDArray
        (y, x), or (y, x, channel) or (channel, y, x) in colour.

    Raises
    ------
    UnreadableFile
        When the compressed data are damaged or cut short.
    """
    import imagecodecs

    with open_binary(path) as handle:
        pieces = []
        for offset, size in page.segments:
            handle.seek(offset)
            pieces.append(bytes(read_exactly(handle, size, path, "a page")))
        pixels: NDArray[Any] = imagecodecs.tiff_decode(_one_page_tiff(page, pieces))
    return pixels


def _one_page_tiff(page: td.TiffPage, pieces: list[bytes]) -> bytes:
    """Make a BigTIFF of a page's pieces and its checked tags."""
    order = page.byte_order
    tiled = bool(page.number(td.TILE_WIDTH))
    offsets, position = [], 16
    for piece in pieces:
        offsets.append(position)
        position += len(piece)
    tags: list[tuple[int, int, list[int]]] = [
        (tag, kind, [int(value) for value in page.tags[tag]])
        for tag, kind in _COPIED.items()
        if tag in page.tags and not isinstance(page.tags[tag], bytes)
    ]
    tags.append((td.TILE_OFFSETS if tiled else td.STRIP_OFFSETS, _LONG8, offsets))
    sizes = [len(piece) for piece in pieces]
    tags.append((td.TILE_BYTES if tiled else td.STRIP_BYTES, _LONG8, sizes))

    # Values that do not fit into their entry follow the pixels.
    values = b""
    entries = b""
    for tag, kind, numbers in sorted(tags):
        packed = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)
        entries += struct.pack(order + "HHQ", tag, kind, len(numbers))
        if len(packed) <= 8:
            entries += packed.ljust(8, b"\x00")
        else:
            entries += struct.pack(order + "Q", position + len(values))
            values += packed
    directory_at = position + len(values)
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(order + "HHHQ", 43, 8, 0, directory_at)
    count = struct.pack(order + "Q", len(tags))
    return b"".join([head, *pieces, values, count, entries, bytes(8)])
