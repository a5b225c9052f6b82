"""Choosing how raw and denoised are compared."""

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_n2n.plugin.shared.compare import MODES, Mode
from napari_n2n.plugin.shared.looks import CHECKED_STYLE

_MODE_TIPS = {
    "grid": "Raw and denoised side by side, moved and zoomed together.",
    "overlay": "Denoised over raw; the layer's opacity sets how much of either.",
    "blink": "Raw and denoised take turns. Click any other to end it.",
    "removed": "What denoising took away, raw less denoised, in the place of the denoised image. "
    "Good denoising leaves only noise in it; what you recognise there is lost.",
}


class ViewToggle(QWidget):
    """Buttons, one for each of ``modes``, of which one is down."""

    modeChosen = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(self, modes: Sequence[Mode] = MODES) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(QLabel("Compare "))
        for mode in modes:
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
        """Show which mode is on; none is down if it is not among them."""
        self._group.setExclusive(False)
        for name, button in self.buttons.items():
            button.setChecked(name == mode)
        self._group.setExclusive(True)
