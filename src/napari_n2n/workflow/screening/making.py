"""What is made of one file: sums, a denoised image, figures, particles. Nothing is written here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n import quality
from napari_n2n.background import in_background
from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.interruption import Interrupted
from napari_n2n.io import Movie
from napari_n2n.particles import (
    PickingConfig,
    Stopped,
    find_contamination,
    pick_steps,
    suggested_threshold,
)
from napari_n2n.particles.significance import left_out_sentence, standing_out
from napari_n2n.progress import Progress, stoppable
from napari_n2n.workflow.summing import halves_of_movie_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.io import Micrograph, Particles
    from napari_n2n.motion import Halves
    from napari_n2n.workflow.screening.settings import ScreenSettings

    Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MicrographImages:
    """A file as it was recorded and denoised, both (y, x), and what they tell.

    ``figures`` is None where they were kept from earlier.
    """

    raw: Image
    denoised: Image
    pixel_size_angstrom: float | None
    figures: dict[str, float] | None = None
    notes: tuple[str, ...] = ()
    is_movie: bool = False


@dataclass(frozen=True, eq=False)
class MicrographPicks:
    """Candidates, and the score from which on they count as particles."""

    particles: Particles
    threshold: float
    notes: tuple[str, ...] = ()


def make_pictures(
    opened: Movie | Micrograph,
    denoiser: Denoiser,
    settings: ScreenSettings,
    stop: Callable[[], bool],
) -> Generator[Progress, None, MicrographImages]:
    """Align a movie or read a micrograph, denoise it, and take its figures.

    A movie's sum is denoised whole, not its halves apart: the result is the same within 0.1 % and
    takes half as long.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    halves: Halves | None = None
    if isinstance(opened, Movie):
        summing = halves_of_movie_steps(opened, aligned=settings.movies.recording.aligned)
        halves = yield from stoppable(summing, stop, Interrupted)
        raw, size, notes = halves.full, halves.pixel_size_angstrom, halves.notes
    else:
        raw, size, notes = opened.pixels, opened.pixel_size_angstrom, opened.notes
    result = yield from denoise_steps(
        raw, denoiser, pixel_size_angstrom=size, device=settings.device, stop=stop
    )
    measuring = in_background(lambda: _figures(raw, result.pixels, size, halves), "measuring")
    figures = yield from stoppable(measuring, stop, Interrupted)
    return MicrographImages(
        raw, result.pixels, size, figures, (*notes, *result.notes), is_movie=halves is not None
    )


def _figures(
    raw: Image, denoised: Image, size: float | None, halves: Halves | None
) -> dict[str, float]:
    figures = quality.image_figures(raw, size, denoised)
    if halves is not None:
        figures |= quality.half_figures(halves.odd, halves.even, size)
        moved = halves.trajectory
        # Frames that showed nothing to measure motion by were not still: nobody knows. Without a
        # pixel size a trajectory is in pixels.
        if moved is not None and moved.error_angstrom is not None and size is not None:
            dose = None if halves.dose is None else halves.dose / len(moved.shifts_angstrom)
            figures |= quality.drift_figures(moved.shifts_angstrom, dose)
    return figures


def find_particles(
    pictures: MicrographImages, diameter_angstrom: float, stop: Callable[[], bool]
) -> Generator[Progress, None, MicrographPicks]:
    """Find particles of a diameter, away from contamination.

    Raises
    ------
    N2NError
        The image does not allow it.
    Interrupted
        ``stop`` became true.
    """
    image, size = pictures.denoised, pictures.pixel_size_angstrom
    assert size is not None
    looking = in_background(
        lambda: find_contamination(image, size, diameter_angstrom=diameter_angstrom),
        "looking for contamination",
    )
    avoid = yield from stoppable(looking, stop, Interrupted)
    config = PickingConfig(diameter_angstrom=diameter_angstrom)
    try:
        found = yield from pick_steps(image, size, config, avoid=avoid, stop=stop)
    except Stopped:
        raise Interrupted from None
    threshold = suggested_threshold(found.scores)
    kept = standing_out(found, image, pictures.raw, diameter_angstrom / size, threshold)
    left_out = left_out_sentence(len(found) - len(kept))
    return MicrographPicks(kept, float(threshold), (left_out,) if left_out else ())


def with_score(figures: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the figures with the overall score of them, and its reasons in words."""
    told = {name: value for name, value in figures.items() if name != "score"}
    score = quality.overall(told)
    if not math.isnan(score.value):
        told["score"] = score.value
    return told, score.reasons
