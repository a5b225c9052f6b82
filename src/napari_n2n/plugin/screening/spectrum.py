"""Shows the power spectrum of a micrograph: its Thon rings, and what of it reaches how far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.plugin.shared.looks import CURVE, small_print
from napari_n2n.progress import Progress, Steps
from napari_n2n.quality.power_spectrum import Spectrum, power_spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

_ANGSTROMS = (100, 50, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.7, 2.5, 2.2, 2)
_INVITATION = "The power spectrum of the raw image is shown here once a micrograph is."


class SpectrumView(QWidget):
    """Shows the spectrum of an image, computed in a thread while it is visible."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: tuple[Any, float | None] | None = None
        self._is_shown_of: object = None
        self._computing: object = None
        self.spectrum: Spectrum | None = None
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._draw)
        self._runner.failed.connect(self._on_failed)
        self._runner.finished.connect(self._update)
        self._picture = pg.PlotWidget(background=None)
        self._picture.setAspectLocked(True)
        self._picture.hideAxis("left")
        self._picture.hideAxis("bottom")
        self._picture.setMinimumWidth(150)
        self._item = pg.ImageItem(axisOrder="row-major")
        self._picture.addItem(self._item)
        self._average = pg.PlotWidget(background=None)
        self._average.setLabel("left", "log power")
        self._average.getAxis("bottom").enableAutoSIPrefix(False)
        self._average.showGrid(x=True, y=True, alpha=0.15)
        self._curve = self._average.plot(pen=pg.mkPen(CURVE, width=2))
        for plot in (self._picture, self._average):
            plot.setMouseEnabled(x=False, y=False)
            plot.hideButtons()
            plot.setMenuEnabled(False)
        self._text = small_print(_INVITATION)
        side = QHBoxLayout()
        side.addWidget(self._picture, 1)
        side.addWidget(self._average, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(side, 1)
        layout.addWidget(self._text)

    @property
    def busy(self) -> bool:
        """Whether a spectrum is being computed."""
        return self._runner.busy

    def set_image(self, image: Any | None, pixel_size_angstrom: float | None = None) -> None:
        """Show the spectrum of another image (y, x); None: of none."""
        self._image = None if image is None else (image, pixel_size_angstrom)
        self._update()

    def leave(self) -> None:
        """Compute no more."""
        self._image = None
        self._runner.stop()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Compute what has not been, as nobody saw it."""
        super().showEvent(event)
        self._update()

    def _update(self) -> None:
        if self._image is None:
            self._is_shown_of = self.spectrum = None
            self._item.clear()
            self._curve.setData([], [])
            self._say(_INVITATION)
        elif self.isVisible() and self._is_shown_of is not self._image and not self._runner.busy:
            self._computing = self._image
            self._runner.start("Power spectrum", _computing(*self._image), show=False)

    def _on_failed(self, sentence: str) -> None:
        self._is_shown_of = self._computing  # it would fail again, without end
        self._say(sentence)

    def _draw(self, spectrum: Spectrum) -> None:
        self._is_shown_of = self._computing
        if self._image is None:
            return
        self.spectrum = spectrum
        middle = spectrum.power.shape[0] // 2
        near = slice(middle - middle // 2, middle + middle // 2)
        low, high = np.percentile(spectrum.power[near, near], (5, 99.5))
        self._item.setImage(spectrum.power, levels=(low, high))
        self._picture.autoRange(padding=0)
        size = self._image[1]
        self._curve.setData(spectrum.frequencies, spectrum.rotational)
        bottom = self._average.getAxis("bottom")
        if size is None:
            bottom.setTicks(None)
            self._average.setLabel("bottom", "Frequency (1/px)")
        else:
            bottom.setTicks([_ticks(float(spectrum.frequencies[-1]))])
            self._average.setLabel("bottom", "Å")
        # The lowest frequencies are the unevenness of the ice, and would press the rest flat.
        settled = spectrum.rotational[len(spectrum.rotational) // 25 :]
        margin = 0.08 * max(float(np.ptp(settled)), 1e-3)
        self._average.setXRange(0, float(spectrum.frequencies[-1]), padding=0.01)
        self._average.setYRange(
            float(settled.min()) - margin, float(settled.max()) + margin, padding=0
        )
        ice = ", and a ring at 3.7 Å is crystalline ice" if size is not None else ""
        self._say(
            "Of the raw image. Rings say how far the signal reaches; ellipses are astigmatism, "
            f"rings that fade along one direction are drift{ice}."
        )

    def _say(self, sentence: str) -> None:
        self._text.setText(sentence)
        self._text.setAlignment(Qt.AlignmentFlag.AlignLeft)


def _ticks(highest: float) -> list[tuple[float, str]]:
    """Return where to write which Å, no two too near each other."""
    ticks: list[tuple[float, str]] = []
    for angstrom in _ANGSTROMS:
        place = 1 / angstrom
        last = ticks[-1][0] if ticks else 0.0
        if place <= highest and place - last > highest / 12:
            ticks.append((place, f"{angstrom:g}"))
    return ticks


def _computing(image: Any, pixel_size_angstrom: float | None) -> Callable[[Any], Any]:
    def steps(_: Callable[[], bool]) -> Steps[Spectrum]:
        yield Progress("power spectrum", 0, 1)
        return power_spectrum(image, pixel_size_angstrom)

    return steps
