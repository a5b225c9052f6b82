"""Legend, tools and keys of the Particles widget."""

from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets import SpinBox
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_n2n.io import LABELS
from napari_n2n.particles.palette import LABEL_COLOURS, LABEL_KEYS
from napari_n2n.plugin.particles.mouse_tools import TOOLS, Tool
from napari_n2n.plugin.shared.controls import not_none
from napari_n2n.plugin.shared.keys import KEYS
from napari_n2n.plugin.shared.looks import CHECKED_STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_n2n.io import Label

_ICON_PX = 16
_TOOL_TEXTS: dict[Tool, tuple[str, str]] = {
    "select": ("Select", "Click a particle, with Shift several; drag to move it. Key S."),
    "mark": ("Mark", "Click to add a particle or to give one the label chosen above. Key M."),
    "brush": ("Brush", "Give the label chosen above to all under the brush. Key B; [ and ] size."),
    "erase": ("Erase", "Delete all under the eraser. Key E; [ and ] size."),
}


class LabelChooser(QWidget):
    """The legend: a button for each label with its colour, key and count; one is chosen."""

    labelChosen = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Label, QPushButton] = {}
        self._group = QButtonGroup(self)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for place, label in enumerate((*LABELS[1:], LABELS[0])):
            button = QPushButton()
            button.setCheckable(True)
            button.setIcon(_disc(LABEL_COLOURS[label], filled=label != "unlabelled"))
            button.setIconSize(QSize(_ICON_PX, _ICON_PX))
            button.setStyleSheet("QPushButton {text-align: left; padding: 4px;}" + CHECKED_STYLE)
            button.setToolTip(
                f"Key {LABEL_KEYS[label]} gives this label to the selected particles; "
                "chosen here, Mark and Brush give it."
            )
            button.clicked.connect(lambda _=False, label=label: self.labelChosen.emit(label))
            self._group.addButton(button)
            self.buttons[label] = button
            layout.addWidget(button, *divmod(place, 2))
        self.setValue("intact")
        self.show_counts({})

    def value(self) -> "Label":
        """Return the label that Mark and Brush give."""
        return next(label for label, button in self.buttons.items() if button.isChecked())

    def setValue(self, label: "Label") -> None:  # noqa: N802
        """Choose a label."""
        self.buttons[label].setChecked(True)

    def show_counts(self, counts: "Mapping[Label, int]") -> None:
        """Show how many particles there are of each label."""
        for label, button in self.buttons.items():
            button.setText(f"{label.capitalize()} ({LABEL_KEYS[label]}):  {counts.get(label, 0):,}")


class ToolChooser(QWidget):
    """What the mouse does: one of four tools."""

    toolChosen = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Tool, QPushButton] = {}
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for tool in TOOLS:
            if tool not in _TOOL_TEXTS:
                continue
            text, tip = _TOOL_TEXTS[tool]
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setStyleSheet(CHECKED_STYLE)
            button.clicked.connect(lambda _=False, tool=tool: self.toolChosen.emit(tool))
            self._group.addButton(button)
            self.buttons[tool] = button
            layout.addWidget(button, 1)
        self.show_tool("select")

    def show_tool(self, tool: str) -> None:
        """Show which tool is in hand."""
        if tool in self.buttons:
            self.buttons[tool].setChecked(True)


class KeysPanel(QCollapsible):
    """The list of keys; folded away until it is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Keys", parent)
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(4, 0, 4, 4)
        grid.setVerticalSpacing(1)
        texts: dict[str, list[str]] = {}
        for key in KEYS:
            texts.setdefault(key.text, []).append(_shown(key.key))
        for place, (text, keys) in enumerate(texts.items()):
            line = QLabel(f"<b>{' or '.join(keys)}</b>&nbsp; {text}")
            line.setTextFormat(Qt.TextFormat.RichText)
            grid.addWidget(line, place, 0)
        self.setContent(content)
        not_none(self.layout()).setContentsMargins(0, 0, 0, 0)
        self.collapse(animate=False)


class SuggestionControls(QWidget):
    """What is suggested, how good it is, and the buttons that accept it.

    Signals
    -------
    acceptClicked
        The suggestion for the selected particles.
    acceptAboveClicked
        All suggestions of at least this probability (0 to 1).
    """

    acceptClicked = Signal()  # noqa: N815 - Qt's way to name signals
    acceptAboveClicked = Signal(float)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self._percent = SpinBox(value=90, min=34, max=100, step=5)
        self.accept_button = QPushButton("Accept this one (A)")
        self.above_button = QPushButton()
        self.all_button = QPushButton()
        above = QWidget()
        line = QHBoxLayout(above)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.above_button, 1)
        line.addWidget(self._percent.native)
        line.addWidget(QLabel("%"))
        below = QWidget()
        line = QHBoxLayout(below)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.accept_button)
        line.addWidget(self.all_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.sentence, above, below):
            layout.addWidget(part)
        self._percent.changed.connect(lambda *_: self._count())
        self.accept_button.clicked.connect(self.acceptClicked)
        self.above_button.clicked.connect(
            lambda: self.acceptAboveClicked.emit(self._percent.value / 100)
        )
        self.all_button.clicked.connect(lambda: self.acceptAboveClicked.emit(0.0))
        self._probabilities = np.empty(0, np.float32)
        self.show_pending(self._probabilities, current=False)

    def say(self, text: str) -> None:
        """Show a sentence about the suggestions."""
        self.sentence.setText(text)

    def show_pending(self, probabilities: NDArray[np.float32], *, current: bool) -> None:
        """Show how many suggestions are pending; ``current``: one for a selected particle."""
        self._probabilities = probabilities
        self.accept_button.setEnabled(current)
        self._count()

    def _count(self) -> None:
        above = int(np.count_nonzero(self._probabilities >= self._percent.value / 100))
        everything = len(self._probabilities)
        self.above_button.setText(f"Accept the {above:,} at or above")
        self.above_button.setEnabled(above > 0)
        self.all_button.setText(f"Accept all {everything:,}")
        self.all_button.setEnabled(everything > 0)


def _shown(key: str) -> str:
    return {"Right": "→", "Left": "←", "Backspace": "⌫"}.get(key, key)


def _disc(colour: str, *, filled: bool) -> QIcon:
    """Draw a particle as it is drawn on the micrograph."""
    pixmap = QPixmap(_ICON_PX, _ICON_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 2))
    inside = QColor(colour)
    inside.setAlphaF(0.6 if filled else 0.0)
    painter.setBrush(inside)
    painter.drawEllipse(2, 2, _ICON_PX - 4, _ICON_PX - 4)
    painter.end()
    return QIcon(pixmap)
