"""Where in a tomogram there is specimen: told by its halves, whose noise is not the same."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_n2n.denoising.scratch import Bricks
from napari_n2n.progress import Stop, never, require_going

Blocks = NDArray[np.bool_]
"""(z, y, x), one for each block of `BLOCK` voxels cubed; the last ones may be cut."""

BLOCK = 8
# Neighbouring voxels that are averaged first: waves shorter than that are mostly noise.
_AVERAGED = 2
# What is so many deviations of a half from the median, both added up, is gold or dirt as dense; of
# simulated proteins, membranes and filaments next to nothing is.
GOLD = 20.0
# Ice counts as empty where the specimen's power is less than this share of what it is elsewhere.
_FAINT = 0.1
# Standard errors by which it has to stand out from none.
_SURE = 5.0
# A mask of less than this says nothing.
_LEAST = 0.01


def specimen_blocks(odd: Bricks, even: Bricks, stop: Stop = never) -> Blocks:
    """Find the blocks that hold specimen and no gold, by two halves that are normalised.

    Their covariance in a block is the power of what both show, free of noise on average; in empty
    ice and outside of it there is none. Where that tells nothing, all but gold is taken.

    Raises
    ------
    Interrupted
        ``stop`` became true.
    """
    shared, deviation, dense = _measured(odd, even, stop)
    # Gold, its streaks and the dark rings about it.
    gold = ndimage.binary_dilation(dense, iterations=1)
    weights = ndimage.gaussian_filter((~gold).astype(np.float32), 1.0)
    power = ndimage.gaussian_filter(np.where(gold, 0, shared), 1.0) / np.maximum(weights, 1e-6)
    usable = ~gold
    if not usable.any():
        return np.ones_like(gold)
    # A Gaussian of one block averages (4π)^1.5 = 45 of them.
    errors = ndimage.gaussian_filter(deviation, 1.0) / 45**0.5
    typical = float(np.percentile(power[usable], 95))
    found: Blocks = usable & (power > np.maximum(_SURE * errors, _FAINT * typical))
    return found if found.mean() > _LEAST else usable


def _measured(
    odd: Bricks, even: Bricks, stop: Stop
) -> tuple[NDArray[np.float32], NDArray[np.float32], Blocks]:
    """Return of every block the shared power, its standard error, and whether it holds gold."""
    _, height, width = odd.shape
    layers = []
    for slab in odd.slabs:
        require_going(stop)
        box = (slab, slice(0, height), slice(0, width))
        a, b = (_mean_of_cubes(half.read(box), _AVERAGED) for half in (odd, even))
        count = BLOCK // _AVERAGED
        a_mean, b_mean, shared, a_power, b_power = (
            _mean_of_cubes(each, count) for each in (a, b, a * b, a * a, b * b)
        )
        dense = _in_cubes(np.maximum, np.abs(a + b), count) > GOLD
        error = np.sqrt(a_power * b_power) / count**1.5
        layers.append((shared - a_mean * b_mean, error, dense))
    shared, error, gold = (np.concatenate(parts) for parts in zip(*layers, strict=True))
    return shared, error, gold


def _mean_of_cubes(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the mean of each cube of ``side`` voxels; the last ones may be cut."""
    counts = _in_cubes(np.add, np.ones_like(values[:, :1, :1]), side)
    for axis in (1, 2):
        line = np.ones([n if i == axis else 1 for i, n in enumerate(values.shape)], np.float32)
        counts = counts * _in_cubes(np.add, line, side)
    means: NDArray[np.float32] = _in_cubes(np.add, values, side) / counts
    return means


def _in_cubes(how: np.ufunc, values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    for axis, length in enumerate(values.shape):
        values = how.reduceat(values, np.arange(0, length, side), axis=axis)
    return values
