"""How large the particles are, guessed from the micrograph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.signal import find_peaks

from napari_n2n.errors import NotEnoughData
from napari_n2n.particles.coarse import (
    SMALLEST_DIAMETER_PX,
    checked_image,
    checked_pixel_size,
    coarsened,
)
from napari_n2n.particles.correlation import correlate_steps
from napari_n2n.particles.templates import Contrast, Template, prepared
from napari_n2n.progress import Steps, Stopwatch, run_to_end

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


_SMALLEST_ANGSTROM = 40.0
_LARGEST_ANGSTROM = 800.0
_STEP = 1.08
_PIXELS_ACROSS = 14
_PARTICLES_A_SIDE = 4.0  # the largest size tried has this many to a side of the image
_REACH = 0.65
_BEST_SHARE = 1 / 8  # of the maxima: there are more of them than particles
_FEWEST = 8


def first_guess_diameter(
    image: ArrayLike, pixel_size_angstrom: float | None, *, contrast: Contrast = "dark"
) -> float:
    """Guess the particles' diameter in Å, of 40 to 800 Å.

    Rings of every size are looked for. Those as wide as the particles fit better than those a
    little smaller or larger, whether the particles are hollow or not, for a ring begins where the
    particle ends. The size that stands out most from its neighbours is returned.

    Parameters
    ----------
    image
        (y, x), best denoised.
    pixel_size_angstrom
        Of the image.
    contrast
        Whether particles are darker or brighter than the ice.

    Raises
    ------
    BadValue
        NaN pixels, or an unknown pixel size.
    NotEnoughData
        An image that is all the same, or too small to hold a few particles.
    """
    return run_to_end(guess_steps(image, pixel_size_angstrom, contrast=contrast))


def guess_steps(
    image: ArrayLike, pixel_size_angstrom: float | None, *, contrast: Contrast = "dark"
) -> Steps[float]:
    """Guess the particles' diameter as `first_guess_diameter` does, and tell how far it is."""
    pixels = checked_image(image)
    size = checked_pixel_size(pixel_size_angstrom)
    smallest = max(_SMALLEST_ANGSTROM, 1.5 * SMALLEST_DIAMETER_PX * size)
    largest = min(_LARGEST_ANGSTROM, min(pixels.shape) * size / _PARTICLES_A_SIDE)
    if largest < smallest * _STEP**4:
        raise NotEnoughData(
            f"{pixels.shape[1]} × {pixels.shape[0]} px at {size:g} Å/px are too few to "
            "guess the particles' size from. Type the diameter, or draw it."
        )
    # Once to what the smallest size needs, the rest from there.
    fine = coarsened(pixels, smallest / _PIXELS_ACROSS / size)
    pixel = size * float(fine.factors.mean())
    count = int(np.log(largest / smallest) / np.log(_STEP)) + 1
    diameters = smallest * _STEP ** np.arange(count)
    fits = np.empty(count)
    watch = Stopwatch()
    for i, diameter in enumerate(diameters):
        yield watch.progress("guessing the particles' size", i, count)
        fits[i] = _fit(fine.pixels, diameter / pixel, contrast)
    peaks, found = find_peaks(fits, prominence=0)
    if not len(peaks):
        return float(diameters[int(np.argmax(fits))])
    top = int(peaks[int(np.argmax(found["prominences"]))])
    before, middle, after = fits[top - 1 : top + 2]
    bend = before - 2 * middle + after
    shift = 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))
    return float(diameters[top] * _STEP**shift)


def _fit(pixels: NDArray[np.float32], diameter_px: float, contrast: Contrast) -> float:
    """Mean score of the best maxima for rings of one size."""
    coarse = prepared(pixels, diameter_px, contrast, _PIXELS_ACROSS)
    across = diameter_px / float(coarse.factors.mean())
    scores = run_to_end(correlate_steps(coarse.pixels, [Template.ring()], across, _REACH))
    window = 2 * round(0.5 * across) + 1
    maxima = np.sort(scores[(scores == maximum_filter(scores, window)) & (scores > 0)])[::-1]
    best = maxima[: max(_FEWEST, int(len(maxima) * _BEST_SHARE))]
    return float(best.mean()) if len(best) else 0.0
