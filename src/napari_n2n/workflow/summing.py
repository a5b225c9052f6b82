"""From a movie to the aligned sums of its odd, even and all frames."""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.io import Movie
from napari_n2n.progress import Progress
from napari_n2n.workflow.movie_reader import MovieReader

if TYPE_CHECKING:
    from napari_n2n.motion import Halves, MotionConfig


def halves_of_movie_steps(
    movie: Movie, *, aligned: bool = False, motion: "MotionConfig | None" = None
) -> Generator[Progress, None, "Halves"]:
    """Sum the odd, even and all frames of a movie, aligned, unless they are ``aligned`` already.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    from napari_n2n.motion import MotionConfig, align, sum_halves

    if aligned:
        return (yield from sum_halves(movie))
    return (yield from align(movie, motion or MotionConfig()))


def halves_of_file(
    path: Path, movies: MovieReader, motion: "MotionConfig | None" = None
) -> Generator[Progress, None, "Halves"]:
    """Open the movie at ``path`` and sum its odd, even and all frames, aligned.

    What its header calls a volume is taken for a movie, as somebody says that it is one.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    movie, aligned = movies.open_movie(path), movies.recording.aligned
    return (yield from halves_of_movie_steps(movie, aligned=aligned, motion=motion))
