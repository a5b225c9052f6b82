"""Whether a candidate stands out of the noise, or is what a denoiser made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import rfft2
from scipy.ndimage import uniform_filter
from scipy.stats import mannwhitneyu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io import Particles

LEAST_SIGNIFICANCE = 1.5
"""Nearly all that is found in pure noise stays below this, however sharp it is drawn."""

# Neighbours looked at for the noise. Of so many, the deviation from two percentiles has a standard
# error of 0.2 %: sqrt(0.93 / n) for a Gaussian.
_SAMPLE = 200_000
_BY_CHANCE = 1e-4
_SIDE = 1024
_RING = 0.0125  # cycles a pixel
_NO_NOISE, _NO_NOISE_BESIDE = 5e-4, 2e-3
# Places along each side at which is looked whether all of an image stands out, and percentile of
# theirs that is background, where there are many particles as well.
_PLACES, _BACKGROUND = 24, 25


def standing_out(
    particles: Particles,
    denoised: ArrayLike,
    raw: ArrayLike,
    diameter_px: float,
    threshold: float,
) -> Particles:
    """Leave out candidates that pass ``threshold`` and are no more than a denoiser's idea of noise.

    Those below the threshold stay: they show where the background ends. The two images must be
    `comparable`. The other parameters are those of `significance`.
    """
    recorded, cleaned = np.asarray(raw, np.float32), np.asarray(denoised, np.float32)
    passing = particles.scores >= threshold
    far = significance(cleaned, recorded, particles.centres_px[passing], diameter_px)
    kept = ~passing
    kept[passing] = far >= LEAST_SIGNIFICANCE
    return particles[kept]


def noise_stands_out(denoised: ArrayLike, raw: ArrayLike | None, diameter_px: float) -> bool:
    """Tell whether `significance` says nothing: it is high nearly everywhere in the image.

    So it is where noise was blurred and not taken away. The parameters are those of `significance`.
    """
    image = np.asarray(denoised, np.float32)
    every = [np.linspace(0, side - 1, _PLACES) for side in image.shape]
    places = np.stack(np.meshgrid(*every, indexing="ij"), axis=-1).reshape(-1, 2)
    far = significance(image, np.asarray(raw, np.float32), places, diameter_px)
    return bool(np.percentile(far, _BACKGROUND) > LEAST_SIGNIFICANCE)


def comparable(denoised: ArrayLike, raw: ArrayLike | None) -> bool:
    """Tell whether ``raw`` is what ``denoised`` was made of, and on its scale, as means tell."""
    if raw is None or raw is denoised:
        return False
    recorded, cleaned = np.asarray(raw, np.float32), np.asarray(denoised, np.float32)
    known = np.isfinite(recorded)
    if known.shape != cleaned.shape or not known.any():
        return False
    recorded, cleaned = recorded[known], cleaned[known]
    return abs(float(recorded.mean() - cleaned.mean())) <= float(recorded.std())


def above_their_like(
    particles: Particles, inverted_scores: ArrayLike, threshold: float
) -> Particles:
    """Leave out candidates that pass ``threshold`` and whose like is found in the inverted image.

    Noise, as recorded or smoothed by a filter, is as often bright as dark: what is found in the
    image turned from dark to bright tells which scores it reaches. Particles are dark. So as many
    of the highest scores there are compared with those that pass, by the test of Mann and Whitney
    (1947); where these are not clearly higher, only those stay that lie above the highest by as
    much again as that lies above the typical one.

    Parameters
    ----------
    particles
        All candidates.
    inverted_scores
        (n,) scores of all candidates of the inverted image.
    threshold
        Least score of a particle.
    """
    passing = particles.scores >= threshold
    rivals = np.sort(np.asarray(inverted_scores, np.float64))[::-1]
    count = int(passing.sum())
    if not count or not len(rivals):
        return particles
    ours = particles.scores[passing].astype(np.float64)
    if mannwhitneyu(ours, rivals[:count], alternative="greater").pvalue < _BY_CHANCE:
        return particles
    least = 2 * rivals[0] - float(np.median(rivals))
    return particles[~passing | (particles.scores > least)]


def looks_denoised(image: ArrayLike, excess: ArrayLike | None = None) -> bool:
    """Tell whether the finest detail of ``image`` (y, x) holds no noise: it has been filtered.

    The power at 0.4 to 0.5 cycles a pixel is compared with that of the strongest ring. Of recorded
    micrographs, real and simulated, it is 0.7 % at least; of denoised ones 0.01 % at most. Beside a
    saturated block it is 0.04 %: where areas are far off, and by how much, (y, x) in ``excess``,
    there may be no noise without them either. Taking them off leaves 0.06 % of a denoised image,
    for the excess is not quite smooth.
    """
    pixels = np.asarray(image, np.float32)
    if not _finest(pixels) < _NO_NOISE:
        return False
    return excess is None or _finest(pixels - np.asarray(excess, np.float32)) < _NO_NOISE_BESIDE


def _finest(pixels: NDArray[np.float32]) -> float:
    """Return the power of the finest detail, of that of the strongest ring."""
    top, left = (max(0, side - _SIDE) // 2 for side in pixels.shape)
    part = pixels[top : top + _SIDE, left : left + _SIDE]
    part = part - part.mean(dtype=np.float64)
    part = part * np.hanning(part.shape[0])[:, None] * np.hanning(part.shape[1])
    power = np.abs(rfft2(part)) ** 2
    frequency = np.hypot(
        np.fft.fftfreq(part.shape[0])[:, None], np.fft.rfftfreq(part.shape[1])[None, :]
    )
    rings = np.minimum((frequency / _RING).astype(np.intp), round(0.5 / _RING)).ravel()
    counts = np.bincount(rings)
    profile = np.bincount(rings, power.ravel()) / np.maximum(counts, 1)
    finest = profile[round(0.4 / _RING) : round(0.5 / _RING)].mean()
    return float(finest / max(profile[1:].max(), np.finfo(np.float32).tiny))


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
    differences = differences[np.isfinite(differences)]
    # Percentiles one deviation to either side of the median: hot pixels have no say.
    spread = np.percentile(differences, 84.13) - np.percentile(differences, 15.87)
    return float(spread / 2 / np.sqrt(2))  # a difference has twice the variance of a pixel
