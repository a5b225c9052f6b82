"""The power spectrum of a micrograph, as people look at it: Thon rings, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_PX = 512
# Fourier pixels to each side of an axis, and from the centre, that rings leave out.
_AXIS_PX, _AXES_FROM_PX = 1, 6
_FEWEST_TILES = 4  # along either side, so that rings stand out of the noise


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The mean power of an image.

    Attributes
    ----------
    power
        (n, n) decadic logarithm of the power, zero frequency in the middle. That of white noise
        is its variance.
    frequencies
        (m,) of the rotational average: 1/Å, or 1/px where the pixel size is unknown.
    rotational
        (m,) decadic logarithm of the mean power on each ring, both axes left out.
    """

    power: NDArray[np.float32]
    frequencies: NDArray[np.float64]
    rotational: NDArray[np.float64]


def power_spectrum(image: NDArray[np.float32], pixel_size_angstrom: float | None) -> Spectrum:
    """Average the power of tiles of up to 512 px (Welch 1967), each under a Hann window.

    Parameters
    ----------
    image
        (y, x), 2 px at least on either side.
    pixel_size_angstrom
        None if it is unknown: frequencies are then in 1/px.
    """
    side = min(_TILE_PX, *image.shape) // 2 * 2
    window = np.hanning(side + 1)[:-1].astype(np.float32)
    total = np.zeros((side, side // 2 + 1), np.float64)
    starts = [_starts(length, side) for length in image.shape]
    for top in starts[0]:
        for left in starts[1]:
            tile = image[top : top + side, left : left + side]
            tile = (tile - tile.mean(dtype=np.float64)) * window[:, None] * window
            total += np.abs(scipy.fft.rfft2(tile)) ** 2
    # So that the power of white noise is its variance.
    total /= len(starts[0]) * len(starts[1]) * float((window.astype(np.float64) ** 2).sum()) ** 2
    rows = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(rows[:, None], np.arange(side // 2 + 1))).astype(np.intp)
    # All but the first and the last column stand for their mirror images as well.
    weight = np.full(total.shape, 2.0)
    weight[:, [0, -1]] = 1.0
    # The lines of a detector lie on the axes, which only the innermost rings cannot do without.
    on_axis = np.minimum(np.abs(rows)[:, None], np.arange(side // 2 + 1)) <= _AXIS_PX
    weight[on_axis & (ring >= _AXES_FROM_PX)] = 0.0
    count = np.maximum(np.bincount(ring.ravel(), weight.ravel()), 1.0)
    mean = np.bincount(ring.ravel(), (weight * total).ravel()) / count
    rings = np.arange(1, side // 2)  # the zeroth is the image's brightness
    tiny = np.finfo(np.float64).tiny
    frequencies = rings / (side * (pixel_size_angstrom or 1.0))
    # (ky, kx) and (-ky, -kx) have the same power.
    half = np.fft.fftshift(total, axes=0)
    other = half[(-np.arange(side)) % side, 1:-1][:, ::-1]
    # Half the columns are kx = 0 … n/2; the left ones are mirrored from them.
    whole = np.concatenate([half[:, -1:], other, half[:, :-1]], axis=1)
    power = np.log10(np.maximum(whole, tiny)).astype(np.float32)
    return Spectrum(power, frequencies, np.log10(np.maximum(mean[rings], tiny)))


def _starts(length: int, side: int) -> NDArray[np.intp]:
    """Spread as many tiles as fit evenly over a length, or four that overlap."""
    count = max(_FEWEST_TILES, length // side) if length > side else 1
    return np.linspace(0, length - side, count).round().astype(np.intp)
