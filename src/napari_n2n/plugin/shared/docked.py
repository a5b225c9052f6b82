"""Widgets that are docked in napari's window, and notice when they are taken out of it."""

from collections.abc import Iterable

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

_SCROLL_BAR_PX = 30


class DockedWidget(QWidget):
    """Calls `leave` when the dock's ✕ takes it out of the window, which closes no widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._docked = False

    def stack(self, parts: Iterable[QWidget]) -> None:
        """Put widgets below each other; where the window is low, they can be scrolled."""
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(6, 2, 14, 4)
        layout.setSpacing(4)
        for part in parts:
            layout.addWidget(part)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(content)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.setMinimumWidth(content.minimumSizeHint().width() + _SCROLL_BAR_PX)

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
