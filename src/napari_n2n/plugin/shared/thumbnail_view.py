"""What keys and the mouse do in a grid of thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from qtpy.QtWidgets import QAbstractItemView

from napari_n2n.plugin.shared.thumbnail_grid import ThumbnailGrid

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class ThumbnailView(ThumbnailGrid):
    """The grid with what the user does in it.

    Signals
    -------
    keyPressed(str)
        One of the keys of `set_keys`, spelt as given there.
    opened(QModelIndex)
        What was double-clicked, or current when Enter was pressed.
    zoomed(int)
        The wheel was turned with Ctrl: 1 for larger, -1 for smaller.
    released()
        The mouse button went up.
    """

    keyPressed = Signal(str)  # noqa: N815 - Qt's way to name signals
    opened = Signal(QModelIndex)
    zoomed = Signal(int)
    released = Signal()

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._keys: dict[str, str] = {}
        self._pressed = QPoint()

    def set_keys(self, keys: Iterable[str]) -> None:
        """Hand on these keys, named as in "1", "Delete", "Ctrl+Shift+Z"."""
        self._keys = {_portable(QKeySequence(key)): key for key in keys}

    def event(self, event: QEvent | None) -> bool:
        """Claim the keys used here from the window's shortcuts."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and (
                self._name_of(event) is not None
                or event.key() in _MOVES
                or event.matches(QKeySequence.StandardKey.SelectAll)
            )
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move and select here; hand on the keys that were asked for."""
        assert event is not None
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
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._began = self.currentIndex().row()
        else:
            event.ignore()  # the list would search for text: there is none. The window may know it.

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl, change the size."""
        assert event is not None
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            turned = event.angleDelta().y()
            if turned:
                self.zoomed.emit(1 if turned > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw a rubber band from where the button went down."""
        assert event is not None
        super().mouseMoveEvent(event)
        if self.dragging():
            here = event.pos() + QPoint(0, self.verticalOffset())
            self.set_band(QRect(self._pressed, here).normalized())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Select what is pressed on, and note where."""
        assert event is not None
        self._pressed = event.pos() + QPoint(0, self.verticalOffset())
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Open what is double-clicked."""
        assert event is not None
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.pos())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(index)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """End what the press began."""
        super().mouseReleaseEvent(event)
        self.set_band(None)
        self.released.emit()

    def moveCursor(  # noqa: N802 - Qt's name
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return where a key leads: left and right go on into the next line."""
        last = self._cells.rowCount() - 1
        if last < 0:
            return QModelIndex()
        row = self.currentIndex().row()
        if row < 0:
            return self._items.index(0, 0)
        columns = self.columns()
        lines = max(1, self.viewport().height() // self._cell.height())
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
        return self._items.index(min(max(target, 0), last), 0)

    def _name_of(self, event: QKeyEvent) -> str | None:
        """Return which of the keys asked for this is."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return self._keys.get(_portable(_sequence(event.key(), modifiers)))


def _sequence(key: int, modifiers: Any) -> QKeySequence:
    if hasattr(modifiers, "value"):
        return QKeySequence(int(modifiers.value) | int(key))
    return QKeySequence(int(modifiers) | int(key))  # Qt 5


def _portable(sequence: QKeySequence) -> str:
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)
