"""What is measured on one file, and made of it. Nothing is written here."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_n2n import quality
from napari_n2n.background import background_steps
from napari_n2n.io import Micrograph, Movie
from napari_n2n.progress import Steps, Stop, stoppable
from napari_n2n.workflow.contrast import with_contrast
from napari_n2n.workflow.denoising import denoise_field_steps
from napari_n2n.workflow.movie_sums import sums_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.motion import Halves
    from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
    from napari_n2n.workflow.screening.settings import ScreenSettings

_NEGATIVE_STAIN = (
    "It is judged as negative stain: its figures are those of the image turned from bright to dark."
)


def measured_steps(
    opened: Movie | Micrograph, denoiser: Denoiser, settings: ScreenSettings, stop: Stop
) -> Steps[tuple[DenoisedMicrograph, dict[str, float]]]:
    """Align a movie or read a micrograph, denoise it, and take its figures.

    A movie's sum is denoised whole, not its halves apart, which takes half as long.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    image: Halves | Micrograph
    if isinstance(opened, Movie):
        aligned = settings.movies.recording.aligned
        image = yield from sums_steps(opened, aligned=aligned, device=settings.device, stop=stop)
    else:
        image = opened
    denoised = yield from denoise_field_steps(
        image,
        denoiser,
        device=settings.device,
        apart=False,
        contrast=settings.contrast,
        stop=stop,
    )
    denoised = with_contrast(denoised)
    if denoised.contrast == "bright":
        denoised = replace(denoised, notes=(*denoised.notes, _NEGATIVE_STAIN))
    diameter = settings.diameter_angstrom
    figures = yield from stoppable(
        background_steps(lambda: _figures(denoised, diameter), "measuring"), stop
    )
    return denoised, figures


def _figures(denoised: DenoisedMicrograph, diameter_angstrom: float | None) -> dict[str, float]:
    size, halves = denoised.pixel_size_angstrom, denoised.halves
    assert denoised.raw is not None
    bright = denoised.contrast == "bright"
    figures = quality.image_figures(
        denoised.raw,
        size,
        denoised.pixels,
        diameter_angstrom=None if size is None else diameter_angstrom,
        contrast="bright" if bright else "dark",
    )
    if halves is not None:
        figures |= quality.half_figures(halves.odd, halves.even, size)
        moved = halves.trajectory
        # Frames that showed nothing to measure motion by were not still: nobody knows. Without a
        # pixel size a trajectory is in pixels.
        if moved is not None and moved.error_angstrom is not None and size is not None:
            dose = None if halves.dose is None else halves.dose / len(moved.shifts_angstrom)
            figures |= quality.drift_figures(moved.shifts_angstrom, dose)
    return figures


def with_score(figures: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the figures with the overall score of them, and its reasons in words."""
    told = {name: value for name, value in figures.items() if name != "score"}
    score = quality.overall(told)
    if not math.isnan(score.value):
        told["score"] = score.value
    return told, score.reasons
