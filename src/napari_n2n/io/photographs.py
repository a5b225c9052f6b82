"""PNG and JPEG images, in colour or grey."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

import numpy as np

from napari_n2n.errors import N2NError
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.finding import PICTURES
from napari_n2n.io.limits import open_binary, reading, require_frame_size, require_justified
from napari_n2n.io.pictures import write_png

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.sources import FrameSource, ImageKind, RowOrder

WHITE = 255.0
"""The largest value of a channel of a photograph with 8 bits."""

_JPEG_ROUNDING = 2
"""Grey levels by which channels that were equal may differ after compression."""
_GREY_MODES = {"L": np.uint8, "I;16": np.uint16, "I;16B": np.uint16, "I": np.int32, "1": np.bool_}


class PhotographSource:
    """The one image of a PNG or JPEG file.

    Parameters
    ----------
    path
        The file.
    handle
        The same, open for reading: its header is read, the pixels stay on the disk.

    Raises
    ------
    UnreadableFile
        When it is damaged, or promises more pixels than it can hold.
    """

    row_order: RowOrder = "tiff"
    kind: ImageKind = "photograph"
    pixel_size_angstrom: float | None = None
    dose_per_frame: float | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, handle: BinaryIO) -> None:
        self._path = path
        stored = handle.seek(0, 2)
        handle.seek(0)
        image = _open(handle)
        width, height = image.size
        self.format = str(image.format)
        self.is_rgb = image.mode not in _GREY_MODES
        self.dtype = np.dtype(_GREY_MODES.get(image.mode, np.uint8))
        require_frame_size(path, height, width)
        pixel_bytes = height * width * (3 if self.is_rgb else self.dtype.itemsize)
        codec = "deflate" if self.format == "PNG" else "jpeg"
        require_justified(path, pixel_bytes, stored, codec)
        self.shape = (1, height, width)

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Open a file that is a PNG or JPEG by its name.

        Raises
        ------
        UnreadableFile
            When it is none, or damaged.
        """
        with open_binary(path) as handle:
            return cls(path, handle)

    def read(self, index: int) -> NDArray[Any]:
        """Give the image, shape (y, x) or (y, x, 3).

        Raises
        ------
        UnreadableFile
            When it is torn or damaged.
        """
        with open_binary(self._path) as handle:
            image = _open(handle)
            return np.asarray(image.convert("RGB") if self.is_rgb else image)


class GreySource:
    """The images of a file that stores shades of grey as three equal channels.

    Parameters
    ----------
    coloured
        The file as it is stored.
    """

    is_rgb = False

    def __init__(self, coloured: FrameSource) -> None:
        self._coloured = coloured
        self.format = coloured.format
        self.row_order: RowOrder = coloured.row_order
        self.shape = coloured.shape
        self.dtype = coloured.dtype
        self.pixel_size_angstrom = coloured.pixel_size_angstrom
        self.dose_per_frame = coloured.dose_per_frame
        kind = coloured.kind
        is_tiff = coloured.format.startswith("TIFF")
        self.kind: ImageKind = "micrograph" if kind == "photograph" and is_tiff else kind
        self.notes = (*coloured.notes, "Its colours are shades of grey, and it is read as such.")

    def read(self, index: int) -> NDArray[Any]:
        """Give image `index` as stored, (y, x): its green, which a JPEG keeps best."""
        return self._coloured.read(index)[..., 1]


def grey_if_equal(source: FrameSource) -> FrameSource:
    """Give a source in colour as one in shades of grey where its channels are equal.

    Its first image is read for that.
    """
    if not source.is_rgb:
        return source
    try:
        pixels = source.read(0)
    except N2NError:
        return source  # what is wrong is told when it is wanted
    red, green, blue = (pixels[..., channel].astype(np.int64) for channel in range(3))
    spread = max(int(np.abs(red - green).max()), int(np.abs(blue - green).max()))
    most = _JPEG_ROUNDING if source.format == "JPEG" else 0
    return GreySource(source) if spread <= most else source


def photographs_in(folder: Path) -> list[Path]:
    """List the PNG and JPEG files of a folder, by name.

    Raises
    ------
    UnreadableFile
        It may not be read, or is no folder.
    """
    with reading(folder):
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def write_photograph(path: Path | str, pixels: NDArray[Any]) -> None:
    """Write a photograph, (y, x, 3) or (y, x) from 0 to 255, as PNG with 8 bits a channel.

    Values are rounded, and those beyond the range set to its ends: no file of 8 bits holds others.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    from PIL import Image

    rounded = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    with write_atomically(path) as beside:
        write_png(beside, Image.fromarray(rounded))


class _Clamped:
    """A file that never sets memory aside for more bytes than it still has.

    Pillow reads as many bytes as a chunk of a PNG says it has, and Python's own files allocate
    them before looking.
    """

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        here = handle.tell()
        self._size = handle.seek(0, 2)
        self.seek = handle.seek
        self.tell = handle.tell
        handle.seek(here)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._handle.tell())
        return self._handle.read(left if size < 0 else min(size, left))


def _open(handle: BinaryIO) -> Any:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        # Sizes are judged by this program's own, stricter bounds.
        warnings.simplefilter("ignore")
        try:
            return Image.open(cast("BinaryIO", _Clamped(handle)), formats=("PNG", "JPEG"))
        except UnidentifiedImageError:  # which names a Python object instead of the file
            raise ValueError("its header is neither PNG nor JPEG") from None
