"""The seam between a movie and the formats: something that gives one stored frame at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RowOrder = Literal["mrc", "tiff", "eer", "memory"]
"""Whose convention the rows of a frame follow: it decides how a gain reference is laid on it."""

ImageKind = Literal["movie", "micrograph", "photograph", "volume", "tilt series", "images"]
"""What a file holds: frames in time, one image, one of PNG or JPEG or in colour, sections in space,
tilts, or separate images. Several images `napari_n2n.io.stack_kinds` tells apart."""


@runtime_checkable
class FrameSource(Protocol):
    """Frames of one file, read one at a time; holds no pixels and no open file."""

    format: str
    """For people: ``"MRC"``, ``"TIFF (LZW)"``, ``"EER"``."""
    row_order: RowOrder
    shape: tuple[int, int, int]
    """(frame, y, x)"""
    dtype: np.dtype[Any]
    """As stored."""
    pixel_size_angstrom: float | None
    dose_per_frame: float | None
    """e/Å², or None where the file does not say."""
    kind: ImageKind
    is_rgb: bool
    """Whether `read` gives colours, (y, x, 3 or 4)."""
    notes: tuple[str, ...]

    def read(self, index: int) -> NDArray[Any]:
        """Give frame `index` (0 ≤ index < number of frames) as stored, (y, x) or in colour.

        Raises
        ------
        UnreadableFile
            When the frame is torn or cannot be decoded.
        """
        ...


class ArraySource:
    """Frames of an array: of numpy, or a lazy one such as dask's, computed frame by frame.

    Parameters
    ----------
    frames
        (frame, y, x), or one frame (y, x); of a photograph (y, x, 3).
    pixel_size_angstrom, dose_per_frame
        Å and e/Å², where known.
    is_rgb
        Whether it is a photograph.
    """

    format = "in memory"
    row_order: RowOrder = "memory"
    kind: ImageKind = "movie"
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        frames: NDArray[Any],
        pixel_size_angstrom: float | None = None,
        dose_per_frame: float | None = None,
        *,
        is_rgb: bool = False,
    ) -> None:
        if not hasattr(frames, "ndim"):
            frames = np.asarray(frames)
        if frames.ndim == 2 or is_rgb:
            frames = frames[np.newaxis]
        if frames.ndim != 3 + is_rgb or 0 in frames.shape:
            raise ValueError(f"Frames must have the shape (frame, y, x), not {frames.shape}.")
        self._frames = frames
        self.is_rgb = is_rgb
        self.shape = (int(frames.shape[0]), int(frames.shape[1]), int(frames.shape[2]))
        self.dtype = np.dtype(frames.dtype)
        self.pixel_size_angstrom = pixel_size_angstrom
        self.dose_per_frame = dose_per_frame

    def read(self, index: int) -> NDArray[Any]:
        """Give frame `index`, shape (y, x), or (y, x, 3)."""
        return np.asarray(self._frames[index])
