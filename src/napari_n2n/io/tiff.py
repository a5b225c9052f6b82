"""TIFF and BigTIFF: movies page by page, single micrographs and colour photographs."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import tiff_directory as td
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.limits import (
    COPY_AGAIN,
    open_binary,
    reading,
    require_frame_size,
    require_justified,
)
from napari_n2n.io.packed import PACKED_NOTE, is_size_of_packed, unpack_4bit
from napari_n2n.io.pixel_size import is_plausible, judge_pixel_size, placeholder_notes
from napari_n2n.io.tiff_decoding import decode_lzw_page
from napari_n2n.io.tiff_evidence import tiff_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_n2n.io.sources import ImageKind, RowOrder
    from napari_n2n.io.stack_kinds import Evidence

# What is wrong with a file is said by an error of this project; tifffile's own remarks would
# only appear on the terminal if nobody listens to the logger.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

# JPEG is not among them: a JPEG strip has a size of its own, and the decoder believes that one.
_CODECS = {
    1: ("none", ""),
    5: ("lzw", "LZW"),
    8: ("deflate", "deflate"),
    32946: ("deflate", "deflate"),
    32773: ("packbits", "PackBits"),
    50000: ("zstd", "zstd"),
    34926: ("zstd", "zstd"),
}
_FORMATS = {1: "u", 2: "i", 3: "f"}
_RGB, _YCBCR, _PALETTE = 2, 6, 3
_ANGSTROM_PER_UNIT = {
    "angstrom": 1.0, "ångström": 1.0, "å": 1.0, "a": 1.0, "\u212b": 1.0, "pm": 0.01, "nm": 10.0,
    "nanometer": 10.0, "um": 1e4, "µm": 1e4, "μm": 1e4, "\\u00b5m": 1e4, "micron": 1e4,
    "microns": 1e4, "mm": 1e7, "cm": 1e8, "inch": 2.54e8, "m": 1e10,
}  # fmt: skip


class TiffSource:
    """The pages of a TIFF, decoded one at a time.

    Parameters
    ----------
    path
        The file.
    pages
        Its page directories; the pixels stay on the disk.

    Raises
    ------
    UnreadableFile
        When the file is torn, its pages differ, or its pixels are of a kind no detector makes.
    """

    row_order: RowOrder = "tiff"
    dose_per_frame: float | None = None

    def __init__(self, path: Path, pages: list[td.TiffPage]) -> None:
        self._path = path
        first = pages[0]
        for number, page in enumerate(pages, 1):
            if page.layout != first.layout:
                raise UnreadableFile(
                    path,
                    f"has pages of different kinds: page {number} is {page.width} × "
                    f"{page.height}, the first is {first.width} × {first.height}",
                    "Save the movie alone, without thumbnails or pyramids.",
                )
        require_frame_size(path, first.height, first.width)
        td.require_pixels_within(path, pages)
        self.samples = first.number(td.SAMPLES, 1)
        self._planes_are_frames = len(pages) == 1 and _is_stack_of_planes(first)
        self.is_rgb = self.samples in (3, 4) and not self._planes_are_frames
        compression = first.number(td.COMPRESSION, 1)
        if compression not in _CODECS:
            raise UnreadableFile(
                path,
                f"is a TIFF with a compression that is not supported (number {compression})",
                "Save it uncompressed, or with LZW or deflate.",
            )
        self._codec, codec_name = _CODECS[compression]
        self.format = f"TIFF ({codec_name})" if codec_name else "TIFF"
        self.dtype = _pixel_type(first, path)
        for page in pages:
            self._require_justified(page)
        self._pages = pages
        self._stacked = _imagej_images(first) if len(pages) == 1 and not self.is_rgb else 1
        planes = self.samples if self._planes_are_frames else 1
        self._is_packed = (
            self.samples == 1
            and self.dtype == np.uint8
            and is_size_of_packed(first.width, first.height)
        )
        self._stored_shape = (first.height, first.width)
        width = first.width * (2 if self._is_packed else 1)
        self.shape = (max(len(pages), self._stacked, planes), first.height, width)
        if self._stacked > 1:
            self._require_stack(first)
        single: ImageKind = "photograph" if self.is_rgb else "micrograph"
        self.kind: ImageKind = "movie" if self.shape[0] > 1 else single
        self.pixel_size_angstrom, self.notes = _pixel_size(first)
        self.notes += placeholder_notes(self.pixel_size_angstrom, self.shape[1:])
        if self._is_packed:
            self.notes += (PACKED_NOTE,)
        if self.is_rgb and self.samples == 4:
            self.notes += ("The photograph's transparency is ignored.",)

    @property
    def evidence(self) -> Evidence | None:
        """What ImageJ, OME or tifffile noted of several images."""
        return tiff_evidence(_description(self._pages[0]))

    def _require_justified(self, page: td.TiffPage) -> None:
        frame_bytes = page.width * page.height * self.samples * self.dtype.itemsize
        stored = sum(size for _, size in page.segments)
        require_justified(self._path, frame_bytes, stored, self._codec)
        largest = max(size for _, size in page.segments)
        channels = 1 if page.number(td.PLANAR, 1) == 2 else self.samples
        piece_bytes = page.piece_pixels * channels * self.dtype.itemsize
        require_justified(self._path, piece_bytes, largest, self._codec)
        planes = self.samples if page.number(td.PLANAR, 1) == 2 else 1
        # Missing pieces would be shown as zeros.
        if page.pieces_expected * planes != len(page.segments) or not all(
            size for _, size in page.segments
        ):
            raise UnreadableFile(
                self._path,
                f"is a damaged TIFF: a page has {len(page.segments)} strips or tiles with pixels, "
                f"not {page.pieces_expected * planes}",
                COPY_AGAIN,
            )

    def _require_stack(self, page: td.TiffPage) -> None:
        # ImageJ writes movies over 4 GB as one page followed by the pixels of all.
        start, _ = page.segments[0]
        size = self._path.stat().st_size
        frame_bytes = page.width * page.height * self.dtype.itemsize
        require_justified(self._path, frame_bytes * self.shape[0], size - start, self._codec)
        self._start = start

    def read(self, index: int) -> NDArray[Any]:
        """Give page `index` as stored, shape (y, x), or (y, x, 3 or 4) in colour.

        Raises
        ------
        UnreadableFile
            When its pixels cannot be decoded.
        """
        pixels = self._stored(index)
        return unpack_4bit(pixels, self.shape[2]) if self._is_packed else pixels

    def _stored(self, index: int) -> NDArray[Any]:
        height, width = self._stored_shape
        if self._stacked > 1:
            with open_binary(self._path) as handle:
                handle.seek(self._start + index * height * width * self.dtype.itemsize)
                data = handle.read(height * width * self.dtype.itemsize)
            with reading(self._path):
                return np.frombuffer(data, self.dtype).reshape(height, width)
        with reading(self._path):
            pixels: NDArray[Any] = (
                self._decode(0)[index] if self._planes_are_frames else self._decode(index)
            )
        expected = (height, width, self.samples) if self.is_rgb else (height, width)
        if self.is_rgb and pixels.shape == (self.samples, height, width):
            pixels = np.moveaxis(pixels, 0, -1)
        if pixels.shape != expected:
            raise UnreadableFile(
                self._path,
                f"is damaged: page {index + 1} decodes to the shape {pixels.shape}, not {expected}",
                "Save it anew.",
            )
        return pixels

    def _decode(self, number: int) -> NDArray[Any]:
        if self._codec == "lzw":
            return decode_lzw_page(self._path, self._pages[number])
        import tifffile

        with tifffile.TiffFile(self._path) as tiff:
            tiff.filehandle.seek(self._pages[number].offset)
            # One worker: the caller decides how many frames are decoded side by side.
            pixels: NDArray[Any] = tifffile.TiffPage(tiff, index=number).asarray(maxworkers=1)
        return pixels


def _pixel_type(page: td.TiffPage, path: Path) -> np.dtype[Any]:
    bits = page.tags.get(td.BITS) or (1,)
    samples = page.number(td.SAMPLES, 1)
    kind = _FORMATS.get(page.number(td.SAMPLE_FORMAT, 1))
    width = int(bits[0])
    known = {"u": (8, 16, 32), "i": (8, 16, 32), "f": (16, 32, 64)}
    if len(set(bits)) > 1 or kind is None or width not in known[kind]:
        raise UnreadableFile(
            path,
            f"is a TIFF whose pixels have {width} bits of a kind that is not supported",
            "Save it with 8, 16 or 32 bits a pixel.",
        )
    if samples not in (1, 3, 4):
        raise UnreadableFile(
            path, f"is a TIFF with {samples} channels", "Save one channel, or RGB."
        )
    if page.number(td.PHOTOMETRIC, 1) == _PALETTE:
        raise UnreadableFile(
            path, "is a TIFF with a colour palette", "Save it in shades of grey, or as RGB."
        )
    return np.dtype(f"{page.byte_order}{kind}{width // 8}")


def _description(page: td.TiffPage) -> str:
    return page.text(td.DESCRIPTION).decode("utf-8", "replace").rstrip("\x00")


def _is_stack_of_planes(page: td.TiffPage) -> bool:
    """Whether tifffile stored a stack of three or four frames as the planes of a colour image.

    It does so by default, and notes the shape the stack had.
    """
    planes = page.number(td.SAMPLES, 1)
    return (
        planes in (3, 4)
        and page.number(td.PLANAR, 1) == 2
        and _description(page).startswith(f'{{"shape": [{planes},')
    )


def _imagej_images(page: td.TiffPage) -> int:
    text = _description(page)
    match = re.search(r"^images=(\d{1,6})\s*$", text, re.MULTILINE)
    if not text.startswith("ImageJ=") or match is None or page.number(td.COMPRESSION, 1) != 1:
        return 1
    return max(1, int(match.group(1)))


def _pixel_size(page: td.TiffPage) -> tuple[float | None, tuple[str, ...]]:
    """Pixel size from ImageJ's unit, else from the resolution in pixels per inch or centimetre."""
    text = _description(page)
    x, y = page.ratio(td.X_RESOLUTION), page.ratio(td.Y_RESOLUTION)
    unit_match = re.search(r"^unit=(.+)$", text, re.MULTILINE)
    if text.startswith("ImageJ=") and unit_match:
        unit = _ANGSTROM_PER_UNIT.get(unit_match.group(1).strip().lower(), math.nan)
        source = "TIFF's ImageJ header"
    else:
        # The unit "none" (1) gives only the aspect ratio, 2 is the inch, 3 the centimetre.
        unit = {2: 2.54e8, 3: 1e8}.get(page.number(td.RESOLUTION_UNIT, 2), math.nan)
        source = "TIFF header"
    size_x = unit / x if x > 0 else math.nan
    size_y = unit / y if y > 0 else math.nan
    if math.isfinite(size_x) and not is_plausible(size_x):
        # 72 or 300 dots per inch are about paper, not about a specimen.
        return None, (
            f"The {source}'s resolution (a pixel size of {size_x:.3g} Å) is not that of a "
            "micrograph and is ignored: give the pixel size by hand.",
        )
    return judge_pixel_size(size_x, size_y, source)


def write_tiff_stack(
    path: Path | str,
    frames: Iterable[NDArray[Any]],
    pixel_size_angstrom: float | None = None,
    *,
    compression: str | None = None,
    bigtiff: bool | None = None,
) -> None:
    """Write frames as a multi-page TIFF, whole or not at all, holding one frame at a time.

    Parameters
    ----------
    path
        Where to.
    frames
        (frame, y, x) array or an iterable of (y, x) arrays: uint8, int16, uint16 or float32.
    pixel_size_angstrom
        Å; written as pixels per centimetre, as RELION reads it.
    compression
        None, ``"lzw"`` or ``"deflate"``.
    bigtiff
        Whether to use 64-bit offsets, needed beyond 4 GB; by default where an array needs it.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    ValueError
        When there is no frame, or `compression` is none of these.
    """
    import tifffile

    codecs = {None: None, "lzw": "lzw", "deflate": "zlib"}
    if compression not in codecs:
        raise ValueError(f"Compression must be None, 'lzw' or 'deflate', not {compression!r}.")
    options: dict[str, Any] = {}
    if pixel_size_angstrom is not None:
        per_centimetre = 1e8 / pixel_size_angstrom
        options = {"resolution": (per_centimetre, per_centimetre), "resolutionunit": "CENTIMETER"}
    if bigtiff is None:
        bigtiff = getattr(frames, "nbytes", 0) > 3.9 * 2**30
    count = 0
    with (
        write_atomically(Path(path)) as temporary,
        tifffile.TiffWriter(temporary, bigtiff=bigtiff) as writer,
    ):
        for frame in frames:
            writer.write(
                np.ascontiguousarray(frame),
                photometric="minisblack",
                compression=codecs[compression],
                # A strip of many rows: one strip a row would bloat the directory.
                rowsperstrip=min(len(frame), 256),
                contiguous=False,
                metadata=None,
                **options,
            )
            count += 1
        if not count:
            raise ValueError("There is no frame to write.")
