"""The grid of thumbnails: the same micrographs as in the table, in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from napari_n2n.plugin.screening.model import SHOWN, VERDICT_COLOURS
from napari_n2n.plugin.screening.verdicts import FORWARDED_KEYS
from napari_n2n.plugin.shared.controls import Underway
from napari_n2n.plugin.shared.looks import CAPTION, ON_COLOUR, SELECTED
from napari_n2n.plugin.shared.thumbnail_view import ThumbnailView

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

    from napari_n2n.plugin.screening.model import MicrographModel
    from napari_n2n.plugin.screening.thumbnails import MicrographThumbnails
    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

SIDE_PX = 128
_BAND, _GAP, _CAPTION, _FONT_PX = 3, 4, 16, 11


class MicrographPainter:
    """Draws a thumbnail in a frame of its verdict's colour, and the name below it."""

    def __init__(self, thumbnails: MicrographThumbnails) -> None:
        self._thumbnails = thumbnails
        self._font = QFont()
        self._font.setPixelSize(_FONT_PX)
        self._metrics = QFontMetrics(self._font)
        self._colours = {verdict: QColor(colour) for verdict, colour in VERDICT_COLOURS.items()}

    def cell_size(self) -> QSize:
        """Return the room one micrograph takes in px."""
        width = SIDE_PX + 2 * (_BAND + _GAP)
        return QSize(width, width + _CAPTION)

    def paint(
        self,
        painter: QPainter,
        area: QRect,
        cell: tuple[Path | None, str, str],
        *,
        selected: bool,
        current: bool,
    ) -> None:
        """Draw one micrograph in this area; `MicrographGrid` marks the one that is shown."""
        path, name, verdict = cell
        left, top = area.left() + _GAP + _BAND, area.top() + _GAP + _BAND
        caption = QRect(left - _BAND, top + SIDE_PX, SIDE_PX + 2 * _BAND, _CAPTION + _BAND)
        decided = verdict != "undecided"
        if decided:
            band = QRect(left - _BAND, top - _BAND, SIDE_PX + 2 * _BAND, SIDE_PX + _BAND)
            painter.fillRect(band.united(caption), self._colours[verdict])
        pixmap = self._thumbnails.pixmap(path, SIDE_PX)
        across, down = SIDE_PX - pixmap.width(), SIDE_PX - pixmap.height()
        painter.drawPixmap(left + across // 2, top + down // 2, pixmap)
        painter.setFont(self._font)
        painter.setPen(QColor(ON_COLOUR if decided else CAPTION))
        room = caption.adjusted(3, 0, -3, 0)
        # What tells one file of a night from the next is at the end of its name.
        text = self._metrics.elidedText(name, Qt.TextElideMode.ElideLeft, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if selected:
            pen = QPen(QColor(SELECTED), 4)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen)
            painter.drawRect(area.adjusted(2, 2, -2, -2))


class MicrographGrid(ThumbnailView):
    """Shows the table's model as thumbnails; `MicrographVerdicts` says what is current."""

    def __init__(
        self,
        model: MicrographModel,
        thumbnails: MicrographThumbnails,
        verdicts: MicrographVerdicts,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(model, MicrographPainter(thumbnails), parent)
        self._micrographs, self._verdicts = model, verdicts
        self.set_keys(FORWARDED_KEYS)
        self._following = Underway()
        self.selectionModel().currentChanged.connect(self._on_current)
        self.selectionModel().selectionChanged.connect(self._on_selected)
        verdicts.currentChanged.connect(self.follow)
        verdicts.selectionChanged.connect(self._show_selected)
        model.modelReset.connect(self.follow)
        model.dataChanged.connect(lambda *_: self.viewport().update())
        model.rowsInserted.connect(lambda *_: self.updateGeometries())
        thumbnails.came.connect(self.viewport().update)

    def follow(self) -> None:
        """Show what is current and selected."""
        model, verdicts = self._micrographs, self._verdicts
        place = model.place_of(verdicts.row_of(verdicts.current))
        if place is not None and place != self.currentIndex().row():
            with self._following:
                self.make_current(place)
        self._show_selected()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw the cells in view, and a ring around the one that is shown."""
        super().paintEvent(event)
        index = self.currentIndex()
        if index.isValid() and index.row() < self._micrographs.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(QColor(SHOWN), 2))
            painter.drawRect(self._rect(index.row()).adjusted(1, 1, -1, -1))
            painter.end()

    def _show_selected(self) -> None:
        if not self._following:
            self.select_rows(self._micrographs.places_of(self._verdicts.selected))

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if not self._following and current.isValid():
            self._verdicts.go_to(self._micrographs.id_at(current.row()))

    def _on_selected(self, *_: object) -> None:
        if self._following:
            return
        with self._following:  # it is shown already
            self._verdicts.select(self._micrographs.ids_at(self.selected_rows()))
