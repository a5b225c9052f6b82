"""Which candidates of a tomogram are particles, and which are noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import mannwhitneyu

from napari_n2n.particles.thresholds import suggested_threshold

if TYPE_CHECKING:
    from napari_n2n.particles.volume_scores import Candidates

_FALSE = 0.05
"""Share of noise among what is found, as the opposite tells."""
_FRINGE = 1.2  # diameters: the bright fringe around what is dark lies within
_LOWER = 0.85
_ENOUGH = 10  # candidates, that scores may part in two
_LEAST = 0.2  # no particle fits worse, as for micrographs
_BY_CHANCE = 1e-5  # ten that are all higher than ten others
_FARTHER = 2.0  # above the highest of the others, in its distance from the typical one
_FEW, _MANY = 30, 2000
_FEWEST = 3  # that the best of noise are as good as a particle happens, but not so often
_APART = 3.7  # of two groups; halves of one Gaussian are 2.7 apart, of an even spread 3.5


Scores = NDArray[np.float64]


def particles_among(found: Candidates, rivals: Candidates, diameter_voxel: float) -> float:
    """Return the least score of a particle; above all scores where all may be noise.

    ``rivals`` are what is found with dark and bright exchanged. Noise is as often the one as the
    other, so that as many of them pass a score as noise does among ``found`` (target and decoy).
    Around what is dark there is a bright fringe, which is no noise: of two that are near, only the
    stronger one counts, by score and height. Where what is left falls into two groups, the higher
    one are the particles.
    """
    ours, theirs = _each_for_itself(found, rivals, diameter_voxel * _FRINGE)
    nothing = float(np.nextafter(np.float32(max(1.0, *found.scores[:1], 0)), np.float32(2)))
    least = _least_with_few_false(ours, theirs)
    if least is None:
        return nothing
    kept = _above_their_like(ours[ours >= max(least, _LEAST)], theirs)
    return _parted(kept, float(kept.min())) if len(kept) else nothing


def _above_their_like(found: NDArray[np.float32], theirs: NDArray[np.float32]) -> Scores:
    """Return those that are clearly higher than as many of the highest of the others.

    By the test of Mann and Whitney, or each by itself.
    """
    ours, rivals = (np.sort(one.astype(np.float64))[::-1] for one in (found, theirs))
    if len(ours) and len(rivals):
        like = rivals[: len(ours)]
        # Of few, the approximation by a Gaussian is far off.
        how = "exact" if len(like) <= _FEW else "asymptotic"
        higher = mannwhitneyu(ours[:_MANY], like[:_MANY], alternative="greater", method=how)
        if not higher.pvalue < _BY_CHANCE:
            ours = ours[ours > rivals[0] + _FARTHER * (rivals[0] - float(np.median(rivals)))]
    return ours if len(ours) >= _FEWEST else ours[:0]


def _each_for_itself(
    found: Candidates, rivals: Candidates, reach: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the scores of those that have no better one of the other kind beside them."""
    if not len(found.scores) or not len(rivals.scores):
        return found.scores, rivals.scores
    return _unrivalled(found, rivals, reach), _unrivalled(rivals, found, reach)


def strengths_of(candidates: Candidates) -> NDArray[np.float32]:
    """(n,) how well each fits and how far it stands out, in one number."""
    return np.asarray(candidates.scores * candidates.heights, np.float32)


def _unrivalled(these: Candidates, those: Candidates, reach: float) -> NDArray[np.float32]:
    tree = cKDTree(those.centres)
    near = tree.query_ball_point(these.centres, reach)
    strengths = strengths_of(those)
    best = np.array([strengths[one].max() if one else -1.0 for one in near])
    return these.scores[strengths_of(these) > best]


def _least_with_few_false(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float | None:
    ordered, rivals = np.sort(ours)[::-1], np.sort(theirs)
    false = len(rivals) - np.searchsorted(rivals, ordered, side="left")
    few = np.flatnonzero(false <= _FALSE * np.arange(1, len(ordered) + 1))
    return float(ordered[few[-1]]) if len(few) else None


def _parted(scores: Scores, least: float) -> float:
    """Return where scores fall into two groups, or else the least."""
    if len(scores) < _ENOUGH:
        return least
    between = float(suggested_threshold(scores))
    low, high = scores[scores < between], scores[scores >= between]
    if len(low) < 2 or len(high) < 2:
        return least
    # D. A. Ashman et al., Astron. J. 108, 2348 (1994)
    apart = np.sqrt(2) * (high.mean() - low.mean()) / np.sqrt(low.var() + high.var() + 1e-12)
    is_lower = low.mean() < _LOWER * high.mean()  # particles alone differ by some hundredths
    return between if apart > _APART and is_lower else least
