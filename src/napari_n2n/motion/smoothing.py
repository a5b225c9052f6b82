"""Smooth curves through measured motion, as stiff as the measurements allow.

Whittaker's smoother (Eilers 2003, Anal. Chem. 75:3631) with a penalty on second differences; the
stiffness minimises the generalised cross-validation score (Craven & Wahba 1979).
"""

import numpy as np
from numpy.typing import NDArray

_STIFFNESSES = np.logspace(-2, 6, 33)


def smoothed(
    values: NDArray[np.float64],  # (frame, curve)
    weights: NDArray[np.float64],  # (frame,) inverse variances, any scale; 0: not measured
) -> NDArray[np.float64]:
    """Return smooth curves through ``values``, one stiffness for all of them, (frame, curve).

    Frames of weight 0 are filled in from their neighbours. Too few frames are returned as they are.
    """
    n = len(values)
    measured = weights > 0
    if n < 5 or measured.sum() < 5:
        return values.copy()
    weights = weights / weights[measured].mean()
    difference = np.diff(np.eye(n), n=2, axis=0)
    penalty = difference.T @ difference
    best, best_score = values, np.inf
    for stiffness in _STIFFNESSES:
        hat = np.linalg.solve(np.diag(weights) + stiffness * penalty, np.diag(weights))
        fit = hat @ values
        freedom = 1 - np.trace(hat) / measured.sum()
        if freedom < 0.05:
            continue  # a curve through every point predicts nothing
        score = (weights[:, None] * (values - fit) ** 2).sum() / freedom**2
        if score < best_score:
            best, best_score = fit, score
    return best
