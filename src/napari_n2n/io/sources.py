"""The seam between a movie and the formats: something that gives one stored frame at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RowOrder = Literal["mrc", "tiff", "eer", "memory"]
"""Whose convention the rows of a frame follow: it decides how a gain reference is laid on it."""

ImageKind = Literal["movie", "micrograph", "photograph", "volume"]
"""What a file holds, by its header: frames in time, one image, one of PNG or JPEG or in colour, or
sections in space."""


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
        (frame, y, x), or one frame (y, x).
    pixel_size_angstrom, dose_per_frame
        Å and e/Å², where known.
    """

    format = "in memory"
    row_order: RowOrder = "memory"
    kind: ImageKind = "movie"
    is_rgb = False
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        frames: NDArray[Any],
        pixel_size_angstrom: float | None = None,
        dose_per_frame: float | None = None,
    ) -> None:
        if not hasattr(frames, "ndim"):
            frames = np.asarray(frames)
        if frames.ndim == 2:
            frames = frames[np.newaxis]
        if frames.ndim != 3 or 0 in frames.shape:
            raise ValueError(f"Frames must have the shape (frame, y, x), not {frames.shape}.")
        self._frames = frames
        self.shape = (int(frames.shape[0]), int(frames.shape[1]), int(frames.shape[2]))
        self.dtype = np.dtype(frames.dtype)
        self.pixel_size_angstrom = pixel_size_angstrom
        self.dose_per_frame = dose_per_frame

    def read(self, index: int) -> NDArray[Any]:
        """Give frame `index`, shape (y, x)."""
        return np.asarray(self._frames[index])
