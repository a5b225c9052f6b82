"""Movies: lazy stacks of frames, calibrated, gain-corrected as they are read."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from napari_n2n.errors import BadPixels, BadValue, ShapeMismatch, UnreadableFile
from napari_n2n.io.defects import replace_defects
from napari_n2n.io.pixel_size import overridden
from napari_n2n.io.sniffing import open_source
from napari_n2n.io.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_n2n.io.eer import EerRendering
    from napari_n2n.io.gain import GainReference
    from napari_n2n.io.sources import FrameSource


class Movie:
    """A lazy stack of frames; made by `open_movie` or `Movie.from_array`.

    Nothing but the header is read until a frame is asked for, and then that frame only. A movie
    holds no open file and can be sent to another process.

    Parameters
    ----------
    source
        Where the frames come from.
    path
        The file, or a name for messages.
    pixel_size_angstrom, dose_per_frame
        Å and e/Å², or None where unknown.
    notes
        Sentences for the user.
    gain
        Applied to every frame as it is read.
    defects
        (y, x) True at pixels to be filled in from their neighbours, beside those the gain
        reference shows.

    Raises
    ------
    ShapeMismatch
        When the gain reference or the defects do not fit the frames.
    """

    def __init__(
        self,
        source: FrameSource,
        path: Path,
        *,
        pixel_size_angstrom: float | None = None,
        dose_per_frame: float | None = None,
        notes: tuple[str, ...] = (),
        gain: GainReference | None = None,
        defects: NDArray[np.bool_] | None = None,
    ) -> None:
        self._source = source
        self.path = path
        self.shape: tuple[int, int, int] = source.shape
        self.dtype: np.dtype[Any] = source.dtype
        self.pixel_size_angstrom = pixel_size_angstrom
        self.dose_per_frame = dose_per_frame
        self.gain = gain
        self._own_notes = notes
        self._own_defects = defects
        self._factor: NDArray[np.float32] | None = None
        self._defects: NDArray[np.bool_] | None = None
        self._lay_on_corrections()

    def _lay_on_corrections(self) -> None:
        self.notes = self._own_notes
        defects = self._own_defects
        if defects is not None and defects.shape != self.shape[1:]:
            raise ShapeMismatch(
                self.path,
                f"has frames of shape {self.shape[1:]}, the map of defects has {defects.shape}",
                "Make the map of defects from this movie.",
            )
        if self.gain is not None:
            order = self._source.row_order
            self._factor, broken = self.gain.laid_on(
                (self.shape[1], self.shape[2]), self.path, order
            )
            defects = broken if defects is None else defects | broken
            if self.gain.reverses_rows_for(order):
                self.notes += (
                    "The rows of the gain reference were reversed, because one of gain and movie "
                    "is a TIFF and the other an MRC (as in RELION, IMOD and MotionCor2).",
                )
        if defects is not None and defects.any():
            self._defects = defects
            self.notes += (
                f"{np.count_nonzero(defects):,} dead or hot pixels are filled in from their "
                "neighbours.",
            )

    @classmethod
    def from_array(
        cls,
        frames: NDArray[Any],
        pixel_size_angstrom: float | None = None,
        dose_per_frame: float | None = None,
        path: Path | str | None = None,
        gain: GainReference | None = None,
    ) -> Movie:
        """Make a movie of frames in memory.

        Parameters
        ----------
        frames
            (frame, y, x), of numpy or of dask (computed frame by frame).
        pixel_size_angstrom, dose_per_frame
            Å and e/Å², or None where unknown.
        path
            A name for messages.
        gain
            Applied to every frame as it is read.
        """
        return cls(
            ArraySource(frames),
            Path(path) if path is not None else Path("movie in memory"),
            pixel_size_angstrom=pixel_size_angstrom,
            dose_per_frame=dose_per_frame,
            gain=gain,
        )

    def with_gain(self, gain: GainReference | None) -> Movie:
        """Give the same movie with another gain reference, or with none.

        Raises
        ------
        ShapeMismatch
            When the gain reference does not fit the frames.
        """
        return self._changed(gain=gain)

    def with_defects(self, defects: NDArray[np.bool_] | None) -> Movie:
        """Give the same movie with these pixels, (y, x), filled in from their neighbours.

        Raises
        ------
        ShapeMismatch
            When the map does not fit the frames.
        """
        return self._changed(defects=defects)

    def _changed(self, **changes: Any) -> Movie:
        settings: dict[str, Any] = {
            "pixel_size_angstrom": self.pixel_size_angstrom,
            "dose_per_frame": self.dose_per_frame,
            "notes": self._own_notes,
            "gain": self.gain,
            "defects": self._own_defects,
        }
        return Movie(self._source, self.path, **{**settings, **changes})

    @property
    def format(self) -> str:
        """What the frames are stored as, for people: ``"MRC"``."""
        return self._source.format

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def raw_frame(self, index: int) -> NDArray[Any]:
        """Give one frame as stored, shape (y, x).

        Raises
        ------
        IndexError
            When there is no such frame.
        UnreadableFile
            When the frame is torn or damaged.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.path.name} has {len(self)} frames; there is no {index}.")
        return self._source.read(index % len(self))

    def frame(self, index: int) -> NDArray[np.float32]:
        """Give one frame, gain applied and defects filled in, shape (y, x).

        Raises
        ------
        IndexError
            When there is no such frame.
        UnreadableFile
            When the frame is torn or damaged.
        BadPixels
            When the frame holds NaN or infinite pixels that no gain reference marks as broken.
        """
        raw = self.raw_frame(index)
        # Values beyond float32 become infinite, and are then reported as such.
        with np.errstate(over="ignore"):
            frame = raw.astype(np.float32)
        if self._factor is not None:
            frame *= self._factor
        if self._defects is not None:
            frame = replace_defects(frame, self._defects)
        if raw.dtype.kind == "f" and not np.isfinite(frame).all():
            bad = np.count_nonzero(~np.isfinite(frame))
            raise BadPixels(
                self.path,
                f"has {bad:,} NaN or infinite pixels in frame {index % len(self) + 1}",
                "Write the movie anew from the camera's data, or leave it out.",
            )
        return frame

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, index: slice) -> NDArray[np.float32]: ...

    def __getitem__(self, index: int | slice) -> NDArray[np.float32]:
        """Give one frame (y, x), or several (frame, y, x), corrected."""
        if not isinstance(index, slice):
            return self.frame(int(index))
        chosen = range(*index.indices(len(self)))
        frames = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for place, number in enumerate(chosen):
            frames[place] = self.frame(number)
        return frames

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Give the corrected frames one after the other."""
        return (self.frame(index) for index in range(len(self)))

    def as_dask(self) -> Any:
        """Give a dask array (frame, y, x) of float32, one chunk a frame, nothing read yet."""
        import dask.array as da

        def read(block_info: Any = None) -> NDArray[np.float32]:
            number: int = block_info[None]["array-location"][0][0]
            return self.frame(number)[np.newaxis]

        _, height, width = self.shape
        chunks = ((1,) * len(self), (height,), (width,))
        return da.map_blocks(
            read,
            # A name of its own: making one up, dask would hash every pixel of frames in memory.
            name=f"movie-{uuid.uuid4().hex}",
            chunks=chunks,
            dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32),
        )

    def __repr__(self) -> str:
        """Describe the movie in a line."""
        count, height, width = self.shape
        size = "?" if self.pixel_size_angstrom is None else f"{self.pixel_size_angstrom:.4g}"
        return f"<Movie {self.path.name}: {count} frames of {width} × {height}, {size} Å/px>"


def open_movie(
    path: Path | str,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    gain: GainReference | None = None,
    eer: EerRendering | None = None,
) -> Movie:
    """Open a movie without reading its pixels.

    Parameters
    ----------
    path
        MRC, MRCS (also gzip or bzip2), TIFF or EER; the content decides, not the extension. A
        single image is a movie of one frame.
    pixel_size_angstrom
        Å; wins over the file's. For EER it is that of the rendered pixels.
    dose_per_frame
        e/Å²; wins over the file's.
    gain
        Gain reference applied to every frame.
    eer
        How raw EER frames are rendered; ignored for other formats.

    Raises
    ------
    UnreadableFile
        When the file is missing, torn, damaged, or no greyscale movie.
    ShapeMismatch
        When the gain reference does not fit.
    BadValue
        When the given pixel size or dose cannot be right.
    """
    path = Path(path)
    if dose_per_frame is not None and not dose_per_frame > 0:
        raise BadValue(f"A dose per frame must be positive, not {dose_per_frame} e/Å².")
    source = open_source(path, eer)
    if getattr(source, "is_rgb", False):
        raise UnreadableFile(path, "is a colour photograph, not a movie", "Open it as an image.")
    pixel_size, notes = overridden(pixel_size_angstrom, source.pixel_size_angstrom, source.notes)
    return Movie(
        source,
        path,
        pixel_size_angstrom=pixel_size,
        dose_per_frame=source.dose_per_frame if dose_per_frame is None else dose_per_frame,
        notes=notes,
        gain=gain,
    )
