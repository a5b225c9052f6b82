"""Draw a picture of a report of `napari-n2n reproduce`: docs/images/reproduce-report.png.

Run: QT_QPA_PLATFORM=offscreen python docs/scripts/make_reproduce_picture.py FOLDER_OF_EXPERIMENT

It is made of what stands in report.html: its title, headlines, the part of a field that is shown
large, and the first plot.
"""

import base64
import re
import sys
from html import unescape
from pathlib import Path

from PyQt6.QtCore import QByteArray, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter
from PyQt6.QtSvg import QSvgRenderer

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "reproduce-report.png"
WIDTH, MARGIN, ACROSS, GAP = 1200, 28, 3, 14
INK, QUIET, TILE = QColor("#2b343b"), QColor("#66727c"), QColor("#f5f7f8")
FIGURE = re.compile(
    r'<img [^>]*src="data:image/png;base64,([^"]+)"[^>]*>.*?<figcaption[^>]*>(.*?)</figcaption>',
    re.DOTALL,
)
ENTRY = re.compile(r'<i class="line" style="background:([^"]+)"></i>(.*?)</span>')


class Sheet:
    """A page that is written from the top down."""

    def __init__(self, height: int) -> None:
        self.image = QImage(WIDTH, height, QImage.Format.Format_RGB32)
        self.image.fill(QColor("white"))
        self.painter = QPainter(self.image)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.y = float(MARGIN)

    def text(
        self, box: QRectF, text: str, size: int, colour: QColor, *, bold: bool = False
    ) -> None:
        font = QFont("sans-serif")
        font.setPixelSize(size)
        font.setBold(bold)
        self.painter.setFont(font)
        self.painter.setPen(colour)
        self.painter.drawText(box, Qt.TextFlag.TextWordWrap, unescape(text))

    def line(self, text: str, size: int, colour: QColor, *, bold: bool = False) -> None:
        self.text(
            QRectF(MARGIN, self.y, WIDTH - 2 * MARGIN, size * 1.5), text, size, colour, bold=bold
        )
        self.y += size * 1.7

    def done(self) -> QImage:
        self.painter.end()
        return self.image.copy(0, 0, WIDTH, round(self.y) + MARGIN)


def headlines(sheet: Sheet, report: str) -> None:
    tiles = re.findall(r'<div class="tile"><b>(.*?)</b><span>(.*?)</span>', report)
    width = (WIDTH - 2 * MARGIN - GAP * (len(tiles) - 1)) / len(tiles)
    for number, (figure, what) in enumerate(tiles):
        box = QRectF(MARGIN + number * (width + GAP), sheet.y, width, 72)
        sheet.painter.setPen(Qt.PenStyle.NoPen)
        sheet.painter.setBrush(TILE)
        sheet.painter.drawRoundedRect(box, 8, 8)
        sheet.text(box.adjusted(14, 8, 0, 0), figure, 25, INK, bold=True)
        sheet.text(box.adjusted(14, 44, 0, 0), what, 14, QUIET)
    sheet.y += 92


def pictures(sheet: Sheet, figures: list[tuple[str, str]]) -> None:
    side = (WIDTH - 2 * MARGIN - GAP * (ACROSS - 1)) / ACROSS
    for number, (data, caption) in enumerate(figures):
        picture = QImage.fromData(base64.b64decode(data))
        box = QRectF(MARGIN + number % ACROSS * (side + GAP), sheet.y, side, side)
        sheet.painter.drawImage(box, picture)
        sheet.text(QRectF(box.x(), box.bottom() + 5, side, 22), caption, 15, INK)
        if number % ACROSS == ACROSS - 1 or number == len(figures) - 1:
            sheet.y += side + 36


def plot(sheet: Sheet, report: str) -> None:
    drawing = re.search(r"<svg.*?</svg>", report, re.DOTALL)
    legend = re.search(r'<p class="legend">.*?</p>', report, re.DOTALL)
    if drawing is None or legend is None:
        return
    renderer = QSvgRenderer(QByteArray(drawing[0].encode()))
    size = renderer.defaultSize()
    height = 400.0
    renderer.render(
        sheet.painter, QRectF(MARGIN, sheet.y, height * size.width() / size.height(), height)
    )
    x = MARGIN + height * size.width() / size.height() + 40
    for number, (colour, name) in enumerate(ENTRY.findall(legend[0])):
        y = sheet.y + 60 + 30 * number
        sheet.painter.fillRect(QRectF(x, y + 9, 26, 3), QColor(colour))
        sheet.text(QRectF(x + 38, y, 400, 24), name, 16, INK)
    sheet.y += height


def main() -> None:
    report = (Path(sys.argv[1]) / "report.html").read_text(encoding="utf-8")
    app = QGuiApplication(sys.argv[:1])
    sheet = Sheet(2400)
    sheet.line(re.search(r"<h1>(.*?)</h1>", report)[1], 30, INK, bold=True)
    for told in re.findall(r'<p class="quiet">(.*?)</p>', report)[:2]:
        sheet.line(told, 16, QUIET)
    headlines(sheet, report)
    detail = re.search(r"<h3>[^<]*a part of[^<]*</h3>(.*?)(?=<h[23]>)", report, re.DOTALL)
    pictures(sheet, FIGURE.findall(detail[1]))
    plot(sheet, report)
    OUTPUT.parent.mkdir(exist_ok=True)
    sheet.done().save(str(OUTPUT))
    del app


if __name__ == "__main__":
    main()
