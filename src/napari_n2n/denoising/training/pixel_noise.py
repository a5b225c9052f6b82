"""The spectrum of a micrograph's noise, from detail so fine that there is nothing but noise."""

import numpy as np
import torch
from torch import Tensor

from napari_n2n.denoising.spectral_rings import RING, Rings, RingSums

# Rings (cycles/px) that are looked at. Coarser ones hold signal too.
_BEGINS, _NYQUIST = 0.15, 0.5
# Powers of the frequency in the logarithm of the spectrum. A detector's blur, an interpolation or
# a binning is symmetric about zero frequency, so the powers are even: fitted from 0.15 cycles/px on
# this comes within 2 % of the noise at 0.03 for pixels blurred by 0.5 px, within 15 % at 0.8 px,
# and within 3 % on real frames; a falling line and parabola were 30 and 40 % too high.
_SHAPES: tuple[tuple[int, ...], ...] = ((), (2,), (2, 4))
# A further term has to explain this share of what is left, and so much of chi square.
_WORTH_SHARE, _WORTH = 0.3, 4.0
# No shape is truer than this.
_MODEL_ERROR = 0.01
# A ring that exceeds the noise by this many standard errors is a Thon ring, or ice.
_STANDS_OUT = 3.0
_FEWEST_RINGS = 8
# Brighter or darker than this many deviations is gold, dirt or a hot pixel.
_OUTLIER = 6.0
_SAMPLE = 1_000_000
# The noise is known if, in at least this share of the rings, its power is within this factor of
# what was fitted and has not fallen below this share of that of long waves.
_SHARE_KNOWN, _FACTOR_KNOWN, _LEAST_POWER = 0.5, 1.5, 0.005


def noise_power(image: Tensor) -> Rings | None:
    """Return the power of the noise of ``image``, (y, x), in rings of `RING` cycles/px.

    That of white noise is its variance. None if the noise cannot be told: there is little of it
    in fine detail, or it does not fall smoothly, as in images that were enlarged, smoothed or
    stored with loss.
    """
    image = without_outliers(image - image.mean())
    rings = RingSums(image.shape[0], image.shape[1], image.device)
    power = rings.mean_power(torch.fft.rfft2(image))
    k = (np.arange(len(power)) + 0.5) * RING
    judged = (k > _BEGINS) & (k < _NYQUIST) & (rings.waves > 0)
    if judged.sum() < _FEWEST_RINGS or not (power[judged] > 0).all():
        return None
    noise = fitted_noise(power, rings.waves)
    ratio = power[judged] / noise[judged]
    known = (ratio < _FACTOR_KNOWN) & (ratio > 1 / _FACTOR_KNOWN)
    known &= noise[judged] > _LEAST_POWER * noise[0]
    return noise if known.mean() >= _SHARE_KNOWN else None


def without_outliers(image: Tensor) -> Tensor:
    """Return ``image``, whose mean is 0, with its hot and dark pixels at the edge of the rest."""
    sample = image.flatten()[:: max(1, image.numel() // _SAMPLE)].cpu().numpy()
    low, high = np.percentile(sample, (15.87, 84.13))  # a deviation off, as of Gaussian noise
    deviation = float(high - low) / 2 or float(image.std())
    return image.clamp(-_OUTLIER * deviation, _OUTLIER * deviation)


def fitted_noise(power: Rings, waves: Rings) -> Rings:
    """Fit the mean ``power`` of ``waves`` waves in each ring, leaving out rings that stand out."""
    k = (np.arange(len(power)) + 0.5) * RING / _NYQUIST
    candidates = (waves > 0) & (power > 0) & (k * _NYQUIST > _BEGINS) & (k < 1)
    logarithm: Rings = np.log(np.where(power > 0, power, 1))
    # Of half as many independent complex numbers as there are waves.
    error: Rings = np.sqrt(2 / np.maximum(waves, 1) + _MODEL_ERROR**2)
    used = candidates
    fit = logarithm
    for _ in range(30):
        least = np.inf
        for powers in _SHAPES:
            terms = np.stack([np.ones_like(k), *(k**power for power in powers)], axis=1)
            weighted = terms[used] / error[used, None]
            found, *_ = np.linalg.lstsq(weighted, (logarithm / error)[used], rcond=None)
            misfit = float(np.sum((((terms @ found) - logarithm)[used] / error[used]) ** 2))
            if misfit < (1 - _WORTH_SHARE) * least - _WORTH:
                least, fit = misfit, terms @ found
        scale = max(1.0, (least / max(1, used.sum() - 3)) ** 0.5)
        quiet = candidates & (logarithm < fit + _STANDS_OUT * scale * error)
        if (quiet == used).all() or quiet.sum() < _FEWEST_RINGS:
            break
        used = quiet
    spectrum: Rings = np.exp(fit)
    return spectrum
