"""Lazy stacks of images: what movies and volumes have in common."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

import numpy as np

from napari_n2n.errors import BadPixels, UnreadableFile
from napari_n2n.io.pixel_size import overridden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.sources import FrameSource
    from napari_n2n.io.stack_kinds import StackKind


@dataclass(frozen=True, eq=False, repr=False)
class ImageStack:
    """A lazy stack of images of one shape, (image, y, x).

    Nothing but the header is read until an image is asked for, and then that image only. A stack
    holds no open file, can be sent to another process, and never changes.

    Attributes
    ----------
    source
        Where the images come from: the file as it was parsed when it was opened.
    path
        The file, or a name for messages.
    pixel_size_angstrom
        Å, or None where unknown.
    header_notes
        Sentences for the user, of the file's header.
    """

    source: FrameSource
    path: Path
    pixel_size_angstrom: float | None = field(default=None, kw_only=True)
    header_notes: tuple[str, ...] = field(default=(), kw_only=True)

    _part: ClassVar[str] = "image"
    _remedy: ClassVar[str] = "Make it anew, or leave it out."

    @property
    def shape(self) -> tuple[int, int, int]:
        """(image, y, x)."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a pixel as it is stored."""
        return self.source.dtype

    @property
    def format(self) -> str:
        """What the images are stored as, for people: ``"MRC"``."""
        return self.source.format

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        return self.header_notes

    def __len__(self) -> int:
        """Count the images."""
        return self.shape[0]

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, index: slice) -> NDArray[np.float32]: ...

    def __getitem__(self, index: int | slice) -> NDArray[np.float32]:
        """Give one image (y, x), or several (image, y, x), corrected."""
        if not isinstance(index, slice):
            return self._image(int(index))
        chosen = range(*index.indices(len(self)))
        images = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for place, number in enumerate(chosen):
            images[place] = self._image(number)
        return images

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Give the corrected images one after the other."""
        return (self._image(index) for index in range(len(self)))

    def as_dask(self) -> Any:
        """Give a dask array (image, y, x) of float32, one chunk an image, nothing read yet."""
        import dask.array as da

        def read(block_info: Any = None) -> NDArray[np.float32]:
            number: int = block_info[None]["array-location"][0][0]
            return self._image(number)[np.newaxis]

        _, height, width = self.shape
        chunks = ((1,) * len(self), (height,), (width,))
        return da.map_blocks(
            read,
            # A name of its own: making one up, dask would hash every pixel of images in memory.
            name=f"{self._part}-{uuid.uuid4().hex}",
            chunks=chunks,
            dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32),
        )

    def __repr__(self) -> str:
        """Describe the stack in a line."""
        count, height, width = self.shape
        size = "?" if self.pixel_size_angstrom is None else f"{self.pixel_size_angstrom:.4g}"
        return (
            f"<{type(self).__name__} {self.path.name}: {count} {self._part}s of "
            f"{width} × {height}, {size} Å/px>"
        )

    def _raw(self, index: int) -> NDArray[Any]:
        """Give one image as stored, shape (y, x)."""
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"{self.path.name} has {len(self)} {self._part}s; there is no {index}."
            )
        return self.source.read(index % len(self))

    def _image(self, index: int) -> NDArray[np.float32]:
        """Give one image as it is to be used, shape (y, x)."""
        return self._as_used(self._raw(index), f"{self._part} {index % len(self) + 1}")

    def _as_used(
        self, raw: NDArray[Any], where: str, *, is_ours: bool = False
    ) -> NDArray[np.float32]:
        """Correct stored pixels, one image (y, x) or part of several; ``where`` tells which.

        Pixels that nobody else has, ``is_ours``, need not be copied.
        """
        # Values beyond float32 become infinite, and are then reported as such.
        with np.errstate(over="ignore"):
            pixels = self._corrected(raw.astype(np.float32, copy=not is_ours))
        if raw.dtype.kind == "f" and not np.isfinite(pixels).all():
            bad = np.count_nonzero(~np.isfinite(pixels))
            raise BadPixels(
                self.path, f"has {bad:,} NaN or infinite pixels in {where}", self._remedy
            )
        return pixels

    def _corrected(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return image


@dataclass(frozen=True, eq=False, repr=False)
class StillStack(ImageStack):
    """Several images (image, y, x) that are no frames of one exposure; made by `open_image`.

    Attributes
    ----------
    why
        Whose word it is that they are none, to be put after "by".
    """

    why: str = field(default="its header", kw_only=True)

    kind: ClassVar[StackKind] = "images"
    what: ClassVar[str] = "a stack of separate images"

    @classmethod
    def from_source(
        cls,
        source: FrameSource,
        path: Path,
        pixel_size_angstrom: float | None = None,
        *,
        why: str = "its header",
        notes: tuple[str, ...] = (),
    ) -> Self:
        """Make a stack of a file's images; a pixel size (Å) that is given wins over the file's.

        Raises
        ------
        BadValue
            When the given pixel size cannot be right.
        """
        stated = source.notes + notes
        size, told = overridden(pixel_size_angstrom, source.pixel_size_angstrom, stated)
        return cls(source, path, pixel_size_angstrom=size, header_notes=told, why=why)

    @property
    def refusal(self) -> UnreadableFile:
        """What to say where frames of one exposure, or a single image, are wanted."""
        return UnreadableFile(
            self.path,
            f"is {self.what} by {self.why}",
            "If its images are frames of one exposure, say so: --kind movie.",
        )

    def section(self, index: int) -> NDArray[np.float32]:
        """Give one section, shape (y, x).

        Raises
        ------
        IndexError
            When there is no such section.
        UnreadableFile
            When the section is torn or damaged.
        BadPixels
            When the section holds NaN or infinite pixels.
        """
        return self._image(index)

    def typical_pixels(self) -> NDArray[np.float32]:
        """Give pixels (y, x) by which the contrast can be set: the middle image.

        Raises
        ------
        UnreadableFile, BadPixels
            They are torn or damaged, NaN or infinite.
        """
        return self.section(len(self) // 2)


class TiltSeries(StillStack):
    """Images of one field (tilt, y, x), each at an angle of its own."""

    _part = "tilt"
    kind = "tilt series"
    what = "a tilt series"


class SeparateImages(StillStack):
    """Images of different things (image, y, x): particles, classes, channels, positions."""
