"""Pixels that shine or stay dark in every frame: they would follow the motion into both halves."""

import numpy as np
from numpy.typing import NDArray

_SIGMA = 8.0
_SAMPLE_STRIDE = 7


def standing_out(total: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where hot and dead pixels are, (y, x), given the sum of all frames as they are.

    A pixel is compared with the mean of the middle two of its four neighbours, which one bad
    neighbour cannot move; the difference must be eight robust standard deviations. This takes a
    tenth of a second where ``napari_n2n.io.find_defects`` with its wider neighbourhood takes many.
    """
    padded = np.pad(total, 1, mode="reflect")
    up, down = padded[:-2, 1:-1], padded[2:, 1:-1]
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    lowest = np.minimum(np.minimum(up, down), np.minimum(left, right))
    highest = np.maximum(np.maximum(up, down), np.maximum(left, right))
    difference = up + down
    difference += left
    difference += right
    difference -= lowest
    difference -= highest
    difference *= -0.5
    difference += total
    np.abs(difference, out=difference)
    sample = difference.ravel()[::_SAMPLE_STRIDE]
    differing = sample[sample > 0]
    if not differing.size:
        return np.zeros(total.shape, bool)
    # 1.4826 times the median absolute deviation of a Gaussian is its sigma.
    defects: NDArray[np.bool_] = difference > _SIGMA * 1.4826 * np.median(differing)
    return defects
