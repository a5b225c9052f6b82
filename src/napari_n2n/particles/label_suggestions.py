"""Labels suggested for the unmarked particles, learnt from the marked ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.model_selection import StratifiedKFold

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io.particles import LABELS, Label
from napari_n2n.particles.descriptors import column_weights
from napari_n2n.particles.regression import STRENGTHS, MarkKernelRegression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.particles.examples import Examples

FEWEST_MARKS = 5
"""Marks of a label from which it can be learnt."""

_FOLDS = 5
# Above this standard error a cross-validated accuracy tells nothing.
_VAGUE = 0.1
_LEAST_SHARE = 0.01  # one surprising mark shall not decide


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Labels suggested for particles.

    Attributes
    ----------
    labels
        (n,) the most probable label of each.
    probabilities
        (n,) of that label, 0 to 1.
    uncertainty
        (n,) 0 where the label is sure, 1 where another one is as probable.
    """

    labels: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    uncertainty: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Classifier:
    """What was learnt from a person's marks.

    Attributes
    ----------
    kind
        Of the descriptors it was learnt from and is to be used on.
    counts
        Marks it was learnt from, by label; labels with fewer than `FEWEST_MARKS` are left out.
    balanced_accuracy
        Mean over the labels of the share recognised, by cross-validation: each mark was judged by
        what the others taught.
    standard_error
        Of ``balanced_accuracy``, from the number of marks alone.
    left_out
        Labels with too few marks to be learnt.
    """

    kind: str
    counts: dict[Label, int]
    balanced_accuracy: float
    standard_error: float
    left_out: dict[Label, int]
    _model: MarkKernelRegression

    @classmethod
    def learnt(cls, examples: Examples) -> Self:
        """Learn from ``examples``; the same examples give the same classifier.

        Raises
        ------
        NotEnoughData
            Fewer than two labels have `FEWEST_MARKS` marks; the sentence says what is missing.
        """
        counts = {label: int(np.count_nonzero(examples.labels == label)) for label in LABELS[1:]}
        enough = {label: n for label, n in counts.items() if n >= FEWEST_MARKS}
        if len(enough) < 2:
            raise NotEnoughData(_what_is_missing(counts))
        known = np.isin(examples.labels, list(enough))
        values, labels = examples.values[known].astype(np.float64), examples.labels[known]
        weights = column_weights(examples.kind, values.shape[1])
        strength, accuracy, error = _cross_validated(values, labels, weights)
        return cls(
            kind=examples.kind,
            counts=enough,
            balanced_accuracy=accuracy,
            standard_error=error,
            left_out={label: n for label, n in counts.items() if 0 < n < FEWEST_MARKS},
            _model=MarkKernelRegression.fitted(values, labels, weights, [strength])[0],
        )

    def suggest(self, values: NDArray[np.float32]) -> Suggestions:
        """Suggest labels for particles by their descriptors (n, d).

        Raises
        ------
        BadValue
            The descriptors are of another length than those learnt from.
        """
        numbers = np.asarray(values, np.float64)
        if numbers.ndim != 2 or numbers.shape[1] != self._model.width:
            raise BadValue(
                f"Descriptors of shape {numbers.shape} are not what the suggestions were learnt "
                "from. Describe the particles again."
            )
        if not len(numbers):
            return Suggestions(np.empty(0, "U11"), *np.empty((2, 0), np.float32))
        shares = self._model.probabilities(numbers)
        ranked = np.sort(shares, axis=1)
        labels = self._model.names[shares.argmax(axis=1)].astype("U11")
        best = ranked[:, -1].astype(np.float32)
        return Suggestions(labels, best, (1 - (ranked[:, -1] - ranked[:, -2])).astype(np.float32))

    @property
    def says_enough(self) -> bool:
        """Whether the marks are enough for the accuracy to mean something."""
        return self.standard_error <= _VAGUE

    @property
    def sentence(self) -> str:
        """What to tell a person: how well the marks predict one another."""
        marks = " and ".join(f"{n} {label}" for label, n in self.counts.items())
        if self.says_enough:
            text = (
                f"Balanced accuracy {self.balanced_accuracy:.2f} ± {self.standard_error:.2f} "
                f"(cross-validated on {marks})."
            )
        else:
            text = f"Too few marks ({marks}) to say how good the suggestions are; mark more."
        for label, n in self.left_out.items():
            text += f" {label.capitalize()} is never suggested: {n} of {FEWEST_MARKS} marks."
        return text


def _cross_validated(
    values: NDArray[np.float64], labels: NDArray[np.str_], weights: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Judge each mark by what the others teach.

    Returns the best strength of the regression (least logarithmic loss, labels counting equally),
    its balanced accuracy, and that one's standard error.
    """
    names, codes = np.unique(labels, return_inverse=True)
    shares = np.empty((len(STRENGTHS), len(labels), len(names)))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for taught, asked in folds.split(values, labels):
        for i, model in enumerate(
            MarkKernelRegression.fitted(values[taught], labels[taught], weights)
        ):
            shares[i, asked] = model.probabilities(values[asked])
    given = np.maximum(shares[:, np.arange(len(labels)), codes], _LEAST_SHARE)
    loss = np.mean([-np.log(given[:, codes == k]).mean(axis=1) for k in range(len(names))], axis=0)
    best = int(np.argmin(loss))
    guessed = names[shares[best].argmax(axis=1)]
    hits = np.array([np.mean(guessed[labels == name] == name) for name in names])
    marks = np.array([np.count_nonzero(labels == name) for name in names])
    # Laplace's rule: five of five right is no proof that all are.
    share = (hits * marks + 1) / (marks + 2)
    variance = share * (1 - share) / marks
    return STRENGTHS[best], float(hits.mean()), float(np.sqrt(variance.sum()) / len(names))


def _what_is_missing(counts: dict[Label, int]) -> str:
    """Say how many marks of which label it takes until two labels can be learnt."""
    best = sorted(counts, key=lambda label: -counts[label])[:2]
    missing = " and ".join(
        f"{FEWEST_MARKS - counts[label]} more {label}"
        for label in LABELS
        if label in best and counts[label] < FEWEST_MARKS
    )
    return f"Suggestions need {FEWEST_MARKS} marks each of two labels. Mark {missing}."
