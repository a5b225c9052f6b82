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

    The median of three thresholds that go wrong in different ways: Otsu's (1979), which is high
    where there are few particles; Li's (Li and Tam 1998), which is low where they are clear; and
    that of least error (Kittler and Illingworth 1986), which goes astray where there is one hump
    only. For fewer than ten candidates, a usual value.

    Parameters
    ----------
    scores
        (n,) of all candidates of one micrograph, as `pick` returns them.
    """
    values = np.asarray(scores, np.float64).ravel()
    values = values[np.isfinite(values)]
    if len(values) < _FEWEST or np.ptp(values) == 0:
        return _USUAL
    three = threshold_otsu(values), threshold_li(values), _least_error(values)
    return float(np.median(three))


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
