"""How much signal there is in rings of an image's spectrum, where single rings hardly tell.

In a faint or small image the power of a ring exceeds that of the noise by less than it wavers, and
a filter made of it ring by ring is worse than a plain low-pass. What single rings say is therefore
weighed against a smooth expectation: signal that falls off with the frequency as a Gaussian, as
wide and as strong as all rings together tell (empirical Bayes, as in W. James and C. Stein, Proc.
4th Berkeley Symp. 1, 361 (1961)). Where rings tell clearly, the expectation has no say.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_n2n.denoising.spectral_rings import RING, Rings

# Widths of the expected signal that are tried, cycles/px: lumps of 2 to 13 px (σ).
_WIDTHS = np.geomspace(0.012, 0.1, 24)
# The level of the noise is no better known than this share of it.
_NOISE_UNCERTAINTY = 0.03
_NYQUIST = 0.5
# In a ring where the power stands out by so many standard errors, there is signal of whatever form.
_STANDS_OUT = 2.0
# The network is believed to the share 1 - (this / significance)², in standard errors.
_DOUBT = 0.5
# With less significance than the first in any run of rings nothing is known to be in the image;
# with more than the second there is. 48 images of pure noise, white and coloured, 1 and 20 e/Å²,
# 1024² and 2048², gave 0 to 3, and 4 and 5 once each; real single frames gave 6 to 15.
_NOTHING, _SOMETHING = 3.5, 4.5
_RUNS = (1, 2, 4, 8, 16)
# Rings of fewer waves do not tell.
_LEAST_WAVES = 100
# What may be there and does not stand out is left in as a faint low-pass, as if it had this share
# of the noise's power where it is strongest: less than a hundredth of noise's deviation remains.
_FAINT = 0.06
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class ExpectedSignal:
    """What is to be believed of an image's rings.

    Attributes
    ----------
    power
        (ring,) of the signal, sum of a ring's waves.
    gain
        (ring,) of the Wiener filter for the smooth expectation.
    share
        (ring,) 0 to 1, how far rings tell by themselves; the rest is expectation.
    """

    power: Rings
    gain: Rings
    share: Rings

    def of_network(self, found: Rings, with_image: Rings) -> Rings:
        """Return <f, x>: what was ``found`` of it, and the expected part of <f, y>."""
        return self.share * found + (1 - self.share) * self.gain * with_image


def expected_signal(excess: Rings, noise: Rings, waves: Rings) -> ExpectedSignal:
    """Estimate the signal in each ring.

    ``excess`` is the power of all ``waves`` of a ring less the ``noise`` expected there.
    """
    known = noise > 0
    ratio = np.divide(excess, noise, out=np.zeros_like(noise), where=known)
    smooth, form, variance = _smooth(ratio, waves * known)
    present = presence(excess, noise, waves)
    standing = _significance(excess, noise, waves, 3, "same")
    # Three rings together: single ones waver, and signal does not end from one to the next.
    error = np.sqrt(_run(_variance(noise, waves), 3, "same")) / np.maximum(
        _run(noise, 3, "same"), _TINY
    )
    beyond = np.maximum(standing * np.abs(standing) - _STANDS_OUT**2, 0) * error**2
    # As far as single rings differ from a smooth signal: by about as much as there is of it.
    differing = smooth**2 + beyond
    own = differing / np.maximum(differing + variance, _TINY)
    signal = np.maximum(own * ratio + (1 - own) * smooth, 0)
    faint = _FAINT * form
    power = (present * signal + (1 - present) * faint) * noise
    gain = present * _wiener(smooth) + (1 - present) * _wiener(faint)
    share = present * np.maximum(own, 1 - (_DOUBT / np.maximum(standing, _DOUBT)) ** 2)
    return ExpectedSignal(np.where(known, power, excess), gain, share)


def presence(excess: Rings, noise: Rings, waves: Rings) -> float:
    """Return 0 where no run of rings stands out of the noise, 1 where one does clearly."""
    most = 0.0
    for count in _RUNS:
        told = _run(waves, count, "valid") >= _LEAST_WAVES
        found = _significance(excess, noise, waves, count, "valid")
        most = max(most, found[told].max(initial=0))
    return float(np.clip((most - _NOTHING) / (_SOMETHING - _NOTHING), 0, 1))


def _smooth(ratio: Rings, waves: Rings) -> tuple[Rings, Rings, Rings]:
    """Return signal over noise as it is expected, its form, and the variance of ``ratio``.

    All widths are tried, each with the strength that fits best, and their mean is taken, weighted
    by their likelihoods. The form is 1 where it is highest.
    """
    k: Rings = (np.arange(len(ratio), dtype=np.float64) + 0.5) * RING
    forms = np.exp(-0.5 * (k / _WIDTHS[:, None]) ** 2)  # (width, ring)
    used = (waves > 0) & (k < _NYQUIST)
    smooth: Rings = np.zeros_like(ratio)
    variance: Rings = np.zeros_like(ratio)
    likely = np.full(len(_WIDTHS), 1 / len(_WIDTHS))
    for _ in range(3):  # the signal's own power wavers, too
        # Half of the waves of a real image are the other half's conjugates.
        variance = 2 * (1 + smooth) ** 2 / np.maximum(waves, 1)
        certainty = np.where(used, 1 / variance, 0)
        # All rings share the error of the noise's level (Sherman and Morrison's formula).
        common = _NOISE_UNCERTAINTY**2 / (1 + _NOISE_UNCERTAINTY**2 * certainty.sum())

        def inner(a: Rings, b: Rings, c: Rings = certainty, u: float = common) -> Rings:
            product: Rings = (a * c * b).sum(-1) - u * (a * c).sum(-1) * (b * c).sum(-1)
            return product

        along, fit = inner(forms, forms), inner(forms, ratio)
        strength = np.maximum(fit / np.maximum(along, _TINY), 0)
        logarithm = 0.5 * strength * fit
        likely = np.exp(logarithm - logarithm.max())
        likely /= likely.sum()
        smooth = (likely * strength) @ forms
    form = likely @ forms
    return smooth, form / form.max(), variance


def _wiener(ratio: Rings) -> Rings:
    return ratio / (1 + ratio)


def _variance(noise: Rings, waves: Rings) -> Rings:
    """Return that of a ring's sum of powers, which are distributed exponentially."""
    return 2 * noise**2 / np.maximum(waves, 1) + _TINY


def _run(values: Rings, count: int, mode: Literal["same", "valid"]) -> Rings:
    return np.convolve(values, np.ones(count), mode)


def _significance(
    excess: Rings, noise: Rings, waves: Rings, count: int, mode: Literal["same", "valid"]
) -> Rings:
    """Return by how many standard errors runs of ``count`` rings stand out."""
    found: Rings = _run(excess, count, mode) / np.sqrt(_run(_variance(noise, waves), count, mode))
    return found
