"""Adding noise of a chosen strength to a photograph, to see how much of it can be taken off."""

from magicgui.widgets import Container, FloatSpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_n2n.plugin.shared.controls import aligned_labels
from napari_n2n.workflow.photograph_sources import DEVIATION

_MOST = 255.0


class NoiseRow(QWidget):
    """Edits the standard deviation of noise, in grey levels of 255, with a button that adds it."""

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals
    addClicked = Signal(float)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._deviation = FloatSpinBox(
            label="Add noise σ (of 255)", value=DEVIATION, min=1.0, max=_MOST, step=5.0
        )
        self._deviation.tooltip = (
            "Standard deviation in grey levels. The noise is white and Gaussian, the same in "
            "every channel, and nothing is rounded or cut off."
        )
        self.add_button = QPushButton("Add noise")
        self.add_button.setToolTip(
            "Make a noisy copy beside the photograph, which remembers the clean one: after "
            "denoising, the PSNR is told."
        )
        self._form = Container(widgets=[self._deviation], labels=True)
        aligned_labels(self._form)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._form.native, 1)
        layout.addWidget(self.add_button)
        self._deviation.changed.connect(lambda *_: self.valueChanged.emit())
        self.add_button.clicked.connect(lambda: self.addClicked.emit(self.value()))

    def value(self) -> float:
        """Return the standard deviation, in grey levels."""
        return float(self._deviation.value)

    def setValue(self, deviation: float) -> None:  # noqa: N802
        """Show ``deviation``, in grey levels; beyond 1 to 255 the nearest of them."""
        self._deviation.value = min(max(deviation, 1.0), _MOST)
