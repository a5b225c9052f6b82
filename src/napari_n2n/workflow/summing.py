"""From a file to what is denoised: an image, or the sums of a movie's odd, even and all frames."""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import Micrograph, Movie, Photograph, Volume, open_image
from napari_n2n.progress import Progress
from napari_n2n.workflow.movie_settings import MovieSettings, open_with

if TYPE_CHECKING:
    from napari_n2n.motion import Halves


def open_field(path: Path, settings: MovieSettings) -> Movie | Micrograph | Photograph:
    """Open the file of one field of view as ``settings`` say; its pixels are not read yet.

    Raises
    ------
    N2NError
        It cannot be read, is a volume, or the gain reference does not fit it.
    """
    opened = open_image(
        path,
        pixel_size_angstrom=settings.pixel_size_angstrom,
        dose_per_frame=settings.dose_per_frame,
        gain=settings.gain,
        eer=settings.eer,
    )
    if isinstance(opened, Volume):
        raise UnreadableFile(
            path,
            "is a volume by its header",
            "If it is a movie, sum its frames with napari-n2n halves and give the sum.",
        )
    return opened


def open_grey_field(path: Path, settings: MovieSettings) -> Movie | Micrograph:
    """Do as `open_field`, for what is in shades of grey.

    Raises
    ------
    N2NError
        As `open_field`, or it is in colour.
    """
    opened = open_field(path, settings)
    if isinstance(opened, Photograph):
        raise UnreadableFile(path, "is a colour photograph", "Give micrographs or movies.")
    return opened


def halves_of_movie_steps(
    movie: Movie, settings: MovieSettings
) -> Generator[Progress, None, "Halves"]:
    """Sum the odd, even and all frames of a movie, aligned.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    from napari_n2n.motion import MotionConfig, align, sum_halves

    if settings.aligned:
        return (yield from sum_halves(movie))
    return (yield from align(movie, settings.motion or MotionConfig()))


def halves_of_file(path: Path, settings: MovieSettings) -> Generator[Progress, None, "Halves"]:
    """Open the movie at ``path`` and sum its odd, even and all frames, aligned.

    What its header calls a volume is taken for a movie, as somebody says that it is one.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    return (yield from halves_of_movie_steps(open_with(path, settings), settings))
