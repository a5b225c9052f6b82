"""Smooth curves through measured motion, as stiff as the measurements allow.

Whittaker's smoother (Eilers 2003, Anal. Chem. 75:3631) with a penalty on third differences. The
stiffness minimises the generalised cross-validation score (Craven & Wahba 1979), with each degree
of freedom counted 1.4 times, which keeps short movies from being followed too closely (Kim & Gu
2004, J. R. Stat. Soc. B 66:337).
"""

import numpy as np
from numpy.typing import NDArray

SHORTEST = 12
"""With fewer frames the score is too uncertain to be of use."""

_STIFFNESSES = np.logspace(-2, 8, 41)
_COST = 1.4


def smoothed(
    values: NDArray[np.float64],  # (frame, curve)
    weights: NDArray[np.float64],  # (frame,) inverse variances, any scale; 0: not measured
) -> NDArray[np.float64]:
    """Return smooth curves through ``values``, one stiffness for all of them, (frame, curve).

    Frames of weight 0 are filled in from their neighbours. Fewer than ``SHORTEST`` frames are not
    smoothed, only filled in.
    """
    measured = weights > 0
    if not measured.any():
        return np.zeros_like(values)
    n = len(values)
    places = np.arange(n)
    if measured.sum() < SHORTEST:
        return np.stack(
            [np.interp(places, places[measured], curve[measured]) for curve in values.T], axis=1
        )
    weights = weights / weights[measured].mean()
    difference = np.diff(np.eye(n), n=3, axis=0)
    penalty = difference.T @ difference
    best, best_score = values, np.inf
    for stiffness in _STIFFNESSES:
        hat = np.linalg.solve(np.diag(weights) + stiffness * penalty, np.diag(weights))
        fit = hat @ values
        freedom = 1 - _COST * np.trace(hat) / measured.sum()
        if freedom < 0.05:
            continue  # a curve through every point predicts nothing
        score = (weights[:, None] * (values - fit) ** 2).sum() / freedom**2
        if score < best_score:
            best, best_score = fit, score
    return best
