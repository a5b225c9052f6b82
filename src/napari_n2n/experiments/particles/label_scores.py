"""How often suggested labels are right, when a person marks only a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import LABELS
from napari_n2n.particles.examples import Examples
from napari_n2n.particles.label_suggestions import FEWEST_MARKS, Classifier
from napari_n2n.progress import Steps, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_n2n.particles.descriptors import Descriptors

_FEWEST_LEFT = 3  # particles of a label that must be left to judge by


@dataclass(frozen=True)
class SuggestionScore:
    """Balanced accuracy on the particles that were not marked, over many draws of the marks.

    Attributes
    ----------
    marks
        Particles marked of each label.
    labels
        The labels that took part: those with enough particles.
    left
        How many particles of each of them were left to judge by.
    mean, spread, lowest
        Of the balanced accuracy: mean, standard deviation and lowest of the draws.
    predicted
        Mean of what the classifier itself said of its accuracy, from its marks alone.
    draws
        How often the marks were drawn.
    """

    marks: int
    labels: tuple[str, ...]
    left: tuple[int, ...]
    mean: float
    spread: float
    lowest: float
    predicted: float
    draws: int


def suggestion_scores_steps(
    descriptors: Descriptors,
    labels: NDArray[np.str_],
    diameter_angstrom: float,
    *,
    marks: Sequence[int] = (5, 10, 20, 30),
    draws: int = 50,
    seed: int = 0,
) -> Steps[tuple[SuggestionScore, ...]]:
    """Mark a few particles of each label at random, suggest the rest, and compare; many times.

    Numbers of marks for which fewer than two labels have particles enough are left out.

    Parameters
    ----------
    descriptors
        Of the particles of one micrograph, (n, d).
    labels
        (n,) their true labels; unlabelled ones are left out.
    diameter_angstrom
        Of the particle.
    marks
        How many of each label are marked.
    draws
        How often.
    seed
        Equal seeds draw equal marks.

    Raises
    ------
    NotEnoughData
        There are too few particles for any of ``marks``.
    """
    rows = {label: np.flatnonzero(labels == label) for label in LABELS[1:]}
    scores = []
    watch = Stopwatch()
    for i, n in enumerate(marks):
        chosen = {k: r for k, r in rows.items() if n >= FEWEST_MARKS and len(r) >= n + _FEWEST_LEFT}
        if len(chosen) < 2:
            continue
        rng = np.random.default_rng([seed, n])
        results, predicted = [], []
        for draw in range(draws):
            yield watch.progress(f"suggesting from {n} marks", i * draws + draw, len(marks) * draws)
            marked = np.concatenate([rng.choice(r, n, replace=False) for r in chosen.values()])
            examples = Examples(
                descriptors.values[marked], labels[marked], descriptors.kind, diameter_angstrom
            )
            classifier = Classifier.learnt(examples)
            predicted.append(classifier.balanced_accuracy)
            hits = []
            for label, all_rows in chosen.items():
                rest = np.setdiff1d(all_rows, marked)
                hits.append(np.mean(classifier.suggest(descriptors.values[rest]).labels == label))
            results.append(np.mean(hits))
        scores.append(
            SuggestionScore(
                marks=n,
                labels=tuple(chosen),
                left=tuple(len(r) - n for r in chosen.values()),
                mean=float(np.mean(results)),
                spread=float(np.std(results)),
                lowest=float(np.min(results)),
                predicted=float(np.mean(predicted)),
                draws=draws,
            )
        )
    if not scores:
        raise NotEnoughData(
            f"There are too few labelled particles to mark {min(marks)} of two labels and judge "
            "by the rest. Use a larger micrograph."
        )
    return tuple(scores)


def jittered(
    centres_px: NDArray[np.float64], diameter_px: float, *, share: float = 0.05, seed: int = 0
) -> NDArray[np.float64]:
    """Move centres (n, 2) at random within a disc of ``share`` of the diameter, as picks are off.

    Each place in the disc is as likely.
    """
    rng = np.random.default_rng(seed)
    radius = share * diameter_px * np.sqrt(rng.random(len(centres_px)))
    angle = rng.uniform(0, 2 * np.pi, len(centres_px))
    moved: NDArray[np.float64] = centres_px + np.stack(
        [radius * np.sin(angle), radius * np.cos(angle)], axis=1
    )
    return moved
