"""Which points lie close to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 256


def near(
    points_px: NDArray[np.float64], others_px: NDArray[np.float64], distance_px: float
) -> NDArray[np.bool_]:
    """Tell which of (n, 2) points are less than `distance_px` from any of (m, 2) others."""
    found = np.zeros(len(points_px), bool)
    if not len(others_px) or distance_px <= 0:
        return found
    order = np.argsort(points_px[:, 0])
    others = others_px[np.argsort(others_px[:, 0])]
    # In the order of y, only a strip of the others can be near a few points.
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        points = points_px[some]
        first, last = np.searchsorted(
            others[:, 0], [points[0, 0] - distance_px, points[-1, 0] + distance_px]
        )
        offsets = points[:, None] - others[None, first:last]
        squares = np.einsum("nmc,nmc->nm", offsets, offsets)
        found[some] = (squares < distance_px**2).any(axis=1)
    return found
