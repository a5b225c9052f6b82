"""What is shown of a micrograph's particles at one moment. No Qt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io import Particles

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PendingSuggestions:
    """Labels that were suggested and not accepted yet; columns of equal length.

    ``ids`` ascend. ``uncertainty`` is larger the less sure the machine is.
    """

    ids: Ids
    labels: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    uncertainty: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "PendingSuggestions":
        """No suggestions."""
        empty = np.empty(0, np.float32)
        return cls(np.empty(0, np.int64), np.empty(0, "U11"), empty, empty)


@dataclass(frozen=True, eq=False)
class ShownParticles:
    """The particles that are shown, row by row, ids ascending; taken at one moment.

    ``suggested`` is empty where nothing is pending; there the probability is NaN.
    """

    ids: Ids
    particles: Particles
    suggested: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    uncertainty: NDArray[np.float32]

    def rows(self, ids: Sequence[int] | Ids) -> NDArray[np.intp]:
        """Return the rows of those of ``ids`` that are shown."""
        return np.flatnonzero(np.isin(self.ids, np.asarray(ids, np.int64)))


def shown_particles(
    ids: Ids, particles: Particles, threshold: float | None, suggested: PendingSuggestions
) -> ShownParticles:
    """Return what is shown of (n,) ``ids`` and ``particles``.

    A candidate that scores below ``threshold`` is hidden unless somebody gave it something.
    """
    if threshold is not None and len(ids):
        hidden = (particles.scores < threshold) & (particles.given_by == "picker")
        hidden &= particles.labels == "unlabelled"
        particles, ids = particles[~hidden], ids[~hidden]
    n = len(ids)
    labels = np.full(n, "", "U11")
    probabilities = np.full(n, np.nan, np.float32)
    uncertainty = np.full(n, -np.inf, np.float32)
    _, here, there = np.intersect1d(ids, suggested.ids, return_indices=True)
    pending = particles.labels[here] == "unlabelled"
    here, there = here[pending], there[pending]
    labels[here] = suggested.labels[there]
    probabilities[here] = suggested.probabilities[there]
    uncertainty[here] = suggested.uncertainty[there]
    return ShownParticles(ids, particles, labels, probabilities, uncertainty)
