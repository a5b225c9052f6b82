"""From a movie to the aligned sums of its odd, even and all frames."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.io import Movie
from napari_n2n.progress import Steps, Stop, never, stoppable
from napari_n2n.workflow.movie_reader import MovieReader

if TYPE_CHECKING:
    from napari_n2n.motion import Halves, MotionConfig


def sums_steps(
    movie: Movie,
    *,
    aligned: bool = False,
    motion: "MotionConfig | None" = None,
    device: str = "auto",
    stop: Stop = never,
) -> "Steps[Halves]":
    """Align a movie's frames, unless they are ``aligned``, and sum the odd, the even and all.

    ``device`` wins over that of ``motion``, unless it is ``"auto"``.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.motion import MotionConfig, align_steps, sum_halves_steps

    if aligned:
        return (yield from stoppable(sum_halves_steps(movie), stop))
    config = MotionConfig() if motion is None else motion
    if device != "auto":
        config = config.replaced(device=device)
    return (yield from stoppable(align_steps(movie, config), stop))


def sums_of_file_steps(
    path: Path,
    movies: MovieReader,
    *,
    motion: "MotionConfig | None" = None,
    device: str = "auto",
    stop: Stop = never,
) -> "Steps[Halves]":
    """Open the movie at ``path`` and sum its frames; see `sums_steps`.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    movie, aligned = movies.open_movie(path), movies.recording.aligned
    steps = sums_steps(movie, aligned=aligned, motion=motion, device=device, stop=stop)
    return (yield from steps)
