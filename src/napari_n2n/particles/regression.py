"""Probabilities of labels from a few marks: logistic regression on likeness to the marks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Likeness falls to exp(-0.5) between particles that differ by one deviation in every descriptor.
_STEEPNESS = 0.5
STRENGTHS = (1.0, 10.0, 100.0)
"""How closely the marks may be followed: scikit-learn's C. Ambiguous marks need a small one."""

_MOST_LANDMARKS = 200
_LEAST_EIGENVALUE = 1e-6
_CHUNK = 5000


@dataclass(frozen=True, eq=False)
class MarkKernelRegression:
    """Logistic regression on Gaussian likenesses to the marks (a Nyström map).

    Of what was tried (shrunk discriminant analysis, plain logistic regression, support vector
    machines, self-training) it was as good as the best on every specimen and dose with 5 to 20
    marks of each label, and unlike a support vector machine it tells probabilities.
    Labels count as equally frequent: people mark what is rare more eagerly, so how often they
    marked a label means nothing.

    Attributes
    ----------
    names
        (k,) the labels, sorted.
    """

    names: NDArray[np.str_]
    _mean: Floats
    _scale: Floats
    _landmarks: Floats
    _whitening: Floats
    _regression: LogisticRegression

    @classmethod
    def fitted(
        cls,
        values: Floats,
        labels: NDArray[np.str_],
        weights: Floats,
        strengths: Sequence[float] = STRENGTHS,
    ) -> list[Self]:
        """Learn from descriptors (n, d) with their labels (n,), of two kinds at least.

        ``weights`` (d,) say how much each descriptor counts in a likeness. Returns one for each of
        ``strengths``, which ascend.
        """
        mean = values.mean(axis=0)
        within = np.mean([values[labels == k].var(axis=0) for k in np.unique(labels)], axis=0)
        # Between what a descriptor varies in all and within labels: those that tell labels apart
        # count a little more, and a few marks do not decide it alone.
        deviation = np.sqrt((within + values.var(axis=0)) / 2)
        # What is the same in all marks says nothing, and shall not be blown up.
        deviation[deviation < 1e-6 * (1 + np.abs(mean))] = np.inf
        # So that the mean squared difference of two particles is about 2, whatever the number.
        scale = weights / np.sqrt((weights**2).sum()) / deviation
        scaled = (values - mean) * scale
        # Evenly among the labels as they come; taking every so many-th keeps it reproducible.
        order = np.argsort(labels, kind="stable")
        count = min(len(order), _MOST_LANDMARKS)
        landmarks = scaled[order[np.linspace(0, len(order) - 1, count).astype(np.intp)]]
        eigenvalues, vectors = np.linalg.eigh(_likeness(landmarks, landmarks))
        kept = eigenvalues > _LEAST_EIGENVALUE
        whitening = vectors[:, kept] / np.sqrt(eigenvalues[kept])
        mapped = _likeness(scaled, landmarks) @ whitening
        found = []
        # Each starts from the last, which is near.
        regression = LogisticRegression(class_weight="balanced", max_iter=2000, warm_start=True)
        for strength in strengths:
            regression.set_params(C=strength).fit(mapped, labels)
            names = np.asarray(regression.classes_).astype("U11")
            found.append(cls(names, mean, scale, landmarks, whitening, copy.deepcopy(regression)))
        return found

    @property
    def width(self) -> int:
        """Number of descriptors it was fitted to."""
        return len(self._mean)

    def probabilities(self, values: Floats) -> Floats:
        """Return the probability of each of ``names`` for descriptors (n, d): (n, k)."""
        rows = []
        for start in range(0, max(len(values), 1), _CHUNK):
            scaled = (values[start : start + _CHUNK] - self._mean) * self._scale
            mapped = _likeness(scaled, self._landmarks) @ self._whitening
            rows.append(np.asarray(self._regression.predict_proba(mapped)))
        return np.concatenate(rows)


def _likeness(a: Floats, b: Floats) -> Floats:
    """Gaussian likeness (n, m) of particles (n, d) to others (m, d), 0 to 1."""
    likeness: Floats = np.exp(-_STEEPNESS * cdist(a, b, "sqeuclidean"))
    return likeness
