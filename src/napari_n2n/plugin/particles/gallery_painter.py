"""How one particle looks in the gallery."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from napari_n2n.particles.palette import LABEL_COLOURS
from napari_n2n.plugin.particles.gallery_model import percent
from napari_n2n.plugin.shared.looks import CAPTION, ON_COLOUR, SELECTED

if TYPE_CHECKING:
    from napari_n2n.plugin.particles.gallery_model import Cell
    from napari_n2n.plugin.particles.thumbnails import Thumbnails

_BAND, _GAP = 3, 5  # px: the frame, and the room around it
_CAPTION = 15  # px high
_FONT_PX = 11
_SUGGESTION_TEXT = "#e4e7ec"
_SELECTED_FILL = "#101214"


class ParticlePainter:
    """Draws a thumbnail in a frame that says what it is labelled, and a caption.

    A label that was given: a solid band of its colour, and a filled caption. One that is only
    suggested: a dashed outline, and its probability. Unlabelled: a thin line.
    """

    def __init__(self, thumbnails: Thumbnails, side: int) -> None:
        self._thumbnails = thumbnails
        self.side = side
        self._font = QFont()
        self._font.setPixelSize(_FONT_PX)
        self._metrics = QFontMetrics(self._font)
        self._colours = {label: QColor(colour) for label, colour in LABEL_COLOURS.items()}
        self._dashes = {label: _dashed(colour) for label, colour in self._colours.items()}
        self._text = QColor(CAPTION)
        self._says = QColor(_SUGGESTION_TEXT)
        self._selected, self._fill = QColor(SELECTED), QColor(_SELECTED_FILL)
        self._on_colour = QColor(ON_COLOUR)

    def cell_size(self) -> QSize:
        """Return the room one particle takes in px."""
        width = self.side + 2 * (_BAND + _GAP)
        return QSize(width, width + _CAPTION)

    def paint(
        self, painter: QPainter, area: QRect, cell: Cell, *, selected: bool, current: bool
    ) -> None:
        """Draw one particle in this area; ``current`` is the one that keys go on from."""
        left, top, side = area.left() + _GAP + _BAND, area.top() + _GAP + _BAND, self.side
        if selected:
            painter.fillRect(area, self._fill)
        given = cell.label != "unlabelled"
        caption = QRect(left - _BAND, top + side, side + 2 * _BAND, _CAPTION + _BAND)
        if given:
            colour = self._colours[cell.label]
            band = QRect(left - _BAND, top - _BAND, side + 2 * _BAND, side + _BAND)
            painter.fillRect(band.united(caption), colour)
        painter.drawPixmap(left, top, self._thumbnails.pixmap(cell.id, cell.y, cell.x))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if cell.suggested is not None:
            painter.setPen(self._dashes[cell.suggested])
            painter.drawRect(left - 2, top - 2, side + 3, side + 3)
        elif not given:
            painter.setPen(self._colours["unlabelled"])
            painter.drawRect(left - 1, top - 1, side + 1, side + 1)
        self._write(painter, caption.adjusted(3, 0, -3, 0), cell, given)
        if selected:
            pen = QPen(self._selected, 4)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(area.adjusted(2, 2, -2, -2))
        elif current:
            painter.setPen(QPen(self._selected, 1, Qt.PenStyle.DotLine))
            painter.drawRect(area.adjusted(0, 0, -1, -1))

    def _write(self, painter: QPainter, room: QRect, cell: Cell, given: bool) -> None:
        painter.setFont(self._font)
        width = self._metrics.horizontalAdvance
        says: str = cell.label if given else ""
        if cell.suggested is not None:
            sure = "" if isnan(cell.probability) else percent(cell.probability)
            says = f"{cell.suggested} {sure}".strip()
            if width(says) > room.width() and sure:
                says = sure  # the frame's colour says which label
        score = "" if isnan(cell.score) else f"{cell.score:.2f}"
        used = width(says)
        if says:
            painter.setPen(self._on_colour if given else self._says)
            if used > room.width():
                says = self._metrics.elidedText(says, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, says)
        if score and used + width(score) + 6 <= room.width():
            painter.setPen(self._on_colour if given else self._text)
            painter.drawText(
                room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, score
            )


def _dashed(colour: QColor) -> QPen:
    pen = QPen(colour, 2)
    pen.setDashPattern([3.0, 2.5])
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen
