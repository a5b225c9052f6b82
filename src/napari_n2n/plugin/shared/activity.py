"""A job's bar in napari's activity dock."""

from contextlib import suppress

from napari.utils import progress
from qtpy.QtCore import QObject, QTimer

_UPDATE_MS = 250


class ActivityBar(QObject):
    """Shows how far a job is in napari's activity dock.

    napari handles all waiting events each time such a bar moves, so that anything can happen
    meanwhile: another progress, the job's end, the closing of the window. The bar is therefore
    moved by a timer, never while it is being moved, and closed only afterwards.
    """

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = progress(total=1000, desc=title)
        self._wanted = (0, title)
        self._moving = False
        self._closed = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._move)
        self._timer.start(_UPDATE_MS)

    def show(self, fraction: float, text: str) -> None:
        """Show soon that ``fraction`` (0 to 1) is done."""
        self._wanted = (round(1000 * fraction), text)

    def close(self) -> None:
        """Take the bar away."""
        self._closed = True
        self._timer.stop()
        if not self._moving:
            self._end()

    def _move(self) -> None:
        if self._moving or self._closed:
            return
        self._moving = True
        done, text = self._wanted
        with suppress(RuntimeError):  # the activity dock may be gone
            self._bar.set_description(text)
            self._bar.update(done - self._bar.n)
        self._moving = False
        if self._closed:
            self._end()

    def _end(self) -> None:
        with suppress(RuntimeError, KeyError):
            self._bar.close()
        self.deleteLater()
