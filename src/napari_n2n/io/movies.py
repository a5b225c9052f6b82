"""Movies: lazy stacks of frames, calibrated, gain-corrected as they are read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from napari_n2n.errors import BadValue, ShapeMismatch, UnreadableFile
from napari_n2n.io.defects import fill_with_neighbours
from napari_n2n.io.formats import open_source
from napari_n2n.io.pixel_size import overridden
from napari_n2n.io.sources import ArraySource
from napari_n2n.io.stacks import ImageStack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.eer import EerRendering
    from napari_n2n.io.gain import GainReference
    from napari_n2n.io.sources import FrameSource
    from napari_n2n.io.stack_kinds import StackJudgement


class MovieChanges(TypedDict, total=False):
    """What `Movie.replaced` can replace; see there."""

    pixel_size_angstrom: float | None
    dose_per_frame: float | None
    gain: GainReference | None
    defects: NDArray[np.bool_] | None
    eer: EerRendering | None


@dataclass(frozen=True)
class _Corrections:
    """What is done to every frame: multiplied by ``factor``, ``defects`` filled in; both (y, x)."""

    factor: NDArray[np.float32] | None
    defects: NDArray[np.bool_] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Movie(ImageStack):
    """A lazy stack of frames; made by `open_image`, `open_movie` or `Movie.from_array`.

    Nothing but the header is read until a frame is asked for, and then that frame only. A movie
    holds no open file, can be sent to another process, and never changes: see `replaced`.

    Attributes
    ----------
    dose_per_frame
        e/Å², or None where unknown.
    gain
        Applied to every frame as it is read.
    defects
        (y, x) True at pixels to be filled in from their neighbours, beside those the gain
        reference shows.
    judgement
        Who says that its images are frames of one exposure; None: whoever made the movie.

    Raises
    ------
    ShapeMismatch
        When the gain reference or the defects do not fit the frames.
    """

    dose_per_frame: float | None = field(default=None, kw_only=True)
    gain: GainReference | None = field(default=None, kw_only=True)
    defects: NDArray[np.bool_] | None = field(default=None, kw_only=True)
    judgement: StackJudgement | None = field(default=None, kw_only=True)

    _part = "frame"
    _remedy = "Write the movie anew from the camera's data, or leave it out."

    def __post_init__(self) -> None:
        if self.defects is not None and self.defects.shape != self.shape[1:]:
            raise ShapeMismatch(
                self.path,
                f"has frames of shape {self.shape[1:]}, the map of defects has "
                f"{self.defects.shape}",
                "Make the map of defects from this movie.",
            )
        if self.gain is not None:
            self.gain.require_fit((self.shape[1], self.shape[2]), self.path, self.source.row_order)

    @classmethod
    def from_source(cls, source: FrameSource, path: Path, **given: Unpack[MovieChanges]) -> Movie:
        """Make a movie of a file's frames; what is given, and not None, wins over the file.

        Raises
        ------
        UnreadableFile
            When the frames are in colour.
        ShapeMismatch
            When the gain reference or the defects do not fit the frames.
        BadValue
            When the given pixel size or dose cannot be right.
        """
        if source.is_rgb:
            raise UnreadableFile(
                path, "is a colour photograph, not a movie", "Open it as an image."
            )
        movie = cls(
            source,
            path,
            pixel_size_angstrom=source.pixel_size_angstrom,
            dose_per_frame=source.dose_per_frame,
            header_notes=source.notes,
        )
        said: Any = {name: value for name, value in given.items() if value is not None}
        return movie.replaced(**said) if said else movie

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

    def replaced(self, **changes: Unpack[MovieChanges]) -> Movie:
        """Give the same movie with something else about it; the file is not opened again.

        Parameters
        ----------
        pixel_size_angstrom, dose_per_frame
            Å and e/Å², or None: unknown.
        gain
            Another gain reference, or None: none.
        defects
            Another map (y, x) of pixels to be filled in from their neighbours, or None: none.
        eer
            How raw EER frames are rendered; ignored for other formats. Pixel size and dose become
            what the file says of such frames, unless they are given as well.

        Raises
        ------
        ShapeMismatch
            When the gain reference or the defects do not fit the frames.
        BadValue
            When the pixel size or dose cannot be right.
        UnreadableFile
            When the file cannot be rendered so.
        """
        told: dict[str, Any] = dict(changes)
        start = self._rendered(told.pop("eer")) if "eer" in told else self
        size, dose = told.get("pixel_size_angstrom"), told.get("dose_per_frame")
        if size is not None:
            size, notes = overridden(size, None, start.header_notes)
            told |= {"pixel_size_angstrom": size, "header_notes": notes}
        if dose is not None and not dose > 0:
            raise BadValue(f"A dose per frame must be positive, not {dose} e/Å².")
        return replace(start, **told)

    def noted(self, notes: tuple[str, ...]) -> Movie:
        """Give the same movie with further sentences for the user."""
        return replace(self, header_notes=self.header_notes + notes) if notes else self

    def judged(self, judgement: StackJudgement | None) -> Movie:
        """Give the same movie with what is known of its images."""
        return replace(self, judgement=judgement)

    def _rendered(self, eer: EerRendering | None) -> Movie:
        if self.source.row_order != "eer":
            return self
        from napari_n2n.io.eer import EerSource

        assert isinstance(self.source, EerSource)
        source = self.source.rendered(eer)
        return replace(
            self,
            source=source,
            pixel_size_angstrom=source.pixel_size_angstrom,
            dose_per_frame=source.dose_per_frame,
            header_notes=source.notes,
        )

    @cached_property
    def _corrections(self) -> _Corrections:
        """Lay the gain reference on the frames, once they or their notes are asked for."""
        notes: tuple[str, ...] = ()
        factor = None
        defects = self.defects
        if self.gain is not None:
            order = self.source.row_order
            factor, broken = self.gain.laid_on((self.shape[1], self.shape[2]), self.path, order)
            defects = broken if defects is None else defects | broken
            notes += self.gain.notes_for(order)
        if defects is None or not defects.any():
            return _Corrections(factor, None, notes)
        notes += (
            f"{np.count_nonzero(defects):,} dead or hot pixels are filled in from their "
            "neighbours.",
        )
        return _Corrections(factor, defects, notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user, of the header and of what is done to the frames."""
        of_kind = () if self.judgement is None else self.judgement.notes
        return self.header_notes + of_kind + self._corrections.notes

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
        return self._image(index)

    def _corrected(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        corrections = self._corrections
        if corrections.factor is not None:
            image *= corrections.factor
        if corrections.defects is not None:
            image = fill_with_neighbours(image, corrections.defects)
        return image


def open_movie(
    path: Path | str,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    gain: GainReference | None = None,
    eer: EerRendering | None = None,
) -> Movie:
    """Open a file as a movie, whatever its header calls it, without reading its pixels.

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
    return Movie.from_source(
        open_source(path, eer),
        path,
        pixel_size_angstrom=pixel_size_angstrom,
        dose_per_frame=dose_per_frame,
        gain=gain,
    )
