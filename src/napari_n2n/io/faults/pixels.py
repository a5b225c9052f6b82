"""Single pixels, or a few together, that are far off what is around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.faults.levels import Level, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.faults.levels import Image, Mask

# Robust deviations from what is around that pixels are off by.
_OFF = 8.0
# Too many are no fault of single pixels.
_MOST = 0.01
# Pixels to each side, more than half of which tell what is around: what is up to 5 px wide is in
# fewer than half.
_AROUND = 5
# Added to counts before their root is taken: its noise is even (F. J. Anscombe, 1948).
_ANSCOMBE = np.float32(0.375)


def off_pixels(image: Image, level: Level, bad: Mask) -> Mask:
    """Return single pixels, or a few together, that are far off; ``bad`` ones do not count."""
    # Counts have a long upper tail; their root has not.
    counts = bool(image.min() >= 0)
    limit = _limit(image, level, bad, counts=counts)
    y, x = _far_off(image, level, limit, counts=counts)
    told = ~bad[y, x]
    y, x = y[told], x[told]
    found = np.zeros(image.shape, bool)
    if not len(y) or len(y) > _MOST * image.size:
        return found
    # What is more than a few pixels wide is in most of the pixels around as well.
    dy, dx = (offset.ravel() for offset in np.mgrid[-_AROUND : _AROUND + 1, -_AROUND : _AROUND + 1])
    near = image[
        (y[:, None] + dy).clip(0, image.shape[0] - 1), (x[:, None] + dx).clip(0, image.shape[1] - 1)
    ]
    around = np.median(_even(near, counts=counts), axis=1)
    sharp = np.abs(_even(image[y, x], counts=counts) - around) > limit
    found[y[sharp], x[sharp]] = True
    return found


def _far_off(
    image: Image, level: Level, limit: np.float32, *, counts: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of pixels that are far off the level around."""
    rows, columns = [], []
    for place, around in level.strips():
        even = _even(around, counts=counts)
        low, high = (_values(even + sign * limit, counts=counts) for sign in (-1, 1))
        strip = image[place]
        off = (strip < low) | (strip > high)
        # Looking whether there are any takes far less time than looking where.
        if off.any():
            y, x = np.nonzero(off)
            rows.append(y + place.start)
            columns.append(x)
    nothing = np.empty(0, np.intp)
    return np.concatenate([nothing, *rows]), np.concatenate([nothing, *columns])


def _limit(image: Image, level: Level, bad: Mask, *, counts: bool) -> np.float32:
    every = level.sparse
    around = _even(level.sample(every), counts=counts)
    sample = _even(image[::every, ::every], counts=counts) - around
    sample = sample[~bad[::every, ::every]]
    # Few counts take few values: how far the median is off says little.
    wide = np.percentile(np.abs(sample), 95) / 1.96 if sample.size else 0.0
    return np.float32(_OFF * max(float(spread(sample)), float(wide)))


def _even(values: Image, *, counts: bool) -> Image:
    """Return ``values`` on a scale where their noise is even."""
    return np.sqrt(np.maximum(values, 0) + _ANSCOMBE) if counts else values


def _values(even: Image, *, counts: bool) -> NDArray[np.float32]:
    """Undo `_even`; what lies below all counts is below 0."""
    return np.where(even > 0, even**2 - _ANSCOMBE, np.float32(-1)) if counts else even
