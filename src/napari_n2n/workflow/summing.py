"""From a movie's file to the aligned sums of its odd, even and all frames."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    Micrograph,
    inspect_file,
    read_micrograph,
)
from napari_n2n.progress import Steps
from napari_n2n.workflow.movie_settings import MovieSettings, open_with

if TYPE_CHECKING:
    from napari_n2n.motion import Halves


def is_movie(path: Path) -> bool:
    """Whether the file has frames to be aligned, or is one image.

    Raises
    ------
    UnreadableFile
        It cannot be read, or is a volume.
    """
    kind = inspect_file(path).kind
    if kind == "volume":
        raise UnreadableFile(
            path,
            "is a volume by its header",
            "If it is a movie, sum its frames with napari-n2n halves and give the sum.",
        )
    return kind == "movie"


def read_grey(path: Path, pixel_size_angstrom: float | None) -> Micrograph:
    """Read a micrograph.

    Raises
    ------
    UnreadableFile
        It cannot be read, or is in colour.
    """
    image = read_micrograph(path, pixel_size_angstrom=pixel_size_angstrom)
    if image.is_rgb:
        raise UnreadableFile(path, "is a colour photograph", "Give micrographs or movies.")
    return image


def halves_of_file_steps(path: Path, settings: MovieSettings) -> Steps["Halves"]:
    """Open the movie at ``path`` and sum its odd, even and all frames, aligned.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    from napari_n2n.motion import MotionConfig, align_steps, sum_halves_steps

    movie = open_with(path, settings)
    if settings.aligned:
        return (yield from sum_halves_steps(movie))
    return (yield from align_steps(movie, settings.motion or MotionConfig()))
