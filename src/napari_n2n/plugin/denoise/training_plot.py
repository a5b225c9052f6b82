"""The live picture of a training: its loss over the noise floor, and a figure that tells more."""

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_n2n.plugin.shared.looks import CURVE, small_print

if TYPE_CHECKING:
    from napari_n2n.denoising.reports import TrainingProgress

_VALIDATION, _FLOOR = "#ffb74d", "#b0b0b0"
TRUTH = "#81c784"
"""How near to the clean image a result is: what counts in the end."""

_MOST_POINTS = 4000
_LOSS_HEIGHT, _TRUTH_HEIGHT = 150, 136

EXPLANATION = (
    "The target is noisy itself: not even a perfect denoiser gets below the noise floor, so the "
    "loss soon looks flat. The lower curve goes on telling better from good."
)


class TrainingPlot(QWidget):
    """Shows a training's losses, and the estimated correlation with the clean image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss = curve_plot("Loss", _LOSS_HEIGHT)
        self._truth = curve_plot("Correlation", _TRUTH_HEIGHT)
        label_steps(self._truth)
        self._truth.setXLink(self._loss)
        self._training_curve = self._loss.plot(pen=pg.mkPen(CURVE, width=1))
        self._validation_curve = self._loss.plot(pen=pg.mkPen(_VALIDATION, width=2))
        self._floor = self._loss.plot(
            pen=pg.mkPen(_FLOOR, width=1, style=Qt.PenStyle.DashLine),
        )
        self._truth_curve = self._truth.plot(pen=pg.mkPen(TRUTH, width=2))
        self._figure = QLabel()
        self._figure.setTextFormat(Qt.TextFormat.RichText)
        self._figure.setToolTip(
            "How like the clean image, which nobody has, the result is: estimated from two halves "
            "whose noise is independent. 1 is perfect. The figure is that of the best weights so "
            "far, which the model keeps; the curve is that of the newest."
        )
        explanation = small_print(EXPLANATION)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        # Above the plot, not in it: there the curves go.
        legend = QLabel(
            f"<span style='color:{CURVE}'>━ training</span> &nbsp; "
            f"<span style='color:{_VALIDATION}'>━ validation</span> &nbsp; "
            f"<span style='color:{_FLOOR}'>┅ noise floor</span>"
        )
        for part in (legend, self._loss, explanation, self._figure, self._truth):
            layout.addWidget(part)
        self.clear()

    def clear(self) -> None:
        """Forget the training that was shown."""
        self.setVisible(False)  # until there is something to see
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._validated: list[tuple[int, float, float | None]] = []
        self._kept_truth: float | None = None
        self._floor_level: float | None = None
        self._draw()

    def add(self, progress: "TrainingProgress") -> None:
        """Show one more point."""
        if self._steps and progress.step < self._steps[-1]:
            self.clear()
        self.setVisible(True)
        self._steps.append(progress.step)
        self._losses.append(progress.loss)
        if len(self._steps) > _MOST_POINTS:  # every other one tells the same
            self._steps, self._losses = self._steps[::2], self._losses[::2]
        validation = progress.validation
        if validation is not None:
            point = (progress.step, validation.loss, validation.truth_correlation)
            if not self._validated or self._validated[-1][1:] != point[1:]:
                self._validated.append(point)
            self._floor_level = validation.noise_floor
        kept = progress.kept
        self._kept_truth = None if kept is None else kept.truth_correlation
        self._draw()

    @property
    def truth_correlation(self) -> float | None:
        """The estimated correlation with the clean image of the weights that are kept."""
        return self._kept_truth

    @property
    def noise_floor(self) -> float | None:
        """The noise floor as last told."""
        return self._floor_level

    def points(self) -> tuple[list[int], list[float]]:
        """Return the steps and training losses that are drawn."""
        return list(self._steps), list(self._losses)

    def _draw(self) -> None:
        self._training_curve.setData(self._steps, _smooth(self._losses))
        steps = [step for step, _, _ in self._validated]
        losses = [loss for _, loss, _ in self._validated]
        self._validation_curve.setData(steps, losses)
        ends = [0, max(self._steps)] if self._steps else []
        floor = self._floor_level
        self._floor.setData(
            ends if floor is not None else [], [floor, floor] if floor and ends else []
        )
        known = [(step, truth) for step, _, truth in self._validated if truth is not None]
        self._truth_curve.setData([s for s, _ in known], [t for _, t in known])
        truth = self.truth_correlation
        text = "–" if truth is None else f"{truth:.3f}"
        self._figure.setText(
            "Estimated correlation with the clean image: "
            f"<b style='color:{TRUTH}; font-size:14pt'>{text}</b>"
        )
        self._scale(losses, [truth for _, truth in known])

    def _scale(self, validation_losses: list[float], truths: list[float]) -> None:
        """Show what matters: the first steps' huge losses would press the rest flat."""
        if self._steps:
            # Losses fall fast at first: the last five sixths decide the scale.
            judged = validation_losses[len(validation_losses) // 6 :]
            settled = [*_smooth(self._losses)[len(self._losses) // 6 :], *judged]
            if self._floor_level is not None:
                settled.append(self._floor_level)
            low, high = float(np.min(settled)), float(np.percentile(settled, 98))
            high = max([high, *judged[1:]])
            margin = max(0.15 * (high - low), 0.002)
            self._loss.setYRange(low - margin, high + margin, padding=0)
            self._loss.setXRange(0, max(self._steps[-1], 10), padding=0.01)
        if truths:
            settled = truths[len(truths) // 4 :]
            low = min(0.95 * max(truths), min(settled))
            self._truth.setYRange(low, min(1.0, max(truths) + 0.1 * (max(truths) - low) + 0.005))


def label_steps(plot: pg.PlotWidget) -> None:
    """Say that training steps go across."""
    plot.setLabel("bottom", "Training step")
    # pyqtgraph puts a label 5 px too low.
    plot.plotItem.layout.setContentsMargins(1, 1, 1, 7)


def curve_plot(label: str, height: int) -> pg.PlotWidget:
    """Make an empty plot of ``height`` px, with ``label`` at its left, that no mouse moves."""
    plot = pg.PlotWidget(background=None)
    plot.setFixedHeight(height)
    plot.setLabel("left", label)
    for side in ("left", "bottom"):
        plot.getAxis(side).enableAutoSIPrefix(False)
    plot.getAxis("left").setWidth(54)
    plot.showGrid(y=True, alpha=0.15)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    return plot


def _smooth(losses: list[float]) -> list[float]:
    """Return the running mean over the last points, fewer at the start."""
    width = max(1, min(15, len(losses) // 10))
    if width == 1:
        return losses
    total = np.cumsum([0.0, *losses])
    return [
        float((total[i] - total[max(0, i - width)]) / min(i, width))
        for i in range(1, len(losses) + 1)
    ]
