"""How large the particles are, guessed from the micrograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, maximum_filter
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

# Where, in diameters, an image is least like itself: one rim lies on the other's bright fringe.
# Measured on shells, balls, rings and lumpy tetramers; fringes of one rim lie much closer.
_LEAST_ALIKE = 0.9
_TO_EITHER_SIDE = 0.28  # of it: where the image is compared with that
_HALF_WIDTHS = 0.05, 0.07  # over which is averaged, at the middle and at the sides; shares of it
_FALL_WITH_SIZE = 0.75  # dips of larger particles are shallower: there are fewer of these
_SAY_OF_DIPS = 0.5  # beside that of rings, which mistake less
_ALIKE = 1.3  # guesses by this factor apart agree


@dataclass(frozen=True)
class DiameterGuess:
    """A first guess.

    Attributes
    ----------
    diameter_angstrom
        The likelier one.
    other_angstrom
        What the other way to guess says, where it says something else; else None.
    """

    diameter_angstrom: float
    other_angstrom: float | None = None

    @property
    def is_certain(self) -> bool:
        """Whether two ways to guess agree."""
        return self.other_angstrom is None


def first_guess_diameter(
    image: ArrayLike, pixel_size_angstrom: float | None, *, contrast: Contrast = "dark"
) -> float:
    """Guess the particles' diameter in Å, of 40 to 800 Å.

    Two ways are gone. Rings of every size are looked for, in the image and in its inverse: those
    as wide as the particles fit better than those a little smaller or larger, whether the particles
    are hollow or not, for a ring begins where the particle ends; noise fits the inverse as well.
    And the image is compared with itself moved: it is least like itself where one side's rim of a
    particle lies on the bright fringe of the other. The size for which both together speak most
    is returned.

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
    steps = guess_steps(image, pixel_size_angstrom, contrast=contrast)
    return run_to_end(steps).diameter_angstrom


def guess_steps(
    image: ArrayLike, pixel_size_angstrom: float | None, *, contrast: Contrast = "dark"
) -> Steps[DiameterGuess]:
    """Guess as `first_guess_diameter` does, tell how far it is, and whether both ways agree."""
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
    diameters: NDArray[np.float64] = smallest * _STEP ** np.arange(count, dtype=np.float64)
    fits = np.empty(count)
    watch = Stopwatch()
    for i, diameter in enumerate(diameters):
        yield watch.progress("guessing the particles' size", i, count)
        fits[i] = _fit(fine.pixels, diameter / pixel, contrast)
    return _weighed(diameters, fits, _dips(fine.pixels, diameters / pixel))


def _weighed(
    diameters: NDArray[np.float64], fits: NDArray[np.float64], dips: NDArray[np.float64]
) -> DiameterGuess:
    """Return the size for which rings and self-likeness speak most, given both by size."""
    peaks, found = find_peaks(fits, prominence=0)
    if not len(peaks):
        peaks, prominences = np.array([int(np.argmax(fits))]), np.ones(1)
    else:
        prominences = found["prominences"]
    close = round(np.log(_ALIKE) / np.log(_STEP) / 2)
    near = maximum_filter(dips, 2 * close + 1)
    votes = prominences / max(float(prominences.max()), 1e-12)
    votes += _SAY_OF_DIPS * np.maximum(near, 0)[peaks] / max(float(near.max()), 1e-12)
    top = int(peaks[int(np.argmax(votes))])
    guess = _refined(diameters, fits, top)
    others = diameters[int(peaks[int(np.argmax(prominences))])], diameters[int(np.argmax(dips))]
    farthest = max(others, key=lambda each: abs(np.log(each / guess)))
    apart = max(farthest / guess, guess / farthest)
    return DiameterGuess(guess, float(farthest) if apart > _ALIKE else None)


def _refined(diameters: NDArray[np.float64], fits: NDArray[np.float64], top: int) -> float:
    """Move a size to the top of the parabola through it and its neighbours."""
    if not 0 < top < len(fits) - 1:
        return float(diameters[top])
    before, middle, after = fits[top - 1 : top + 2]
    bend = before - 2 * middle + after
    shift = 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))
    return float(diameters[top] * _STEP**shift)


def _fit(pixels: NDArray[np.float32], diameter_px: float, contrast: Contrast) -> float:
    """How much better rings of one size fit the image than its inverse: mean of the best maxima."""
    coarse = prepared(pixels, diameter_px, contrast, _PIXELS_ACROSS)
    across = diameter_px / float(coarse.factors.mean())
    scores = run_to_end(correlate_steps(coarse.pixels, [Template.ring()], across, _REACH))
    window = 2 * round(0.5 * across) + 1
    return _best(scores, window) - _best(-scores, window)


def _best(scores: NDArray[np.float32], window: int) -> float:
    """Mean of the best maxima of ``scores`` (y, x), each the highest of its window."""
    maxima = np.sort(scores[(scores == maximum_filter(scores, window)) & (scores > 0)])[::-1]
    best = maxima[: max(_FEWEST, int(len(maxima) * _BEST_SHARE))]
    return float(best.mean()) if len(best) else 0.0


def _dips(pixels: NDArray[np.float32], diameters_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much less the image is like itself moved by 0.9 diameters than by more or by less."""
    alike = _self_likeness(pixels, float(diameters_px[-1]))
    lags = np.arange(len(alike))
    middle, side = _HALF_WIDTHS

    def mean(share: float, half_width: float) -> NDArray[np.float64]:
        around = share * _LEAST_ALIKE * (1 + half_width * np.linspace(-1, 1, 9))
        values: NDArray[np.float64] = np.interp(diameters_px[:, None] * around, lags, alike)
        means: NDArray[np.float64] = values.mean(axis=1)
        return means

    sides = mean(1 - _TO_EITHER_SIDE, side) + mean(1 + _TO_EITHER_SIDE, side)
    dips: NDArray[np.float64] = (sides / 2 - mean(1, middle)) * diameters_px**_FALL_WITH_SIZE
    return dips


def _self_likeness(pixels: NDArray[np.float32], largest_px: float) -> NDArray[np.float64]:
    """Autocorrelation of ``pixels`` (y, x) by distance in pixels, means over circles.

    What is wider than half the largest particle is taken away first: ice, not specimen. Where
    there is more contrast than usual it is lowered, lest one crystal outweigh all particles. White
    noise is like itself at no distance but 0, so that a recorded image will do.
    """
    level = pixels - pixels.mean(dtype=np.float64).astype(np.float32)
    flat = level - gaussian_filter(level, largest_px / 2, mode="reflect")
    power = gaussian_filter(flat**2, largest_px / 4, mode="reflect")
    flat /= np.sqrt(power + np.median(power) + 1e-12)
    reach = int(np.ceil(1.3 * largest_px)) + 1
    padded = [fft.next_fast_len(side + reach, real=True) for side in flat.shape]

    def summed(image: NDArray[np.float32]) -> NDArray[np.float64]:
        power = np.abs(fft.rfft2(image, padded, workers=-1)) ** 2
        sums: NDArray[np.float64] = fft.irfft2(power, padded, workers=-1)
        moved: NDArray[np.float64] = np.roll(sums, (reach, reach), axis=(0, 1))
        return moved[: 2 * reach + 1, : 2 * reach + 1]

    likeness = summed(flat) / np.maximum(summed(np.ones_like(flat)), 1)
    along = np.arange(-reach, reach + 1)
    distance = np.rint(np.hypot(along[:, None], along)).astype(np.intp).ravel()
    counts = np.bincount(distance)
    means: NDArray[np.float64] = np.bincount(distance, likeness.ravel()) / counts
    return means[: reach + 1]
