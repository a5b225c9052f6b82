"""Picks against known centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.particles import Matching, match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io import Particles

_MATCHINGS = 300  # to find the best threshold by: more take seconds


@dataclass(frozen=True, eq=False)
class PickScore:
    """The picks of one image, as far from the border as the true centres that are counted.

    Attributes
    ----------
    found_px, scores
        (n, 2) y, x and (n,) of all candidates.
    true_px
        (m, 2) y, x.
    tolerance_px
        How far a hit may be off.
    """

    found_px: NDArray[np.float64]
    scores: NDArray[np.float32]
    true_px: NDArray[np.float64]
    tolerance_px: float

    @classmethod
    def of(
        cls,
        picks: Particles,
        true_px: NDArray[np.float64],
        shape: tuple[int, int],
        *,
        tolerance_px: float,
        border_px: float,
    ) -> PickScore:
        """Leave out found and true centres that are within ``border_px`` of the border."""

        def inner(centres: NDArray[np.float64]) -> NDArray[np.bool_]:
            inside = (centres >= border_px) & (centres <= np.array(shape) - 1 - border_px)
            both: NDArray[np.bool_] = inside[:, 0] & inside[:, 1]
            return both

        found = inner(picks.centres_px)
        return cls(
            picks.centres_px[found], picks.scores[found], true_px[inner(true_px)], tolerance_px
        )

    def at(self, threshold: float) -> Matching:
        """Match what scores at least ``threshold``."""
        return match(self.found_px[self.scores >= threshold], self.true_px, self.tolerance_px)


def best_threshold(images: list[PickScore]) -> tuple[float, float]:
    """Return the one threshold with the highest mean F1 over ``images``, and that F1.

    It can be known only where the truth is: an upper bound for any rule.
    """
    scores = np.concatenate([image.scores for image in images])
    count = max(60, _MATCHINGS // max(1, len(images)))
    tried = np.unique(np.quantile(scores, np.linspace(0, 1, count))) if len(scores) else [0.0]
    f1 = [float(np.mean([image.at(value).f1 for image in images])) for value in tried]
    best = int(np.argmax(f1))
    return float(tried[best]), f1[best]
