"""Selecting rows of an item view by spans of them: Qt takes 10,000 single ones slowly."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QSignalBlocker,
)

from napari_n2n.plugin.shared.controls import not_none

if TYPE_CHECKING:
    from qtpy.QtWidgets import QAbstractItemView

FLAGS = QItemSelectionModel.SelectionFlag


def select_rows(view: "QAbstractItemView", rows: NDArray[np.intp], columns: int = 1) -> None:
    """Select these rows (n,), ascending, instead of those selected, and tell nobody."""
    selection, current = not_none(view.selectionModel()), view.currentIndex()
    with QSignalBlocker(selection):
        # From nothing: Qt is slow at finding how two scattered selections differ.
        selection.reset()
        selection.setCurrentIndex(current, FLAGS.NoUpdate)
        selection.select(spans_of(not_none(view.model()), rows, columns), FLAGS.Select)


def spans_of(model: QAbstractItemModel, rows: NDArray[np.intp], columns: int = 1) -> QItemSelection:
    """Return the selection of these rows (n,), ascending, in all their columns."""
    spans = QItemSelection()
    if len(rows):
        cuts = np.flatnonzero(np.diff(rows) > 1)
        firsts, lasts = rows[np.r_[0, cuts + 1]], rows[np.r_[cuts, len(rows) - 1]]
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            spans.append(QItemSelectionRange(model.index(first, 0), model.index(last, columns - 1)))
    return spans


def selected_mask(view: "QAbstractItemView") -> NDArray[np.bool_]:
    """Return which rows of a view are selected, (rows,)."""
    selected = np.zeros(not_none(view.model()).rowCount(), bool)
    spans = not_none(view.selectionModel()).selection()
    for place in range(len(spans)):
        span = spans[place]
        selected[span.top() : span.bottom() + 1] = True
    return selected
