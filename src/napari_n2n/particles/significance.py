"""Whether a candidate stands out of the noise, or is what a denoiser made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io import Particles

LEAST_SIGNIFICANCE = 1.5
"""Nearly all that is found in pure noise stays below this, however sharp it is drawn."""

# Neighbours looked at for the noise. Of so many, the deviation from two percentiles has a standard
# error of 0.2 %: sqrt(0.93 / n) for a Gaussian.
_SAMPLE = 200_000


def standing_out(
    particles: Particles,
    denoised: ArrayLike,
    raw: ArrayLike,
    diameter_px: float,
    threshold: float,
) -> Particles:
    """Leave out candidates that pass ``threshold`` and are no more than a denoiser's idea of noise.

    Those below the threshold stay: they show where the background ends. Where the two images are on
    different scales, as their means tell, there is nothing to measure by and all stay. The other
    parameters are those of `significance`.
    """
    recorded, cleaned = np.asarray(raw, np.float32), np.asarray(denoised, np.float32)
    if recorded is cleaned or abs(float(recorded.mean() - cleaned.mean())) > recorded.std():
        return particles
    passing = particles.scores >= threshold
    far = significance(cleaned, recorded, particles.centres_px[passing], diameter_px)
    kept = ~passing
    kept[passing] = far >= LEAST_SIGNIFICANCE
    return particles[kept]


def left_out_sentence(candidates: int) -> str:
    """Tell how many candidates `standing_out` left out; nothing where it was none."""
    if not candidates:
        return ""
    one = candidates == 1
    were = "candidate was" if one else "candidates were"
    do = "it does" if one else "they do"
    return f"{candidates:,} {were} left out: {do} not stand out of the noise."


def significance(
    denoised: ArrayLike, raw: ArrayLike, centres_px: ArrayLike, diameter_px: float
) -> NDArray[np.float64]:
    """Return how far candidates stand out of the noise they were found in, (n,).

    It is the signal-to-noise ratio of the best detector of a known signal in white noise: the
    signal's norm over the noise's deviation, |s| / σ. The signal is what the denoiser left within
    the particle's diameter, less what changes slowly around it. A person needs about 5 (Rose 1948,
    J. Opt. Soc. Am. 38:196). Scores of a picker do not tell: they compare shapes, and the faintest
    trace has a shape.

    Parameters
    ----------
    denoised, raw
        (y, x) of one micrograph, on one scale.
    centres_px
        (n, 2) y, x.
    diameter_px
        Of a particle.
    """
    image = np.asarray(denoised, np.float32)
    across = max(3, round(diameter_px * np.sqrt(np.pi) / 2))  # a square of the disc's area
    # Twice a particle's width around it: what changes more slowly is ice, not specimen.
    detail = image - uniform_filter(image, 2 * across + 1)  # (y, x)
    # Sum of squares over the particle: uniform_filter gives the mean of across² pixels.
    energy = uniform_filter(detail * detail, across) * float(across) ** 2
    limits = np.array(image.shape) - 1
    at = np.clip(np.rint(np.asarray(centres_px, np.float64).reshape(-1, 2)), 0, limits)
    norm: NDArray[np.float64] = np.sqrt(energy[tuple(at.astype(np.intp).T)].astype(np.float64))
    return norm / max(_noise(np.asarray(raw, np.float32)), 1e-12)


def _noise(raw: NDArray[np.float32]) -> float:
    """Deviation of white noise, from differences of neighbours, which the specimen hardly has."""
    every = max(1, raw.size // _SAMPLE)
    rows = raw[:: min(every, len(raw))]
    differences = np.diff(rows, axis=1)
    # Percentiles one deviation to either side of the median: hot pixels have no say.
    spread = np.percentile(differences, 84.13) - np.percentile(differences, 15.87)
    return float(spread / 2 / np.sqrt(2))  # a difference has twice the variance of a pixel
