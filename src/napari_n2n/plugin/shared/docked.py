"""Widgets that are docked in napari's window, and notice when they are taken out of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel

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

    def event(self, event: QEvent | None) -> bool:
        """Notice that there is no window around this any more."""
        assert event is not None
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self._docked = False
                self.leave()
        return super().event(event)


class BottomDock(QObject):
    """A dock below the canvas, which comes and goes at a button, and goes at its ✕.

    Signals
    -------
    shownChanged
        The dock is there, or not.
    """

    shownChanged = Signal(bool)  # noqa: N815 - Qt's way to name signals

    def __init__(self, viewer: "ViewerModel", title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._title = title
        self._frame: _Frame | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the dock is there."""
        return self._frame is not None

    def show(self, shown: bool) -> None:
        """Open the dock, or close it."""
        if shown == self.is_shown:
            return
        window = getattr(self._viewer, "window", None)
        if window is None:
            self.shownChanged.emit(self.is_shown)  # the button does not stay down
        elif self._frame is None:
            self._frame = _Frame(self.content())
            window.add_dock_widget(self._frame, name=self._title, area="bottom")
            self._frame.left.connect(self._on_left)
            self.shownChanged.emit(True)
        else:
            window.remove_dock_widget(self._frame)
            self._on_left()

    def content(self) -> QWidget:
        """Return what the dock that is opened shall show."""
        raise NotImplementedError

    def put_away(self) -> None:
        """Take out what shall outlive the dock, which is closed and deleted with all in it."""

    def _on_left(self) -> None:
        if self._frame is None:
            return
        frame, self._frame = self._frame, None
        self.put_away()
        frame.deleteLater()
        self.shownChanged.emit(False)


class _Frame(DockedWidget):
    """Holds the content of a dock, and tells when the dock is closed."""

    left = Signal()

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)
        content.show()  # what was in a dock before was hidden with it

    def leave(self) -> None:
        self.left.emit()
