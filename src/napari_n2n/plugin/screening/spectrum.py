"""The power spectrum of a micrograph: its Thon rings, and what of it reaches how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
import scipy.fft
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_n2n.plugin.shared.looks import CURVE, small_print

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.progress import Progress, Steps

_TILE_PX = 512
_FEWEST_TILES = 4  # along either side, so that rings stand out of the noise
_ANGSTROMS = (100, 50, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.7, 2.5, 2.2, 2)
_INVITATION = "The power spectrum of the raw image is shown here once a micrograph is."


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The mean power of an image.

    Attributes
    ----------
    power
        (n, n) decadic logarithm of the power, zero frequency in the middle. That of white noise
        is its variance.
    frequencies
        (m,) of the rotational average: 1/Å, or 1/px where the pixel size is unknown.
    rotational
        (m,) decadic logarithm of the mean power on each ring.
    """

    power: NDArray[np.float32]
    frequencies: NDArray[np.float64]
    rotational: NDArray[np.float64]


def power_spectrum(image: NDArray[np.float32], pixel_size_angstrom: float | None) -> Spectrum:
    """Average the power of tiles of up to 512 px (Welch 1967), each under a Hann window.

    Parameters
    ----------
    image
        (y, x), 2 px at least on either side.
    pixel_size_angstrom
        None if it is unknown: frequencies are then in 1/px.
    """
    side = min(_TILE_PX, *image.shape) // 2 * 2
    window = np.hanning(side + 1)[:-1].astype(np.float32)
    total = np.zeros((side, side // 2 + 1), np.float64)
    starts = [_starts(length, side) for length in image.shape]
    for top in starts[0]:
        for left in starts[1]:
            tile = image[top : top + side, left : left + side]
            tile = (tile - tile.mean(dtype=np.float64)) * window[:, None] * window
            total += np.abs(scipy.fft.rfft2(tile)) ** 2
    # So that the power of white noise is its variance.
    total /= len(starts[0]) * len(starts[1]) * float((window.astype(np.float64) ** 2).sum()) ** 2
    rows = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(rows[:, None], np.arange(side // 2 + 1))).astype(np.intp)
    # All but the first and the last column stand for their mirror images as well.
    weight = np.full(total.shape, 2.0)
    weight[:, [0, -1]] = 1.0
    count = np.bincount(ring.ravel(), weight.ravel())
    mean = np.bincount(ring.ravel(), (weight * total).ravel()) / count
    rings = np.arange(1, side // 2)  # the zeroth is the image's brightness
    tiny = np.finfo(np.float64).tiny
    frequencies = rings / (side * (pixel_size_angstrom or 1.0))
    # (ky, kx) and (-ky, -kx) have the same power.
    half = np.fft.fftshift(total, axes=0)
    other = half[(-np.arange(side)) % side, 1:-1][:, ::-1]
    # Half the columns are kx = 0 … n/2; the left ones are mirrored from them.
    whole = np.concatenate([half[:, -1:], other, half[:, :-1]], axis=1)
    power = np.log10(np.maximum(whole, tiny)).astype(np.float32)
    return Spectrum(power, frequencies, np.log10(np.maximum(mean[rings], tiny)))


def _starts(length: int, side: int) -> NDArray[np.intp]:
    """Spread as many tiles as fit evenly over a length, or four that overlap."""
    count = max(_FEWEST_TILES, length // side) if length > side else 1
    return np.linspace(0, length - side, count).round().astype(np.intp)


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
        self._say(
            "Of the raw image. Rings say how far the signal reaches; ellipses are astigmatism, "
            "rings that fade along one direction are drift, and a ring at 3.7 Å is crystalline "
            "ice."
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
