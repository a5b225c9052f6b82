"""Whether particles are dark on bright or bright on dark, as the image itself tells.

Particles cover the lesser part of a field and differ from what is around them in one direction. So
the grey values of structure as large as particles are skewed: in cryo-EM towards dark, in negative
stain and in inverted images towards bright. Noise is as often bright as dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

_SIZES_ANGSTROM = (80.0, 113.0, 160.0, 226.0)
# The narrower of two Gaussians whose difference is a band, in particles' widths.
_DEVIATION = 0.2
_TILE = 3.0  # particles' widths
_FEWEST_TILES = 9
# In deviations of the band: ice, gold and defects count, and do not decide alone.
_MOST = 6.0
# A band tells if the mean skewness of its tiles, that mean in its standard errors, and the share of
# tiles that agree are all as large. Of 41 real cryo images, with dirt, carbon and cracks among
# them, none was as skewed towards bright: up to 0.28 at 4.6 errors, or 0.46 at 3.5. Simulated ones
# of particles that show, inverted, reached 0.7 to 1.6, 5 to 24 errors and 0.94 to 1.
_SKEWED, _ERRORS, _SHARE = 0.35, 5.0, 0.85


def plainly_bright(image: ArrayLike, pixel_size_angstrom: float) -> bool:
    """Tell whether structure as large as particles is brighter than what is around it.

    It is so only where it is plain: almost everywhere in the field, for particles of some width.

    Parameters
    ----------
    image
        (y, x), finite, without faults of the camera; some 10 Å a pixel are enough.
    pixel_size_angstrom
        Of the image.
    """
    pixels = np.asarray(image, np.float32)
    bands = list(_skewness_of_tiles(pixels, pixel_size_angstrom))
    return any(map(_is_plain, bands)) and not any(_is_plain(-band) for band in bands)


def _skewness_of_tiles(
    pixels: NDArray[np.float32], pixel_size_angstrom: float
) -> Iterator[NDArray[np.float64]]:
    """Yield the skewness of each tile, (n,), for each size that pixels and field allow."""
    for size in _SIZES_ANGSTROM:
        deviation = _DEVIATION * size / pixel_size_angstrom
        side = round(_TILE * size / pixel_size_angstrom)
        down, across = (length // max(side, 1) for length in pixels.shape)
        if deviation < 0.8 or down * across < _FEWEST_TILES:
            continue
        band = gaussian_filter(pixels, deviation) - gaussian_filter(pixels, 2 * deviation)
        band -= np.median(band)
        spread = 1.4826 * float(np.median(np.abs(band)))
        if spread == 0:
            continue
        values = np.clip(band / spread, -_MOST, _MOST)[: down * side, : across * side]
        tiles = values.reshape(down, side, across, side).swapaxes(1, 2)
        tiles = tiles.reshape(down * across, -1).astype(np.float64)
        tiles -= tiles.mean(axis=1, keepdims=True)
        variance = np.maximum((tiles**2).mean(axis=1), 1e-12)
        yield (tiles**3).mean(axis=1) / variance**1.5


def _is_plain(skewness: NDArray[np.float64]) -> bool:
    mean, error = skewness.mean(), skewness.std(ddof=1) / np.sqrt(len(skewness))
    agreeing = (skewness > 0).mean()
    return bool(mean >= _SKEWED and mean >= _ERRORS * error and agreeing >= _SHARE)
