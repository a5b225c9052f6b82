"""Areas that are far off where noise is averaged: gold, dirt, what the beam does not reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.faults.levels import Level, binned, level_of, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.faults.levels import Image, Mask

# They are looked for on a grid of at most so many pixels a side.
_COARSE_SIDE = 768
# Deviations of the noise of coarse pixels that areas, smoothed, are usually off by at most, and
# those by which some have to be for anything to be done about it.
_USUAL, _FAR = 3.0, 8.0
# Deviations between neighbouring coarse pixels, where such an area ends as saturated ones do (200).
# Gold and dirt (10 to 17) are denoised as they are: left as recorded, the rims of dirt cost more.
_SHARP = 25.0
# What holds for more than this share of an image is what the image is like.
_MOST = 0.4


@dataclass(frozen=True, eq=False)
class Dense:
    """Areas of an image that are far off, (y, x).

    ``excess`` is by how much they exceed what is usual. It is smooth, and 0 but in areas that are
    far off somewhere. ``rims`` are where they end more sharply than that; None: nowhere.
    """

    excess: Image
    rims: Mask | None


def dense_areas(image: Image, bad: Mask, offset: Image | None, level: Level) -> Dense | None:
    """Return the areas of ``image`` that exceed what is usual by far; None where none does.

    ``bad`` pixels are taken to be at the ``level``, and the ``offset`` is taken off before.
    """
    from scipy import ndimage

    side = 1
    while max(image.shape) > _COARSE_SIDE * side:
        side *= 2
    coarse = binned(image, side, bad, level)
    if offset is not None:
        coarse -= binned(offset, side, None, level)
    # What changes over a quarter of the field is ice or illumination.
    usual = level_of(coarse)
    blocks = usual.blocks
    blocks = ndimage.median_filter(blocks, [max(3, n // 4 * 2 + 1) for n in blocks.shape])
    rest = coarse - Level(blocks, usual.side, usual.shape).sample(1)
    unit = float(spread(rest))
    smooth = ndimage.gaussian_filter(rest, 1.0, mode="nearest")
    far = np.abs(smooth) > _FAR * unit
    if not 0 < far.mean() < _MOST:
        return None
    beyond = smooth - smooth.clip(-_USUAL * unit, _USUAL * unit)
    # What is of the usual strength elsewhere is the specimen.
    own = ndimage.binary_propagation(far, np.ones((3, 3), bool), mask=beyond != 0)
    beyond[~own] = 0
    rims = _rims(rest, own, unit)
    places = [
        ((np.arange(n) + 0.5) / side - 0.5).clip(0, m - 1)
        for n, m in zip(image.shape, beyond.shape, strict=True)
    ]
    rows = _interpolated(beyond, places[0])
    whole: Image = _interpolated(rows.T, places[1]).T
    if not rims.any():
        return Dense(whole, None)
    nearest = [np.rint(at).astype(np.intp) for at in places]
    return Dense(whole, rims[np.ix_(*nearest)])


def _rims(rest: Image, own: Mask, unit: float) -> Mask:
    """Return where ``rest``, without most of its noise, changes by much from pixel to pixel."""
    from scipy import ndimage

    middle = ndimage.median_filter(rest, 3, mode="nearest")
    change = ndimage.maximum_filter(middle, 3) - ndimage.minimum_filter(middle, 3)
    sharp = change > _SHARP * unit
    # The Gaussian that makes the excess reaches a pixel farther.
    rims: Mask = ndimage.binary_dilation(sharp, np.ones((3, 3), bool), mask=own | sharp)
    return rims


def _interpolated(values: Image, places: NDArray[np.floating]) -> Image:
    """Return rows of ``values`` at ``places`` between its rows."""
    below = places.astype(np.intp)
    share = (places - below).astype(np.float32)[:, None]
    between: Image = values[below]
    between = between + share * (values[np.minimum(below + 1, len(values) - 1)] - between)
    return between
