"""Where the scores of candidates divide into background and particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.filters import threshold_li, threshold_otsu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_USUAL = 0.2
_FEWEST = 10
_FEWEST_IN_A_CLASS = 5


def suggested_threshold(scores: ArrayLike) -> float:
    """Return a score to begin with; what scores at least as high is likely a particle.

    Otsu's threshold (1979) is high where there are few particles, Li's (Li and Tam 1998) low where
    they are clear. What divides two classes with the least error (Kittler and Illingworth 1986)
    decides between them, or lies between; it goes astray where there is one hump only, and where it
    is not between the two, the middle between them is taken: were it the nearer of the two, a
    hair's breadth would decide, and another binning of the same micrograph have a fifth more
    particles. For fewer than ten candidates, a usual value.

    Parameters
    ----------
    scores
        (n,) of all candidates of one micrograph, as `pick` returns them.
    """
    values = np.asarray(scores, np.float64).ravel()
    values = values[np.isfinite(values)]
    if len(values) < _FEWEST or np.ptp(values) == 0:
        return _USUAL
    ends = float(threshold_otsu(values)), float(threshold_li(values))
    least = _least_error(values)
    return least if min(ends) <= least <= max(ends) else sum(ends) / 2


def _least_error(values: NDArray[np.float64]) -> float:
    """Divide values into two Gaussian classes that overlap least (Kittler and Illingworth 1986).

    The criterion is 1 + 2 Σ P ln σ - 2 Σ P ln P over both classes, of shares P and deviations σ.
    """
    ordered = np.sort(values)
    n = len(ordered)
    below = np.arange(_FEWEST_IN_A_CLASS, n - _FEWEST_IN_A_CLASS + 1)
    sums = np.concatenate([[0], np.cumsum(ordered)])
    squares = np.concatenate([[0], np.cumsum(ordered**2)])
    criterion = np.ones(len(below))
    for count, total, square in (
        (below, sums[below], squares[below]),
        (n - below, sums[n] - sums[below], squares[n] - squares[below]),
    ):
        variance = np.maximum(square / count - (total / count) ** 2, 1e-12)
        share = count / n
        criterion += share * np.log(variance) - 2 * share * np.log(share)
    best = int(below[int(np.argmin(criterion))])
    return float((ordered[best - 1] + ordered[best]) / 2)
