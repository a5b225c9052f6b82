"""Areas that are far off where noise is averaged: gold, dirt, what the beam does not reach."""

from __future__ import annotations

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
# What holds for more than this share of an image is what the image is like.
_MOST = 0.4


def excess_of(image: Image, bad: Mask, offset: Image | None, level: Level) -> Image | None:
    """Return by how much areas of ``image`` exceed what is usual; None where none does much.

    It is smooth, and 0 wherever the image, less its ``offset``, is within `_USUAL` deviations of
    its noise. ``bad`` pixels are taken to be at the ``level``.
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
    if not 0 < (np.abs(smooth) > _FAR * unit).mean() < _MOST:
        return None
    beyond = smooth - smooth.clip(-_USUAL * unit, _USUAL * unit)
    places = [
        ((np.arange(n) + 0.5) / side - 0.5).clip(0, m - 1)
        for n, m in zip(image.shape, beyond.shape, strict=True)
    ]
    rows = _interpolated(beyond, places[0])
    whole: Image = _interpolated(rows.T, places[1]).T
    return whole


def _interpolated(values: Image, places: NDArray[np.floating]) -> Image:
    """Return rows of ``values`` at ``places`` between its rows."""
    below = places.astype(np.intp)
    share = (places - below).astype(np.float32)[:, None]
    between: Image = values[below]
    between = between + share * (values[np.minimum(below + 1, len(values) - 1)] - between)
    return between
