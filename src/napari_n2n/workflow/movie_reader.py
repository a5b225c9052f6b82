"""Opening movies and micrographs as they were recorded."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    EerRendering,
    Micrograph,
    Movie,
    Photograph,
    StillStack,
    open_image,
    read_gain,
)
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.said_kinds import said_kind_of

if TYPE_CHECKING:
    from napari_n2n.io.movies import MovieChanges


class MovieReader:
    """Opens files as a recording says; its gain reference is read once, when this is made.

    Parameters
    ----------
    recording
        By default the files tell everything.

    Raises
    ------
    N2NError
        The gain reference cannot be read.
    """

    def __init__(self, recording: RecordingOptions | None = None) -> None:
        self.recording = said = RecordingOptions() if recording is None else recording
        self.gain = None
        if said.gain is not None:
            self.gain = read_gain(
                said.gain,
                operation=said.gain_operation,
                rotation=said.gain_rotation,
                flip=said.gain_flip,
            )
        self.eer = EerRendering(
            said.eer_frames,
            said.eer_dose,
            said.eer_raw_dose,
            said.eer_upsampling,
            said.eer_grouping,
        )

    def with_told_pixel_size(self, pixel_size_angstrom: float) -> Self:
        """Return a reader that takes a pixel size (Å) if the recording says none.

        Its gain is not read again.
        """
        if self.recording.pixel_size_angstrom is not None:
            return self
        other = copy(self)
        other.recording = self.recording.replaced(pixel_size_angstrom=pixel_size_angstrom)
        return other

    def open_field(self, path: Path) -> Movie | Micrograph | Photograph:
        """Open the file of one field of view; its pixels are not read yet.

        Raises
        ------
        N2NError
            It cannot be read, its images are no frames of one exposure, or the gain reference
            does not fit it.
        """
        opened = open_image(
            path,
            pixel_size_angstrom=self.recording.pixel_size_angstrom,
            dose_per_frame=self.recording.dose_per_frame,
            gain=self.gain,
            eer=self.eer,
            kind=self.recording.stack_kind,
        )
        if isinstance(opened, StillStack):
            raise opened.refusal
        if isinstance(opened, Movie):
            _require_known(opened)
        in_vain = self._in_vain(opened)
        if not in_vain:
            return opened
        if isinstance(opened, Movie):
            return opened.noted(in_vain)
        return replace(opened, notes=opened.notes + in_vain)

    def _in_vain(self, opened: Movie | Micrograph | Photograph) -> tuple[str, ...]:
        """Say what of the recording means nothing for a file."""
        names = self.recording.in_vain(
            is_movie=isinstance(opened, Movie), is_eer=opened.source.row_order == "eer"
        )
        if not names:
            return ()
        what = "no EER" if isinstance(opened, Movie) else "a single image, not a movie"
        return (f"It is {what}: what was said of {' and '.join(names)} does not apply to it.",)

    def open_grey_field(self, path: Path) -> Movie | Micrograph:
        """Do as `open_field`, for what is in shades of grey.

        Raises
        ------
        N2NError
            As `open_field`, or it is in colour.
        """
        opened = self.open_field(path)
        if isinstance(opened, Photograph):
            raise UnreadableFile(path, "is a colour photograph", "Give micrographs or movies.")
        return opened

    def open_movie(self, path: Path) -> Movie:
        """Open a file as a movie; a single image is one of one frame.

        Raises
        ------
        N2NError
            It cannot be read, its images are no frames of one exposure, or the gain reference
            does not fit it.
        """
        opened = self.open_field(path)
        if isinstance(opened, Movie):
            return opened
        return Movie.from_source(
            opened.source, path, pixel_size_angstrom=opened.pixel_size_angstrom
        )

    def applied_to(self, movie: Movie) -> Movie:
        """Return a movie that is open as it was recorded; what was not said stays as it is.

        Raises
        ------
        N2NError
            The gain reference does not fit it, or it cannot be rendered so.
        """
        said = self.recording
        changes: MovieChanges = {}
        if self.eer != EerRendering():
            changes["eer"] = self.eer
        if self.gain is not None:
            changes["gain"] = self.gain
        if said.pixel_size_angstrom is not None:
            changes["pixel_size_angstrom"] = said.pixel_size_angstrom
        if said.dose_per_frame is not None:
            changes["dose_per_frame"] = said.dose_per_frame
        return movie.replaced(**changes)


def _require_known(movie: Movie) -> None:
    """Make sure that something, or somebody, tells that images are frames of one exposure.

    Raises
    ------
    UnreadableFile
        Nothing does: sums of a volume's sections would look like a micrograph.
    """
    judgement = movie.judgement
    if judgement is None or judgement.is_known or said_kind_of(movie.path) == "movie":
        return
    raise UnreadableFile(
        movie.path,
        f"has {len(movie)} images, and nothing tells whether they are frames of one exposure",
        "If they are, say so: --kind movie, in napari Images are. Volumes, tilt series and "
        "separate images have no sum.",
    )
