"""The scrolling grid of the gallery: what keys and the mouse do in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from qtpy.QtWidgets import QAbstractItemView, QListView

from napari_n2n.plugin.thumbnails import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MOVES = {
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    *_ENTER,
}


class ThumbnailView(QListView):
    """A grid that is left aligned, read line by line, and scrolled by the pixel.

    A list that wraps, not Qt's icon mode: in that, Shift selects rectangles and not all between.
    """

    keyPressed = Signal(str)  # noqa: N815 - Qt's way to name signals
    opened = Signal(QModelIndex)
    zoomed = Signal(int)
    released = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._keys: dict[str, str] = {}
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(0)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A bar that came and went would change the number of columns.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # Darker than napari's lists: on those, vermillion is hard to see.
        self.setStyleSheet(f"QListView {{background: {BACKGROUND}; border: none;}}")
        self.doubleClicked.connect(self.opened)

    def set_keys(self, keys: Iterable[str]) -> None:
        """Hand on these keys, named as in "1", "Delete", "Ctrl+Shift+Z"."""
        self._keys = {_portable(QKeySequence(key)): key for key in keys}

    def dragging(self) -> bool:
        """Whether a rubber band is being drawn."""
        return self.state() == QAbstractItemView.State.DragSelectingState

    def columns(self) -> int:
        """Return how many thumbnails stand side by side."""
        return max(1, self.viewport().width() // max(1, self.gridSize().width()))

    def event(self, event: QEvent) -> bool:
        """Claim the keys used here from the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and (
            self._name_of(event) is not None
            or event.key() in _MOVES
            or event.matches(QKeySequence.StandardKey.SelectAll)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move and select here; hand on the keys that were asked for."""
        name = self._name_of(event)
        if name is not None:
            self.keyPressed.emit(name)
            event.accept()
        elif event.key() in _ENTER:
            if self.currentIndex().isValid():
                self.opened.emit(self.currentIndex())
            event.accept()
        elif event.key() in _MOVES or event.matches(QKeySequence.StandardKey.SelectAll):
            super().keyPressEvent(event)
        else:
            event.ignore()  # the list would search for text: there is none. The window may know it.

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl, change the size."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            turned = event.angleDelta().y()
            if turned:
                self.zoomed.emit(1 if turned > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End what the press began."""
        super().mouseReleaseEvent(event)
        self.released.emit()

    def moveCursor(  # noqa: N802 - Qt's name
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return where a key leads: left and right go on into the next line."""
        last = self.model().rowCount() - 1
        if last < 0:
            return QModelIndex()
        row = self.currentIndex().row()
        if row < 0:
            return self.model().index(0, 0)
        columns = self.columns()
        lines = max(1, self.viewport().height() // max(1, self.gridSize().height()))
        actions = QAbstractItemView.CursorAction
        step = {
            actions.MoveLeft: -1,
            actions.MovePrevious: -1,
            actions.MoveRight: 1,
            actions.MoveNext: 1,
            actions.MoveUp: -columns,
            actions.MoveDown: columns,
            actions.MovePageUp: -columns * lines,
            actions.MovePageDown: columns * lines,
            actions.MoveHome: -row,
            actions.MoveEnd: last - row,
        }[action]
        target = row + step
        if action == actions.MoveUp and target < 0:
            target = row
        elif action == actions.MoveDown and target > last:
            # Into the last line where it is shorter than this column.
            target = last if row // columns < last // columns else row
        return self.model().index(min(max(target, 0), last), 0)

    # Selecting by program: in rows, and by spans of them, as Qt takes 10,000 single ones slowly.

    def selected_rows(self) -> NDArray[np.intp]:
        """Return the selected rows in order."""
        chosen = np.zeros(self.model().rowCount(), bool)
        for span in self.selectionModel().selection():
            chosen[span.top() : span.bottom() + 1] = True
        return np.flatnonzero(chosen)

    def select_rows(self, rows: NDArray[np.intp]) -> None:
        """Select these rows (n,), in order, instead of those selected."""
        spans = QItemSelection()
        if len(rows):
            cuts = np.flatnonzero(np.diff(rows) > 1)
            firsts, lasts = rows[np.r_[0, cuts + 1]], rows[np.r_[cuts, len(rows) - 1]]
            for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
                spans.append(
                    QItemSelectionRange(self.model().index(first, 0), self.model().index(last, 0))
                )
        self.selectionModel().select(spans, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def make_current(self, row: int) -> None:
        """Let keys go on from this row, which is scrolled into view."""
        self.selectionModel().setCurrentIndex(
            self.model().index(row, 0), QItemSelectionModel.SelectionFlag.NoUpdate
        )

    def first_row_in_view(self) -> tuple[int, int] | None:
        """Return the first row of which something is seen, and how far down it begins, in px."""
        index = self.indexAt(self.viewport().rect().topLeft())
        return (index.row(), self.visualRect(index).top()) if index.isValid() else None

    def scroll_row_to(self, row: int, top: int) -> None:
        """Scroll so that this row begins ``top`` px below the upper edge, or as near as can be."""
        self.doItemsLayout()
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + self.visualRect(self.model().index(row, 0)).top() - top)

    def seen_whole(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of these rows of which nothing is cut off."""
        height = max(1, self.gridSize().height())
        first = self.verticalScrollBar().value() / height
        lines = rows // self.columns()
        last = first + self.viewport().height() / height
        return rows[(lines >= first) & (lines + 1 <= last)]

    def _name_of(self, event: Any) -> str | None:
        """Return which of the keys asked for this is."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return self._keys.get(_portable(_sequence(event.key(), modifiers)))


def _sequence(key: int, modifiers: Any) -> QKeySequence:
    if hasattr(modifiers, "value"):
        return QKeySequence(int(modifiers.value) | int(key))
    return QKeySequence(int(modifiers) | int(key))  # Qt 5


def _portable(sequence: QKeySequence) -> str:
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)
