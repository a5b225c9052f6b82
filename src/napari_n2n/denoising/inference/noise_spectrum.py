"""The power spectrum of an image's noise, from the image's own.

Beyond the last Thon ring there is nothing but noise, which falls slowly with the frequency as the
detector spreads its signal. In coarse images the specimen reaches the highest frequencies and falls
likewise; there the corners of the spectrum, beyond the Nyquist frequency of the axes, tell more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.spectral_rings import RING, Rings

# Cycles per pixel.
_NYQUIST = 0.5
# Rings where noise is looked for. Below, there is always signal.
_NOISE_BEGINS = 0.15
# From here on the power is taken for noise even where it stands out. Close to focus there is no
# Thon ring's zero further down, and a spectrum that falls as the signal does would fit the rest.
_NOISE_ALONE = 0.42
# A more flexible spectrum of the noise has to fit by this much better (chi square) to be believed:
# what it says of low frequencies is less certain.
_BETTER_FIT = 2.0
# By which powers of the frequency its logarithm may fall; the first two are believed more easily.
_FALLS: tuple[tuple[int, ...], ...] = ((), (2,), (1,), (1, 2))
# A ring whose power exceeds the noise by this many standard errors is not only noise.
_STANDS_OUT = 3.0
# An image was enlarged or smoothed if its power falls below this share of that of these rings.
_EMPTY, _PLATEAU = 0.02, (0.15, 0.22)
# Rings of fewer waves say nothing of how strong noise can be at most.
_CEILING_WAVES = 30
# Where the corners of the spectrum tell, cycles/px, and from where on least of them is specimen.
_CORNERS, _OUTER = (0.5, 0.68), 0.58
_LEAST_CORNERS = 6
# Steeper than exp(-6 k²) in the corners: the image was smoothed, and little noise is left there.
_SMOOTHED = 6.0
# Where more than this share of the power is no noise, a fall in the corners steeper than exp(-k²)
# is the specimen's: a detector's noise falls less, once it is binned so much that the specimen
# reaches the highest frequencies.
_SPECIMEN, _DETECTOR = 0.25, 1.0
_SPECIMEN_BAND = (0.02, 0.5)
# The corners' word counts if the noise that the other rings tell, at the lowest frequency where it
# is looked for, exceeds theirs by this much in its logarithm and by two standard errors. Noise that
# falls as exp(-k) instead of a bell exceeds what the corners tell by half of that.
_TOO_STEEP = 0.3


def noise_spectrum(power: Rings, waves: Rings) -> Rings:
    """Return the power of the noise in each ring of `RING` cycles/px.

    ``power`` is the mean power of ``waves`` waves in each. The noise is taken to fall with the
    frequency k as exp(-α k²), as where a detector spreads its signal; if that does not fit, as
    exp(-β k - α k²). Rings that stand out, such as Thon rings, hold more than noise. Where the
    corners of the spectrum tell that there is less noise than this, they are believed.
    """
    k: Rings = (np.arange(len(power), dtype=np.float64) + 0.5) * RING
    candidates = (waves > 0) & (power > 0) & (k > _NOISE_BEGINS) & (k < _NYQUIST)
    if candidates.sum() < 4:
        return np.zeros_like(power)
    end = _band_end(power, k, candidates)
    candidates &= k < end
    if candidates.sum() < 4:  # smoothed so much that nothing tells signal and noise apart
        return np.zeros_like(power)
    fit = _of_quiet_rings(power, waves, k, candidates, end)
    if end == _NYQUIST:
        fit = _or_of_corners(fit, power, waves, k)
    spectrum: Rings = np.minimum(np.exp(fit), never_rising(power, waves))
    # Where an image has nothing, noise is all there is.
    return np.where((k > end) & (k < _NYQUIST), np.maximum(spectrum, power), spectrum)


def _of_quiet_rings(
    power: Rings, waves: Rings, k: Rings, candidates: NDArray[np.bool_], end: float
) -> Rings:
    """Return the noise's logarithm as rings tell it that do not stand out."""
    logarithm: Rings = np.log(np.where(candidates, power, 1))
    error = _error(waves)
    alone = candidates & (k > _NOISE_ALONE * end / _NYQUIST)
    used = candidates
    # The limit is for two sets of rings that would take turns for ever.
    for _ in range(30):
        fits = [_falling(powers, k, logarithm, error, used) for powers in _FALLS]
        bell, tailed = (min(fits[:2], key=_misfit), min(fits[2:], key=_misfit))
        fit = (tailed if _misfit(tailed) < _misfit(bell) - _BETTER_FIT else bell)[0]
        # 1 %: large images have errors so small that the form of the curve would be at fault.
        quiet = alone | (candidates & (logarithm < fit + _STANDS_OUT * error + 0.01))
        if (quiet == used).all() or quiet.sum() < 8:  # three parameters need more than that
            break
        used = quiet
    return fit


def _or_of_corners(fit: Rings, power: Rings, waves: Rings, k: Rings) -> Rings:
    """Return ``fit``, the noise's logarithm, or that of the corners if these tell less noise."""
    corners = (k > _CORNERS[0]) & (k < _CORNERS[1]) & (waves > _CEILING_WAVES) & (power > 0)
    if corners.sum() < _LEAST_CORNERS:
        return fit
    logarithm: Rings = np.log(np.where(power > 0, power, 1))
    found = _bell(k, logarithm, waves * corners)
    if found.fall > _SMOOTHED:
        return fit
    band = (k > _SPECIMEN_BAND[0]) & (k < _SPECIMEN_BAND[1])
    specimen = np.sum((np.maximum(power - np.exp(fit), 0) * waves)[band])
    much = specimen > _SPECIMEN * np.sum((power * waves)[band])
    if found.fall > _DETECTOR and much:
        found = _bell(k, logarithm, waves * (corners & (k > _OUTER)), fall=_DETECTOR)
    lowest = np.searchsorted(k, _NOISE_BEGINS)
    least = found.logarithm[lowest] + 2 * found.error[lowest] + _TOO_STEEP
    return found.logarithm if fit[lowest] > least else fit


class _Bell(NamedTuple):
    """``logarithm`` of a level times exp(-``fall`` k²), and its standard ``error``, (ring,)."""

    logarithm: Rings
    error: Rings
    fall: float


def _bell(k: Rings, logarithm: Rings, waves: Rings, fall: float | None = None) -> _Bell:
    """Fit that to rings of so many ``waves``; a bell that is not told how to fall does not rise."""
    certainty = waves / 2  # one over the variance of a ring's logarithm
    if fall is not None:
        level = np.average(logarithm + fall * k**2, weights=certainty)
        return _Bell(level - fall * k**2, np.full_like(k, certainty.sum() ** -0.5), fall)
    terms = np.stack([np.ones_like(k), -(k**2)], axis=1)  # (ring, term)
    covariance = np.linalg.inv((terms * certainty[:, None]).T @ terms)
    found = covariance @ (terms.T @ (certainty * logarithm))
    if found[1] < 0:
        return _bell(k, logarithm, waves, fall=0.0)
    error = np.sqrt(np.einsum("ki,ij,kj->k", terms, covariance, terms))
    return _Bell(terms @ found, error, float(found[1]))


def _error(waves: Rings) -> Rings:
    """Return that of a ring's logarithm: half as many complex numbers are independent."""
    error: Rings = np.sqrt(2 / np.maximum(waves, 1))
    return error


def _band_end(power: Rings, k: Rings, candidates: NDArray[np.bool_]) -> float:
    """Return where the image ends, cycles/px: one that was enlarged or smoothed has empty rings."""
    inside = (k > _PLATEAU[0]) & (k < _PLATEAU[1]) & candidates
    if not inside.any():
        return _NYQUIST
    empty = candidates & (power < _EMPTY * np.median(power[inside])) & (k > _PLATEAU[1])
    return float(k[empty].min()) - 2 * RING if empty.any() else _NYQUIST


def never_rising(power: Rings, waves: Rings) -> Rings:
    """Return what noise that never rises with the frequency can be at most, where ``power`` is.

    Such noise is, in each ring, no stronger than the least power of the rings before. Where the
    specimen is still strong at the highest frequencies, as in coarse images, this alone tells that
    not all of the power there is noise: between the specimen and the Thon rings, or before the
    first, there is less.
    """
    k: Rings = (np.arange(len(power), dtype=np.float64) + 0.5) * RING
    told = (waves >= _CEILING_WAVES) & (k < _NYQUIST)
    # Three rings together waver less, and a zero of the contrast transfer is as wide as that.
    three = np.maximum(np.convolve(waves, np.ones(3), "same"), 1)
    smooth = np.convolve(power * waves, np.ones(3), "same") / three
    error = _error(three)
    most = np.where(told, smooth * (1 + _STANDS_OUT * error + 0.02), np.inf)
    ceiling: Rings = np.minimum.accumulate(most)
    return ceiling


def _falling(
    powers: tuple[int, ...], k: Rings, logarithm: Rings, error: Rings, used: NDArray[np.bool_]
) -> tuple[Rings, float]:
    """Fit a level less a sum of ``powers`` of k; the misfit is infinite where one of them rises."""
    # (ring, term), least squares of the logarithm, each ring by its error.
    terms = np.stack([np.ones_like(k), *(-(k**power) for power in powers)], axis=1)
    weighted = terms[used] / error[used, None]
    found, *_ = np.linalg.lstsq(weighted, logarithm[used] / error[used], rcond=None)
    misfit = float(np.sum((weighted @ found - logarithm[used] / error[used]) ** 2))
    return terms @ found, misfit if (found[1:] >= 0).all() else float("inf")


def _misfit(fit: tuple[Rings, float]) -> float:
    return fit[1]
