"""The Fourier shell correlation of a tomogram's halves, as they are and denoised."""

from collections.abc import Mapping, Sequence

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_n2n.plugin.denoise.training_plot import TRUTH, curve_plot
from napari_n2n.plugin.shared.looks import CURVE, QUIET, small_print

_HEIGHT = 150
_THRESHOLD = 1 / 7
EXPLANATION = (
    "Before: how far the two halves agree as they are. After: each was denoised without the other, "
    "so their noise has nothing in common; but both went through one network, and what it makes up "
    "it makes up twice. The upper curve says that both halves lead to the same picture, not that "
    "the picture is right so far."
)


class FscPlot(QWidget):
    """Draws the correlation of two halves over frequency, before and after denoising."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = curve_plot("FSC", _HEIGHT)
        self._plot.setLabel("bottom", "Resolution (Å)")
        # pyqtgraph puts a label 5 px too low.
        self._plot.plotItem.layout.setContentsMargins(1, 1, 1, 7)
        self._plot.setYRange(-0.05, 1.02, padding=0)
        self._before = self._plot.plot(pen=pg.mkPen(CURVE, width=2))
        self._after = self._plot.plot(pen=pg.mkPen(TRUTH, width=2))
        self._threshold = self._plot.plot(pen=pg.mkPen(QUIET, width=1, style=Qt.PenStyle.DashLine))
        self._figures = QLabel()
        self._figures.setTextFormat(Qt.TextFormat.RichText)
        self._figures.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self._figures, self._plot, small_print(EXPLANATION)):
            layout.addWidget(part)
        self.show_curves({}, {})

    def show_curves(
        self, fsc: Mapping[str, Sequence[float]], resolution_angstrom: Mapping[str, float | None]
    ) -> None:
        """Draw curves by name, ``before``, ``after`` over ``frequency_per_angstrom``; {}: hide."""
        frequency = list(fsc.get("frequency_per_angstrom", ()))
        for name, curve in (("before", self._before), ("after", self._after)):
            curve.setData(frequency, list(fsc.get(name, ())))
        ends = [0.0, frequency[-1]] if frequency else []
        self._threshold.setData(ends, [_THRESHOLD] * len(ends))
        self.setVisible(bool(frequency))
        if not frequency:
            return
        self._plot.setXRange(0, frequency[-1], padding=0.01)
        parts = [frequency[-1] * share for share in (0.25, 0.5, 0.75, 1.0)]
        ticks = [(0.0, "∞"), *((at, f"{1 / at:.3g}") for at in parts)]
        self._plot.getAxis("bottom").setTicks([ticks])
        told = []
        for name, colour in (("before", CURVE), ("after", TRUTH)):
            size = resolution_angstrom.get(name)
            said = "nowhere" if size is None else f"to {size:.3g} Å"
            told.append(f"<span style='color:{colour}'>━ {name}: over 1/7 {said}</span>")
        self._figures.setText("Halves: " + " &nbsp; ".join(told))

    def points(self) -> tuple[list[float], list[float]]:
        """Return what is drawn of the halves before and after."""
        before, after = (curve.getData()[1] for curve in (self._before, self._after))
        return [*(before if before is not None else [])], [*(after if after is not None else [])]
