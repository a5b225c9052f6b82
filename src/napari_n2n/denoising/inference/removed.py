"""What denoising removed, raw less denoised, and whether it is more than noise.

Of a good result only noise is missing. Two things tell that more is, neither of which needs to
know how strong the noise was:

- Stationary noise is equally strong everywhere, a specimen is not. How much the power of Gaussian
  noise, averaged over a small area, varies from place to place follows from its spectrum alone:
  the covariance of its square is 2 C², with C its autocovariance. (L. Isserlis, Biometrika 12, 134
  (1918).) Particles that were removed make it vary more. Places where *less* was removed than
  elsewhere are no fault: there the network kept what it saw.
- A camera's noise does not rise with the frequency. So it is, in each ring of frequencies, no
  stronger than the least power of the whole image in the rings before. If what was removed has more
  power than that, such as a Thon ring or the autocorrelation of particles that lie everywhere, it
  held signal.

Both are asked of waves of 10 to 150 of some 512 pixels a side, the size of particles. A linear
filter takes some signal off with the noise, always, where the signal is the weaker one. That is
neither uneven nor strong enough to be found, and rightly left.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_n2n.io.labels import REMOVED

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Pixels a side that are looked at; finer ones hold no particle.
_SIDE = 512
_SMALLEST_SIDE = 64
# Deviation (px) of the narrower of two Gaussians whose difference is a band of waves, and those of
# the areas over which power is averaged, and of their surroundings.
_SCALE = 1.5
_AREA, _AROUND = 2 * _SCALE, 8 * _SCALE
# Pixels of each band that its edge reaches.
_EDGE = math.ceil(3 * _SCALE)
# A few spots that are far stronger, such as ice crystals, do not decide for a whole image.
_STRONGEST = 4.0
# So much of a pixel, or an area, has to be free of faults.
_FREE = 0.75
# Fewer independent areas do not tell.
_LEAST_AREAS = 60
# Results of the general model that were right (16 real fields, single frames among them) gave at
# most 1.25 times the unevenness of noise where as much was removed as is asked about; those that
# had lost the particles 1.45 to 3.4. In noise it deviates by one over the root of the areas.
_UNEVEN, _UNEVEN_ERRORS = 1.3, 5.0
# It is asked about where at least this share of a band's power was removed, and of its structure.
_MUCH = 0.2
# Width of a ring, cycles/px, and those that are compared. Right results gave up to 1.16 times the
# most that noise can have, what took the particles 1.5 to 3.5.
_RING, _FIRST, _LAST = 0.02, 1, 25
_ABOVE_NOISE, _ABOVE_ERRORS = 1.3, 4.5
# What labels call what was removed.
_NOTHING, _MORE, _ALL, _ONLY = "nothing", "more than noise", "all", "only noise"
_SMALL = "what is too small to judge"
_LABEL = re.compile(
    REMOVED + r"([a-z ]+): ([\d.]+) % variance(?:, ([\d.e+-]+) uneven)?(?:, ([\d.e+-]+) strong)?"
)
# Below these shares of its variance an image was returned as it is, and nothing was left of it.
_UNTOUCHED, _EMPTY = 1e-3, 1e-6


@dataclass(frozen=True)
class Removed:
    """What was removed of one image.

    Attributes
    ----------
    variance_share
        Variance of raw less denoised, of that of the raw image, away from a camera's faults.
    kept_share
        Variance of the denoised image, of that of the raw one.
    unevenness
        How much its power varies from place to place, at the size where it does most, in units of
        what Gaussian noise of its spectrum gives: about 1 for noise. None: the image is too small.
    above_noise
        Its power, in the ring of frequencies where it is strongest, in units of the most that noise
        can have there: up to about 1 for noise. None: the image is too small.
    holds_structure
        Whether one of the last two is beyond what noise gives by chance.
    """

    variance_share: float
    kept_share: float
    unevenness: float | None = None
    above_noise: float | None = None
    holds_structure: bool = False

    @property
    def warning(self) -> str:
        """What to be careful about, in a sentence; empty where there is nothing."""
        if self.variance_share < _UNTOUCHED:
            return (
                "Nothing was denoised: the result is the image itself. The model found no noise "
                "that it knows; check the pixel size, or train on such images."
            )
        if self.holds_structure:
            return (
                f"What was removed is not only noise{self._evidence}: part of the specimen went "
                "with it. Look at what was removed, check the pixel size, or use another model."
            )
        if self.kept_share < _EMPTY:
            return (
                "Nothing is left: the model found nothing in the image but noise. If you see "
                "something there, check the pixel size, or use another model."
            )
        return ""

    def as_json(self) -> dict[str, float | bool | str | None]:
        """Return all of it by name, rounded, and the ``warning``."""
        told = {
            name: float(f"{value:.4g}") if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }
        return {**told, "warning": self.warning}

    @property
    def label(self) -> str:
        """All of it in the 80 characters of an MRC label."""
        figures = ((self.unevenness, "uneven"), (self.above_noise, "strong"))
        told = [f"{100 * min(self.variance_share, 9.99):.1f} % variance"]
        told += [f"{min(value, 99.0):.3g} {word}" for value, word in figures if value is not None]
        return f"{REMOVED}{self._what}: {', '.join(told)}"

    @classmethod
    def from_label(cls, label: str) -> "Removed | None":
        """Return what a `label` tells, as exactly as it does; None if it is another."""
        found = _LABEL.fullmatch(label)
        if found is None:
            return None
        what, share, unevenness, above_noise = found.groups()
        return cls(
            0.0 if what == _NOTHING else float(share) / 100,
            0.0 if what == _ALL else math.nan,
            None if unevenness is None else float(unevenness),
            None if above_noise is None else float(above_noise),
            what == _MORE,
        )

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Removed | None":
        """Return what `as_json` gave; None of an empty mapping."""
        known = {one.name: told[one.name] for one in fields(cls) if one.name in told}
        return cls(**known) if known else None

    @property
    def _what(self) -> str:
        if self.variance_share < _UNTOUCHED:
            return _NOTHING
        if self.holds_structure:
            return _MORE
        if self.kept_share < _EMPTY:
            return _ALL
        return _SMALL if self.unevenness is None and self.above_noise is None else _ONLY

    @property
    def _evidence(self) -> str:
        told = []
        if self.unevenness is not None and self.unevenness > _UNEVEN:
            told.append(f"{self.unevenness:.1f} times as uneven as noise would be")
        if self.above_noise is not None and self.above_noise > _ABOVE_NOISE:
            told.append(f"{self.above_noise:.1f} times as strong as noise can be")
        return f" ({', '.join(told)})" if told else ""


# A damaged model removes so many times the image's variance, which tells nothing.
_SENSELESS = 1e6


def removed(raw: Image, denoised: Image, faults: Mask | None = None) -> Removed:
    """Measure what of ``raw`` is not in ``denoised``, both (y, x) on one scale.

    ``faults``, (y, x), are true where a camera's faults, which were filled in, are left out.
    """
    free = slice(None) if faults is None else ~faults
    # Of a mean of 10^4 counts float32 leaves too few digits for a variance.
    variance = max(float(raw[free].var(dtype=np.float64)), float(np.finfo(np.float32).tiny))
    rest = raw - denoised
    share = float(rest[free].var(dtype=np.float64)) / variance
    kept = float(denoised[free].var(dtype=np.float64)) / variance
    if not share < _SENSELESS:
        return Removed(share, kept)
    factor = max(1, min(raw.shape) // _SIDE)
    before, gone = _binned(raw - raw.mean(), factor), _binned(rest - rest.mean(), factor)
    if min(before.shape) < _SMALLEST_SIDE or share < _UNTOUCHED:
        return Removed(share, kept)
    trusted = np.ones(before.shape, bool)
    if faults is not None:
        trusted = _binned(faults.astype(np.float32), factor) <= 1 - _FREE
        gone[~trusted] = 0
    unevenness, is_uneven = _unevenness(before, gone, trusted)
    above, is_above = _above_noise(before, gone)
    return Removed(share, kept, unevenness, above, is_uneven or is_above)


def _binned(image: NDArray[np.floating], factor: int) -> Image:
    height, width = (side // factor for side in image.shape)
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor)
    binned: Image = blocks.mean(axis=(1, 3), dtype=np.float32)
    return binned


def _blurred(image: Image, deviation: float) -> Image:
    blurred: Image = ndimage.gaussian_filter(image, deviation, mode="reflect", truncate=3)
    return blurred


def _unevenness(before: Image, gone: Image, trusted: Mask) -> tuple[float | None, bool]:
    """Return the most of all sizes, and whether one is beyond chance."""
    most, found = None, False
    while min(before.shape) >= _SMALLEST_SIDE:
        inner = np.zeros(trusted.shape, np.float32)
        inner[_EDGE:-_EDGE, _EDGE:-_EDGE] = trusted[_EDGE:-_EDGE, _EDGE:-_EDGE]
        here, there = _Power(before, inner), _Power(gone, inner)
        if there.areas >= _LEAST_AREAS:
            most = max(most or 0.0, there.unevenness)
            limit = max(_UNEVEN, 1 + _UNEVEN_ERRORS / math.sqrt(there.areas))
            much = there.mean > _MUCH * here.mean and there.structure > _MUCH * here.structure
            found |= much and there.unevenness > limit
        before, gone = _binned(before, 2), _binned(gone, 2)
        trusted = _binned(trusted.astype(np.float32), 2) >= _FREE
    return most, bool(found)


class _Power:
    """Of one band of ``image``, (y, x): its mean power and how unevenly it is spread.

    ``inner`` is 1 where the image is to be trusted.
    """

    def __init__(self, image: Image, inner: Image) -> None:
        band = (_blurred(image, _SCALE) - _blurred(image, 2 * _SCALE)) * inner
        weight = _blurred(inner, _AREA)
        used = weight > _FREE
        self.areas = float(used.sum() / (4 * math.pi * _AREA**2))
        self.mean = float((band**2).sum() / max(float(inner.sum()), 1.0))
        self.unevenness = self.structure = 0.0
        if self.areas < 1 or self.mean <= 0:
            return
        tiny = np.finfo(np.float32).tiny
        power = _blurred(band**2, _AREA) / np.maximum(weight, tiny)
        # Noise is stronger under thin ice: each area is compared with its surroundings.
        around = _blurred(band**2, _AROUND) / np.maximum(_blurred(inner, _AROUND), tiny)
        relative = np.minimum(power / np.maximum(around, tiny), _STRONGEST)[used]
        variance = _variance_in_noise(band)
        beyond = float((np.maximum(relative - 1, 0) ** 2).mean())
        self.unevenness = beyond / _above_the_mean(variance)
        # Standard deviation of what is not noise, on the image's own scale of power.
        self.structure = math.sqrt(max(self.unevenness - 1, 0) * variance) * self.mean


def _variance_in_noise(band: Image) -> float:
    """Return how much an area's power varies, of its surroundings', in noise as in ``band``."""
    height, width = (fft.next_fast_len(side, real=True) for side in band.shape)
    spectrum = fft.rfft2(band, s=(height, width))
    covariance = fft.irfft2(spectrum.real**2 + spectrum.imag**2, s=(height, width))
    of_squares = fft.rfft2(2 * (covariance / covariance[0, 0]) ** 2).real
    k2 = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width)[None] ** 2
    area, around = (np.exp(-2 * (np.pi * deviation) ** 2 * k2) for deviation in (_AREA, _AROUND))
    twice = np.full(k2.shape[1], 2.0)  # columns stand for two but for the first and last
    twice[0] = 1
    if width % 2 == 0:
        twice[-1] = 1
    return float((of_squares * (area - around) ** 2 * twice).sum() / (height * width))


def _above_the_mean(variance: float) -> float:
    """Return E[max(q - 1, 0)²] of a gamma distribution of mean 1, as a mean of squares has."""
    shape = 1 / variance
    q = np.linspace(1, _STRONGEST, 1000)
    density = np.exp(shape * (np.log(shape) - q) + (shape - 1) * np.log(q) - math.lgamma(shape))
    return float(np.trapezoid((q - 1) ** 2 * density, q))


def _above_noise(before: Image, gone: Image) -> tuple[float, bool]:
    """Return the removed power in units of the most that noise can have; whether that is beyond."""
    (whole, waves), (taken, _) = _ring_power(before), _ring_power(gone)
    # Two rings together waver less, and low rings are few waves.
    least = np.minimum.accumulate(whole)
    at = np.array([int(np.flatnonzero(whole[: i + 1] == least[i])[0]) for i in range(len(whole))])
    # A Hann window makes neighbours alike: as many are independent as there are, over (35/18)².
    error = 35 / 18 * np.sqrt(1 / waves + 1 / waves[at])
    above = taken / least
    limit = np.maximum(_ABOVE_NOISE, 1 + _ABOVE_ERRORS * error)
    return float(above.max()), bool((above > limit).any())


def _ring_power(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean power of rings of ``image``, and of how many waves each is the mean."""
    height, width = image.shape
    # One edge of an image has nothing to do with the opposite one.
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    spectrum = fft.rfft2((image - image.mean()) * window)
    k = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = (k / _RING).astype(int).ravel()
    power = np.bincount(ring, (spectrum.real**2 + spectrum.imag**2).ravel())[_FIRST:_LAST]
    waves = np.maximum(np.bincount(ring)[_FIRST:_LAST], 1).astype(np.float64)
    return power / waves, waves
