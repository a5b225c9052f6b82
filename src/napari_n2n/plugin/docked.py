"""Widgets that are docked in napari's window, and notice when they are taken out of it."""

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class Docked(QWidget):
    """Calls `leave` when the dock's ✕ takes it out of the window, which closes no widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._docked = False

    def leave(self) -> None:
        """Stop whatever runs, and follow the viewer no longer."""

    def event(self, event: QEvent) -> bool:
        """Notice that there is no window around this any more."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self._docked = False
                self.leave()
        return bool(super().event(event))
