"""Choosing how raw and denoised are compared."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_n2n.plugin.shared.compare import MODES
from napari_n2n.plugin.shared.looks import CHECKED_STYLE

_MODE_TIPS = {
    "grid": "Raw and denoised side by side, moved and zoomed together.",
    "overlay": "Denoised over raw; the layer's opacity sets how much of either.",
    "blink": "Raw and denoised take turns. Click any of the three to end it.",
}


class ViewToggle(QWidget):
    """Three buttons of which one is down: grid, overlay, blink."""

    modeChosen = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(self) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(QLabel("Compare "))
        for mode in MODES:
            button = QPushButton(mode.capitalize())
            button.setCheckable(True)
            button.setToolTip(_MODE_TIPS[mode])
            button.setStyleSheet(CHECKED_STYLE)
            button.clicked.connect(lambda _=False, mode=mode: self.modeChosen.emit(mode))
            self._group.addButton(button)
            self.buttons[mode] = button
            layout.addWidget(button, 1)
        self.show_mode("grid")

    def show_mode(self, mode: str) -> None:
        """Show which mode is on."""
        self.buttons[mode].setChecked(True)
