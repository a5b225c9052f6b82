"""Micrographs: single images with a pixel size. Reading, checking, pairing, writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_n2n.errors import BadPixels, ShapeMismatch, UnreadableFile
from napari_n2n.io.formats import open_source
from napari_n2n.io.pixel_size import overridden
from napari_n2n.io.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_n2n.io.sources import FrameSource


@dataclass(frozen=True, eq=False, repr=False)
class StillImage:
    """One image with its calibration: what micrographs and photographs have in common.

    Nothing but the header is read until the pixels are asked for. It holds no open file, and never
    changes.

    Attributes
    ----------
    source
        Where the pixels come from: the file as it was parsed when it was opened.
    path
        The file.
    pixel_size_angstrom
        Å, or None where unknown.
    notes
        Sentences for the user.
    """

    source: FrameSource
    path: Path
    pixel_size_angstrom: float | None = field(default=None, kw_only=True)
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of `pixels`."""
        _, height, width = self.source.shape
        return (height, width, 3) if self.is_rgb else (height, width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a pixel as it is stored."""
        return self.source.dtype

    @property
    def format(self) -> str:
        """What it is stored as, for people: ``"MRC"``."""
        return self.source.format

    @property
    def is_rgb(self) -> bool:
        """Whether it is a colour photograph."""
        return self.source.is_rgb

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """Values as in the file; read when they are first asked for, and kept."""
        return self.read()

    def read(self) -> NDArray[np.float32]:
        """Give `pixels` without keeping them: for going through many images, one at a time.

        Raises
        ------
        UnreadableFile
            When the file is torn or damaged.
        BadPixels
            When pixels are NaN or infinite, or all the same.
        """
        stored = self.source.read(0)
        if self.is_rgb:
            stored = stored[..., :3]  # without transparency
        # Values beyond float32 become infinite, and are then reported as such.
        with np.errstate(over="ignore"):
            pixels = stored.astype(np.float32)
        check_pixels(pixels, self.path)
        return pixels

    def __repr__(self) -> str:
        """Describe the image in a line."""
        size = "?" if self.pixel_size_angstrom is None else f"{self.pixel_size_angstrom:.4g}"
        height, width = self.shape[:2]
        return f"<{type(self).__name__} {self.path.name}: {width} × {height}, {size} Å/px>"


class Micrograph(StillImage):
    """One grey image (y, x); made by `open_image`, `read_micrograph` or `Micrograph.from_array`."""

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[Any],
        pixel_size_angstrom: float | None = None,
        path: Path | str = "micrograph in memory",
    ) -> Micrograph:
        """Make a micrograph of pixels (y, x), of numpy or lazy; ``path`` is a name for messages."""
        return cls(ArraySource(pixels), Path(path), pixel_size_angstrom=pixel_size_angstrom)


class Photograph(StillImage):
    """One colour image (y, x, 3); made as a `Micrograph` is."""

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[Any],
        pixel_size_angstrom: float | None = None,
        path: Path | str = "photograph in memory",
    ) -> Photograph:
        """Make a photograph of pixels (y, x, 3); ``path`` is a name for messages."""
        source = ArraySource(pixels, is_rgb=True)
        return cls(source, Path(path), pixel_size_angstrom=pixel_size_angstrom)


def still_image_of(
    source: FrameSource, path: Path, pixel_size_angstrom: float | None = None
) -> Micrograph | Photograph:
    """Make a micrograph or photograph of a file; a pixel size (Å) that is given wins over its own.

    Raises
    ------
    UnreadableFile
        When the file holds more than one image.
    BadValue
        When the given pixel size cannot be right.
    """
    if source.shape[0] != 1:
        raise UnreadableFile(
            path,
            f"is a movie or stack of {source.shape[0]} images, not a single one",
            "Open it as a movie.",
        )
    size, notes = overridden(pixel_size_angstrom, source.pixel_size_angstrom, source.notes)
    kind = Photograph if source.is_rgb else Micrograph
    return kind(source, path, pixel_size_angstrom=size, notes=notes)


def check_pixels(pixels: NDArray[Any], path: Path | str) -> None:
    """Refuse an image nothing can be learnt from.

    Raises
    ------
    BadPixels
        When pixels are NaN or infinite, or all the same.
    """
    if not np.isfinite(pixels).all():
        bad = np.count_nonzero(~np.isfinite(pixels))
        raise BadPixels(
            path,
            f"has {bad:,} NaN or infinite pixels of {pixels.size:,}",
            "Make it anew from the movie, or leave it out.",
        )
    if pixels.min() == pixels.max():
        raise BadPixels(
            path,
            f"is constant: every pixel is {pixels.flat[0]:g}",
            "It holds no image: make it anew from the movie, or leave it out.",
        )


def read_micrograph(
    path: Path | str, *, pixel_size_angstrom: float | None = None
) -> Micrograph | Photograph:
    """Read a single image, its pixels at once.

    Parameters
    ----------
    path
        MRC (also gzip or bzip2), TIFF, PNG or JPEG; the content decides, not the extension.
    pixel_size_angstrom
        Å; wins over the file's.

    Raises
    ------
    UnreadableFile
        When the file is missing, torn, damaged or holds more than one image.
    BadPixels
        When pixels are NaN or infinite, or all the same.
    BadValue
        When the given pixel size cannot be right.
    """
    path = Path(path)
    image = still_image_of(open_source(path), path, pixel_size_angstrom)
    # Asked for here, so that what is wrong with them is told here.
    _ = image.pixels
    return image


def read_pair(
    first: Path | str, second: Path | str, *, pixel_size_angstrom: float | None = None
) -> tuple[Micrograph | Photograph, Micrograph | Photograph]:
    """Read two images of one specimen: odd and even halves, or an input and its target.

    Parameters
    ----------
    first, second
        The files.
    pixel_size_angstrom
        Å of both; wins over the files'.

    Raises
    ------
    ShapeMismatch
        When they differ in shape or in pixel size.
    UnreadableFile, BadPixels
        When one of them cannot be used.
    """
    a = read_micrograph(first, pixel_size_angstrom=pixel_size_angstrom)
    b = read_micrograph(second, pixel_size_angstrom=pixel_size_angstrom)
    remedy = "Check that both come from the same movie."
    if a.shape != b.shape:
        raise ShapeMismatch(
            second,
            f"is {_size(b)} pixels, but {Path(first).name} is {_size(a)}",
            remedy,
        )
    sizes = (a.pixel_size_angstrom, b.pixel_size_angstrom)
    if sizes[0] is not None and sizes[1] is not None and abs(sizes[0] / sizes[1] - 1) > 0.01:
        raise ShapeMismatch(
            second,
            f"has pixels of {sizes[1]:.4g} Å, but {Path(first).name} has {sizes[0]:.4g} Å",
            remedy + " If a header is wrong, give the pixel size by hand.",
        )
    return a, b


def _size(image: StillImage) -> str:
    height, width = image.shape[:2]
    return f"{width} × {height}" + (" colour" if image.is_rgb else "")


def write_micrograph(
    path: Path | str,
    pixels: NDArray[Any],
    pixel_size_angstrom: float | None,
    *,
    dtype: Literal["float32", "float16"] = "float32",
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    labels: Sequence[str] = (),
) -> None:
    """Write an image as MRC, whole or not at all.

    Parameters
    ----------
    path
        Where to.
    pixels
        (y, x)
    pixel_size_angstrom
        Å, or None where unknown (written as zero).
    dtype
        ``"float32"`` (MRC mode 2) or ``"float16"`` (mode 12, read by RELION, IMOD and others).
    origin
        (x, y, z), Å
    labels
        What else the header is to say: up to 9 of 80 ASCII characters.

    Raises
    ------
    WriteProblem
        When the disk refuses; what was there before is untouched.
    BadPixels
        When pixels are NaN or infinite, or too large for float16.
    ValueError
        When it is no (y, x) image.
    """
    from napari_n2n.io.mrc import write_mrc_stack

    pixels = np.asarray(pixels)
    if pixels.ndim != 2 or dtype not in ("float32", "float16"):
        raise ValueError(
            f"An MRC micrograph is a float32 or float16 image (y, x), not {dtype} of shape "
            f"{pixels.shape}."
        )
    with np.errstate(over="ignore"):
        stored = pixels.astype(dtype)
    if not np.isfinite(stored).all():
        too_large = bool(np.isfinite(pixels).all())
        raise BadPixels(
            path,
            f"was not written: its pixels are too large for {dtype}"
            if too_large
            else "was not written: it has NaN or infinite pixels",
            "Write it as float32." if too_large else "Check what it was made from.",
        )
    write_mrc_stack(path, [stored], pixel_size_angstrom, origin=origin, labels=labels)
