"""Thumbnails of whole micrographs, read from their PNG files as they come into view."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QImageReader, QPixmap

from napari_n2n.plugin.shared.looks import NO_IMAGE
from napari_n2n.workflow.screening import results_of

if TYPE_CHECKING:
    from pathlib import Path

_CACHE_BYTES = 96 * 2**20
# So long may reading take before a line is drawn without its pictures; they come after it.
_SECONDS_AT_ONCE = 0.012


class MicrographThumbnails(QObject):
    """Gives thumbnails by path, and keeps those looked at last.

    Reading stops for the moment where it would hold up scrolling: a grey square is given, and
    `came` tells when it is worth asking again.

    Signals
    -------
    came
        There may be pictures where there were grey squares.
    """

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session_path: Path | None = None
        self._kept: dict[tuple[Path, int], QPixmap] = {}
        self._blank: dict[int, QPixmap] = {}
        self._began: float | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._go_on)

    def set_session(self, session_path: Path | None) -> None:
        """Read the thumbnails that belong to another session."""
        self._session_path = session_path
        self._kept.clear()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def forget_missing(self) -> None:
        """Look again for those that were not there."""
        for key in [key for key, pixmap in self._kept.items() if pixmap is self._blank[key[1]]]:
            del self._kept[key]

    def forget(self, path: Path) -> None:
        """Read the thumbnail of a micrograph again: it has been made anew."""
        for key in [key for key in self._kept if key[0] == path]:
            del self._kept[key]

    def pixmap(self, path: Path | None, side: int) -> QPixmap:
        """Return the thumbnail of the micrograph at ``path``, ``side`` px at its longer side."""
        if side not in self._blank:
            self._blank[side] = QPixmap(side, side)
            self._blank[side].fill(QColor(NO_IMAGE))
        if path is None or self._session_path is None:
            return self._blank[side]
        made = self._kept.pop((path, side), None)
        if made is None:
            if not self._in_time():
                return self._blank[side]
            made = self._read(path, side) or self._blank[side]
            while len(self._kept) >= max(64, _CACHE_BYTES // (4 * side**2)):
                del self._kept[next(iter(self._kept))]  # the one looked at longest ago
        self._kept[path, side] = made
        return made

    def _read(self, path: Path, side: int) -> QPixmap | None:
        assert self._session_path is not None
        reader = QImageReader(str(results_of(self._session_path, path).thumbnail))
        image = reader.read()
        if image.isNull():
            return None
        smooth = Qt.TransformationMode.SmoothTransformation
        keep = Qt.AspectRatioMode.KeepAspectRatio
        return QPixmap.fromImage(image.scaled(side, side, keep, smooth))

    def _in_time(self) -> bool:
        """Whether another may be read before what is waiting is drawn."""
        if self._began is None:
            self._began = perf_counter()
            self._again.start(0)
        return perf_counter() - self._began < _SECONDS_AT_ONCE

    def _go_on(self) -> None:
        late = self._began is not None and perf_counter() - self._began >= _SECONDS_AT_ONCE
        self._began = None
        if late:
            self.came.emit()
