"""Found centres against true ones, one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Matching:
    """Which found centre is which true one.

    Attributes
    ----------
    pairs
        (k, 2) indices: of the found, of the true.
    distances_px
        (k,) between the two of each pair.
    n_found, n_true
        How many there were.
    """

    pairs: NDArray[np.intp]
    distances_px: NDArray[np.float64]
    n_found: int
    n_true: int

    @property
    def true_positives(self) -> int:
        """How many were found rightly."""
        return len(self.pairs)

    @property
    def precision(self) -> float:
        """Share of the found that are true; 1 where nothing was found."""
        return self.true_positives / self.n_found if self.n_found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true that were found; 1 where there is nothing to find."""
        return self.true_positives / self.n_true if self.n_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2 TP / (found + true); 1 where both are none."""
        both = self.n_found + self.n_true
        return 2 * self.true_positives / both if both else 1.0

    @property
    def is_hit(self) -> NDArray[np.bool_]:
        """(found,) whether each found centre is a true one."""
        hit = np.zeros(self.n_found, bool)
        hit[self.pairs[:, 0]] = True
        return hit

    @property
    def is_missed(self) -> NDArray[np.bool_]:
        """(true,) whether each true centre was missed."""
        missed = np.ones(self.n_true, bool)
        missed[self.pairs[:, 1]] = False
        return missed


def match(found_px: ArrayLike, true_px: ArrayLike, tolerance_px: float) -> Matching:
    """Match found centres, (n, 2), with true ones, (m, 2), one to one.

    Of all ways to pair centres no further apart than ``tolerance_px``, one is taken that makes as
    many pairs as possible and, among those, the least sum of squared distances.

    Raises
    ------
    BadValue
        The tolerance is not positive or a centre is not finite.
    """
    found = np.asarray(found_px, np.float64).reshape(-1, 2)
    true = np.asarray(true_px, np.float64).reshape(-1, 2)
    if not tolerance_px > 0:
        raise BadValue(f"The tolerance must be more than 0 px, not {tolerance_px:g}.")
    if not (np.isfinite(found).all() and np.isfinite(true).all()):
        raise BadValue("A centre to compare is not a finite number.")
    close = np.empty((0, 2), np.intp)
    if len(found) and len(true):
        near = cKDTree(found).sparse_distance_matrix(
            cKDTree(true), tolerance_px, output_type="ndarray"
        )
        close = np.stack([near["i"], near["j"]], axis=1).astype(np.intp)
    pairs = _assigned(found, true, close, tolerance_px)
    distances = np.hypot(*(found[pairs[:, 0]] - true[pairs[:, 1]]).T)
    return Matching(pairs, distances, len(found), len(true))


def _assigned(
    found: NDArray[np.float64],
    true: NDArray[np.float64],
    close: NDArray[np.intp],  # (e, 2) which found and which true are close enough
    tolerance: float,
) -> NDArray[np.intp]:
    """Assign group by group: centres that are linked by no chain of close pairs cannot compete."""
    if not len(close):
        return np.empty((0, 2), np.intp)
    n = len(found)
    ends = close[:, 0], close[:, 1] + n
    graph = coo_array((np.ones(len(close)), ends), shape=(n + len(true),) * 2)
    _, group = connected_components(graph, directed=False)
    groups = group[ends[0]]
    alone = np.bincount(groups)[groups] == 1  # most: one found, one true
    pairs = [close[alone]]
    rivals = np.flatnonzero(~alone)
    rivals = rivals[np.argsort(groups[rivals], kind="stable")]
    for edges in np.split(rivals, np.flatnonzero(np.diff(groups[rivals])) + 1):
        if not len(edges):
            continue
        rows, columns = np.unique(close[edges, 0]), np.unique(close[edges, 1])
        squared = ((found[rows, None] - true[columns]) ** 2).sum(axis=2)
        # A pair too far apart costs more than all that could be gained by making it.
        far = tolerance**2 * (min(len(rows), len(columns)) + 1)
        cost = np.where(squared <= tolerance**2, squared, far)
        chosen = linear_sum_assignment(cost)
        kept = cost[chosen] < far
        pairs.append(np.stack([rows[chosen[0][kept]], columns[chosen[1][kept]]], axis=1))
    return np.concatenate(pairs)
