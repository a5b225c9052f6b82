"""The model of table and grid: micrographs in some order, as far as a filter leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor

from napari_n2n.particles.palette import LABEL_COLOURS
from napari_n2n.plugin.shared.looks import QUIET
from napari_n2n.workflow.screening.columns import (
    Column,
    Which,
    columns_of,
    order_of,
    passing,
    state_text,
    text_of,
    verdict_text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.plugin.screening.thumbnails import MicrographThumbnails
    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

THUMBNAIL_PX = 44
VERDICT_COLOURS = {
    "undecided": QUIET,
    "keep": LABEL_COLOURS["intact"],
    "reject": LABEL_COLOURS["broken"],
}
"""Blue is kept and vermillion rejected, wherever a verdict is shown."""

SHOWN = "#ffffff"
"""What marks the micrograph that is shown, among others."""

_SHOWN_ROW = "#565d6b"
_ROLE = Qt.ItemDataRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class MicrographModel(QAbstractTableModel):
    """The micrographs of a `MicrographVerdicts` in some order, as far as a filter leaves them.

    What is sorted or filtered out is decided when it is asked for, not with every verdict: nobody
    wants rows to jump while judging. `is_stale` tells that it would come out different now.

    ``order`` (m,) are the rows of the overview, as they are shown.
    """

    staleChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(
        self, verdicts: MicrographVerdicts, thumbnails: MicrographThumbnails, parent: Any = None
    ) -> None:
        super().__init__(parent)
        self._verdicts = verdicts
        self._thumbnails = thumbnails
        self.columns: tuple[Column, ...] = columns_of(verdicts.overview)
        self.order: NDArray[np.intp] = np.empty(0, np.intp)
        self.key, self.descending = "", False
        self.which: Which = "all"
        self.text = ""
        self.is_stale = False
        self._session: object = None
        verdicts.changed.connect(self._on_changed)
        verdicts.judgedRows.connect(self._on_judged)

    # What is shown, in which order.

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1: as they were added."""
        self.key = self.columns[column].key if 0 <= column < len(self.columns) else ""
        self.descending = order == Qt.SortOrder.DescendingOrder
        self.arrange()

    def set_filter(self, which: Which, text: str = "") -> None:
        """Show only those that pass."""
        if (which, text) != (self.which, self.text):
            self.which, self.text = which, text
            self.arrange()

    def arrange(self) -> None:
        """Sort and filter by what is true now."""
        self.beginResetModel()
        self.order = self._arranged()
        self.endResetModel()
        self._set_stale(False)

    def place_of(self, row: int | None) -> int | None:
        """Return where in the table a row of the overview is; None if it is not."""
        if row is None:
            return None
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if len(found) else None

    def id_at(self, place: int) -> int:
        """Return the id of the micrograph at a place in the table."""
        return int(self._verdicts.overview.ids[self.order[place]])

    def ids_at(self, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the ids (n,) of the micrographs at places in the table."""
        ids: NDArray[np.int64] = self._verdicts.overview.ids[self.order[places]]
        return ids

    def places_of(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return where in the table those of ``ids`` are that it shows, ascending."""
        return np.flatnonzero(np.isin(self._verdicts.overview.ids[self.order], ids))

    def cell(self, place: int) -> tuple[Path | None, str, str]:
        """Return path, name and verdict of the micrograph at a place, for the grid."""
        overview, row = self._verdicts.overview, int(self.order[place])
        return overview.paths[row], overview.names[row], str(overview.verdicts[row])

    def _arranged(self) -> NDArray[np.intp]:
        overview = self._verdicts.overview
        order = order_of(overview, self.key, descending=self.descending)
        return order[passing(overview, self.which, self.text)[order]]

    def _on_changed(self) -> None:
        overview = self._verdicts.overview
        columns = columns_of(overview)
        known = int(self.order.max(initial=-1)) + 1
        is_other = self._verdicts.session is not self._session
        self._session = self._verdicts.session
        if is_other or columns != self.columns or known > len(overview.ids):
            self.columns = columns
            self.arrange()
            return
        arranged = self._arranged()
        new = arranged[~np.isin(arranged, self.order)]
        # What passes the filter only now waits until it is asked for; what is new is shown.
        new = np.sort(new[new >= known])
        if len(new):
            first = len(self.order)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.order = np.concatenate([self.order, new])
            self.endInsertRows()
        self._tell_all()
        self._set_stale(not np.array_equal(arranged, self.order))

    def _on_judged(self, _: object) -> None:
        self._tell_all()
        if self.key == "verdict" or self.which in ("undecided", "keep", "reject"):
            self._set_stale(True)

    def _tell_all(self) -> None:
        """Let what is in view be drawn again, which is less than finding what changed."""
        if len(self.order):
            last = self.index(len(self.order) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _set_stale(self, stale: bool) -> None:
        if stale != self.is_stale:
            self.is_stale = stale
            self.staleChanged.emit()

    # What Qt asks.

    def index(  # noqa: D102 - Qt's; the grid knows no columns
        self, row: int, column: int = 0, parent: QModelIndex | None = None
    ) -> QModelIndex:
        return super().index(row, column, QModelIndex() if parent is None else parent)

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102, N802
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102, N802
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(  # noqa: D102, N802
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == _ROLE.DisplayRole:
            return column.title
        return column.tip if role == _ROLE.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:  # noqa: D102
        overview, row = self._verdicts.overview, int(self.order[index.row()])
        column = self.columns[index.column()]
        key = column.key
        if role == _ROLE.DisplayRole:
            if column.is_figure:
                return text_of(float(overview.figures[key][row]), key)
            texts = {"verdict": verdict_text, "state": state_text}
            return texts[key](overview, row) if key in texts else overview.names[row]
        if role == _ROLE.DecorationRole and key == "name":
            return self._thumbnails.pixmap(overview.paths[row], THUMBNAIL_PX)
        if role == _ROLE.TextAlignmentRole and column.is_figure:
            return _RIGHT
        if role == _ROLE.ForegroundRole:
            if key == "verdict" or overview.verdicts[row] == "reject":
                return QColor(VERDICT_COLOURS[str(overview.verdicts[row])])
            if key == "state" and overview.states[row] == "failed":
                return QColor(VERDICT_COLOURS["reject"])
        if role == _ROLE.BackgroundRole and overview.ids[row] == self._verdicts.current:
            return QColor(_SHOWN_ROW)
        if role == _ROLE.ToolTipRole:
            return str(overview.messages[row]) or str(overview.paths[row] or overview.names[row])
        return None
