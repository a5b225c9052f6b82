"""A scrolling grid of thumbnails: where its cells are, how they are drawn and selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from qtpy.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from qtpy.QtGui import QPainter, QRegion
from qtpy.QtWidgets import QAbstractItemView, QScrollBar, QStyle, QStyleOptionRubberBand, QWidget

from napari_n2n.plugin.shared.controls import not_none
from napari_n2n.plugin.shared.looks import BACKGROUND
from napari_n2n.plugin.shared.selections import FLAGS, select_rows, selected_mask, spans_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent, QResizeEvent


class CellModel(Protocol):
    """What a model of thumbnails has besides Qt's methods."""

    def rowCount(self) -> int:  # noqa: N802 - Qt's name
        """Return how many thumbnails there are."""
        ...

    def cell(self, row: int) -> Any:
        """Return what its painter draws in a row."""
        ...


class CellPainter(Protocol):
    """Knows how large a thumbnail's cell is, and draws what its model gives for it."""

    def cell_size(self) -> QSize:
        """Return the room one cell takes in px."""
        ...

    def paint(
        self, painter: QPainter, area: QRect, cell: Any, *, selected: bool, current: bool
    ) -> None:
        """Draw one cell in this area; ``current`` is the one that keys go on from."""
        ...


class ThumbnailGrid(QAbstractItemView):
    """A grid that is left aligned, read line by line, and scrolled by the pixel.

    Every cell has the same size, so a cell's place is computed when it is asked for. Qt's list
    view lays out all 10,000 whenever one comes or goes, which takes as long as a key may.
    """

    def __init__(
        self, model: QAbstractItemModel, painter: CellPainter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._painter = painter
        self._items, self._cells = model, cast("CellModel", model)
        self._cell = painter.cell_size()
        self._band: QRect | None = None  # the rubber band, from the top of all lines
        self._began = -1  # the row from which Shift selects
        self._chosen: NDArray[np.bool_] | None = None  # which rows are selected, once asked
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A bar that came and went would change the number of columns.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setStyleSheet(f"QAbstractItemView {{background: {BACKGROUND}; border: none;}}")
        self.setModel(model)

    def dragging(self) -> bool:
        """Whether a rubber band is being drawn."""
        return self.state() == QAbstractItemView.State.DragSelectingState

    def set_band(self, band: QRect | None) -> None:
        """Draw a rubber band, placed from the top of all lines; None for none."""
        if band != self._band:
            self._band = band
            self.viewport().update()

    # Qt's types allow for None, which these never are.

    def viewport(self) -> QWidget:
        """Return what the cells are drawn on."""
        return not_none(super().viewport())

    def verticalScrollBar(self) -> QScrollBar:  # noqa: N802 - Qt's name
        """Return the scroll bar at the right."""
        return not_none(super().verticalScrollBar())

    def selectionModel(self) -> QItemSelectionModel:  # noqa: N802 - Qt's name
        """Return what knows which cells are selected."""
        return not_none(super().selectionModel())

    # Where the cells are.

    def columns(self) -> int:
        """Return how many thumbnails stand side by side."""
        return max(1, self.viewport().width() // self._cell.width())

    def cell_size_changed(self) -> None:
        """Take the cell size anew from the painter."""
        self._cell = self._painter.cell_size()
        self.updateGeometries()
        self.viewport().update()

    def visualRect(self, index: QModelIndex) -> QRect:  # noqa: N802 - Qt's name
        """Return where a cell is in the viewport."""
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:  # noqa: N802 - Qt's name
        """Return the cell at a point of the viewport; an invalid index where there is none."""
        column = point.x() // self._cell.width()
        line = (point.y() + self.verticalOffset()) // self._cell.height()
        row = line * self.columns() + column
        if 0 <= column < self.columns() and 0 <= row < self._cells.rowCount():
            return self._items.index(row, 0)
        return QModelIndex()

    def scrollTo(  # noqa: N802 - Qt's name
        self,
        index: QModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Scroll as little as shows a cell, or so that it is where ``hint`` says."""
        if not index.isValid():
            return
        top = self._rect(index.row()).top()
        spare = self.viewport().height() - self._cell.height()
        hints = QAbstractItemView.ScrollHint
        if hint == hints.EnsureVisible:
            wanted = min(max(top, 0), max(spare, 0))
        else:
            places = {hints.PositionAtCenter: spare // 2, hints.PositionAtBottom: spare}
            wanted = places.get(hint, 0)
        self.verticalScrollBar().setValue(self.verticalOffset() + top - wanted)

    def horizontalOffset(self) -> int:  # noqa: N802 - Qt's name
        """Return 0: lines break before they need scrolling."""
        return 0

    def verticalOffset(self) -> int:  # noqa: N802 - Qt's name
        """Return how far down the view is scrolled, in px."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: QModelIndex) -> bool:  # noqa: N802 - Qt's name
        """Return False: all are shown."""
        return False

    def updateGeometries(self) -> None:  # noqa: N802 - Qt's name
        """Fit the scroll bar to the number of lines."""
        super().updateGeometries()
        lines = -(-self._cells.rowCount() // self.columns())
        height, bar = self.viewport().height(), self.verticalScrollBar()
        bar.setPageStep(height)
        bar.setSingleStep(max(1, self._cell.height() // 3))
        bar.setRange(0, max(0, lines * self._cell.height() - height))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep what is at the top there when lines break elsewhere."""
        seen = self.first_row_in_view()
        super().resizeEvent(event)
        self.updateGeometries()
        if seen is not None:
            self.scroll_row_to(*seen)

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802 - Qt's name
        """Move what is drawn, and draw what comes into view."""
        if self._band is None:
            self.viewport().scroll(0, dy)
        else:
            self.viewport().update()

    def _rect(self, row: int) -> QRect:
        line, column = divmod(row, self.columns())
        width, height = self._cell.width(), self._cell.height()
        return QRect(column * width, line * height - self.verticalOffset(), width, height)

    # Drawing.

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the cells in view, and the rubber band."""
        assert event is not None
        painter = QPainter(self.viewport())
        height, offset = self._cell.height(), self.verticalOffset()
        first = (event.rect().top() + offset) // height * self.columns()
        end = ((event.rect().bottom() + offset) // height + 1) * self.columns()
        chosen = self._selected_mask()
        current = self.currentIndex().row() if self.hasFocus() else -1
        for row in range(first, min(end, self._cells.rowCount())):
            self._painter.paint(
                painter,
                self._rect(row),
                self._cells.cell(row),
                selected=bool(chosen[row]),
                current=row == current,
            )
        if self._band is not None:
            option = QStyleOptionRubberBand()
            option.initFrom(self)
            option.rect = self._band.translated(0, -offset)
            not_none(self.style()).drawControl(QStyle.ControlElement.CE_RubberBand, option, painter)
        painter.end()

    def setSelection(  # noqa: N802 - Qt's name
        self, rect: QRect, command: QItemSelectionModel.SelectionFlag
    ) -> None:
        """Select what a rubber band touches, or the cell at the end of ``rect``.

        With Shift: all from the one selected last without Shift to that. Qt's own idea of where a
        selection began knows nothing of what a program has selected since.
        """
        if self.dragging():
            band = rect.normalized().translated(0, self.verticalOffset())
            width, height, columns = self._cell.width(), self._cell.height(), self.columns()
            lines = np.arange(max(0, band.top() // height), band.bottom() // height + 1)
            left, right = max(0, band.left() // width), min(columns - 1, band.right() // width)
            rows = (lines[:, None] * columns + np.arange(left, right + 1)).reshape(-1)
            spans = spans_of(self._items, rows[rows < self._cells.rowCount()])
        else:
            end = self.indexAt(QPoint(rect.right(), rect.bottom())).row()
            if end < 0:
                return
            if command & FLAGS.Current:
                first, last = sorted((self._began if self._began >= 0 else end, end))
                rows, command = np.arange(first, last + 1), FLAGS.ClearAndSelect
            else:
                rows, self._began = np.array([end]), end
            spans = spans_of(self._items, rows)
        self.selectionModel().select(spans, command)

    def visualRegionForSelection(  # noqa: N802 - Qt's name
        self, selection: QItemSelection
    ) -> QRegion:
        """Return all that is in view: drawing it costs less than finding what changed."""
        return QRegion(self.viewport().rect())

    def selectionChanged(  # noqa: N802 - Qt's name
        self, selected: QItemSelection, deselected: QItemSelection
    ) -> None:
        """Draw what changed."""
        self._chosen = None
        super().selectionChanged(selected, deselected)

    def reset(self) -> None:
        """Begin with new rows, none of them selected."""
        self._chosen, self._began = None, -1
        super().reset()
        self.updateGeometries()

    # Selecting by program.

    def selected_rows(self) -> NDArray[np.intp]:
        """Return the selected rows in order."""
        return np.flatnonzero(self._selected_mask())

    def select_rows(self, rows: NDArray[np.intp]) -> None:
        """Select these rows (n,), in order, instead of those selected, and tell nobody."""
        select_rows(self, rows)
        self._chosen = None
        self.viewport().update()

    def _selected_mask(self) -> NDArray[np.bool_]:
        if self._chosen is None:
            self._chosen = selected_mask(self)
        return self._chosen

    def make_current(self, row: int) -> None:
        """Let keys go on from this row, which is scrolled into view."""
        self._began = row
        self.selectionModel().setCurrentIndex(self._items.index(row, 0), FLAGS.NoUpdate)

    def first_row_in_view(self) -> tuple[int, int] | None:
        """Return the first row of which something is seen, and how far down it begins, in px."""
        index = self.indexAt(self.viewport().rect().topLeft())
        return (index.row(), self.visualRect(index).top()) if index.isValid() else None

    def scroll_row_to(self, row: int, top: int) -> None:
        """Scroll so that this row begins ``top`` px below the upper edge, or as near as can be."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + self.visualRect(self._items.index(row, 0)).top() - top)

    def seen_whole(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of these rows of which nothing is cut off."""
        height = self._cell.height()
        first = self.verticalScrollBar().value() / height
        lines = rows // self.columns()
        last = first + self.viewport().height() / height
        return rows[(lines >= first) & (lines + 1 <= last)]
