"""The score, learnt from a person's own verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_n2n.quality.figure_catalogue import FIGURES
from napari_n2n.quality.scoring import scores

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

LEAST_VERDICTS = 20
"""Keep and reject together, before they are learnt from."""

_LEAST_OF_A_KIND = 3
_PRIOR_VERDICTS = 20.0  # what the score without calibration weighs against the person
_STRENGTH = 1.0  # inverse of the penalty on the weights of figures in standard deviations
_FARTHEST = 4.0  # deviations; what is further out says no more
_CERTAIN = 0.01  # of the score's share: how near to 0 or 1 it comes before its log odds are taken

Columns = Mapping[str, ArrayLike]
Scorer = Callable[[Columns], NDArray[np.float64]]


def calibrated_overall(figures: Columns, verdicts: ArrayLike) -> Scorer | None:
    """Learn from verdicts what this person keeps, and return a better `overall`.

    A logistic regression (scikit-learn) of the verdicts on `overall`'s log odds and on all figures.
    It is drawn to `overall`: every micrograph counts besides as kept and as rejected, in the
    proportion that its score says, all of them together as much as 20 verdicts. So the first
    verdicts move the score a little and hundreds make it their own. It may find that a figure
    matters which `overall` does not judge, such as brightness.

    Parameters
    ----------
    figures
        Name to (n,) values, NaN where unknown. ``score`` itself is ignored.
    verdicts
        (n,) of ``keep``, ``reject``, ``undecided``.

    Returns
    -------
    A function from figures, as above, to (m,) scores, 0 to 100, NaN where `overall` knows nothing;
    or None where fewer than 20 are decided, or fewer than 3 of one kind.
    """
    columns = _columns(figures)
    odds = _log_odds(columns)
    given = np.asarray(verdicts, np.str_).reshape(-1)
    known = np.isfinite(odds)
    kept, rejected = (known & (given == verdict) for verdict in ("keep", "reject"))
    decided = kept | rejected
    if (
        decided.sum() < LEAST_VERDICTS
        or min(int(kept.sum()), int(rejected.sum())) < _LEAST_OF_A_KIND
    ):
        return None
    scales = {
        name: _middle_and_spread(column[known])
        for name, column in columns.items()
        if np.isfinite(column[decided]).any()
    }
    table = _table(columns, scales, odds)
    return _Calibrated(scales, _fitted(table[known], odds[known], kept[known], decided[known]))


class _Calibrated:
    """Scores of figures by a fitted regression."""

    def __init__(self, scales: dict[str, tuple[float, float]], model: LogisticRegression) -> None:
        self._scales = scales
        self._model = model

    def __call__(self, figures: Columns) -> NDArray[np.float64]:
        columns = _columns(figures)
        odds = _log_odds(columns)
        values = np.full(len(odds), np.nan)
        known = np.isfinite(odds)
        if known.any():
            table = _table(columns, self._scales, odds)[known]
            values[known] = 100 * self._model.predict_proba(table)[:, 1]
        return values


def _fitted(
    table: NDArray[np.float64],  # (n, figures + 1)
    odds: NDArray[np.float64],  # (n,)
    kept: NDArray[np.bool_],  # (n,)
    decided: NDArray[np.bool_],  # (n,)
) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    n, prior = len(odds), _PRIOR_VERDICTS / len(odds)
    share = 1 / (1 + np.exp(-odds))
    answers = np.concatenate([kept[decided], np.ones(n, bool), np.zeros(n, bool)])
    weights = np.concatenate([np.ones(int(decided.sum())), prior * share, prior * (1 - share)])
    model = LogisticRegression(C=_STRENGTH, max_iter=1000)
    return model.fit(np.concatenate([table[decided], table, table]), answers, weights)


def _columns(figures: Columns) -> dict[str, NDArray[np.float64]]:
    """Return the figures that are known by name, as numbers."""
    return {
        name: np.asarray(column, np.float64).reshape(-1)
        for name, column in figures.items()
        if name in FIGURES and name != "score"
    }


def _log_odds(columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the score of each micrograph, (n,), as log odds."""
    share = np.clip(scores(columns) / 100, _CERTAIN, 1 - _CERTAIN)
    odds: NDArray[np.float64] = np.log(share / (1 - share))
    return odds


def _middle_and_spread(column: NDArray[np.float64]) -> tuple[float, float]:
    known = column[np.isfinite(column)]
    return float(np.median(known)), float(np.std(known))


def _table(
    columns: dict[str, NDArray[np.float64]],
    scales: dict[str, tuple[float, float]],
    odds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (n, figures + 1): the log odds, then each figure in deviations from the middle."""
    parts = [odds]
    for name, (middle, spread) in scales.items():
        far = np.zeros(len(odds))
        if name in columns and spread > 0:
            far = np.clip((columns[name] - middle) / spread, -_FARTHEST, _FARTHEST)
        parts.append(np.where(np.isfinite(far), far, 0.0))  # unknown: says nothing
    return np.stack(parts, axis=1)
