"""The live picture of a training on photographs: the PSNR that its loss tells."""

from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_n2n.plugin.denoise.training_plot import TRUTH, curve_plot, label_steps
from napari_n2n.plugin.shared.looks import small_print

if TYPE_CHECKING:
    from napari_n2n.denoising.reports import PhotographTrainingProgress

_HEIGHT = 190
_MARGIN_DB = 0.5

EXPLANATION = (
    "The network sees noise of σ 0 to 50 and never a clean target. What its loss has more than the "
    "targets' noise is the error against the clean photographs: this is its PSNR."
)


class PhotographPlot(QWidget):
    """Shows the estimated PSNR of a training on photographs, step by step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = curve_plot("PSNR (dB)", _HEIGHT)
        label_steps(self._plot)
        self._curve = self._plot.plot(pen=pg.mkPen(TRUTH, width=2))
        self._figure = QLabel()
        self._figure.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self._figure, self._plot, small_print(EXPLANATION)):
            layout.addWidget(part)
        self.clear()

    def clear(self) -> None:
        """Forget the training that was shown."""
        self._steps: list[int] = []
        self._psnr_db: list[float] = []
        self._draw()

    def add(self, learnt: "PhotographTrainingProgress") -> None:
        """Show one more point, once there is one."""
        if self._steps and learnt.step < self._steps[-1]:
            self.clear()
        if learnt.psnr_db is not None:
            self._steps.append(learnt.step)
            self._psnr_db.append(learnt.psnr_db)
            self._draw()

    def points(self) -> tuple[list[int], list[float]]:
        """Return the steps and the PSNR (dB) that are drawn."""
        return list(self._steps), list(self._psnr_db)

    def _draw(self) -> None:
        self.setVisible(bool(self._steps))  # until there is something to see
        self._curve.setData(self._steps, self._psnr_db)
        if not self._steps:
            return
        self._figure.setText(
            "Estimated PSNR in training: "
            f"<b style='color:{TRUTH}; font-size:14pt'>{self._psnr_db[-1]:.1f} dB</b>"
        )
        # The first steps are far below the rest, and would press it flat.
        settled = self._psnr_db[len(self._psnr_db) // 6 :]
        self._plot.setYRange(min(settled) - _MARGIN_DB, max(settled) + _MARGIN_DB, padding=0)
        self._plot.setXRange(0, max(self._steps[-1], 10), padding=0.01)
