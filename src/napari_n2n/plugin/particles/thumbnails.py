"""Small pictures of particles, cut out of a micrograph when they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QImage, QPainter, QPixmap

from napari_n2n.errors import BadValue
from napari_n2n.plugin.shared.looks import NO_IMAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GREY = QImage.Format.Format_Grayscale8
_PERCENTILES = (0.5, 99.5)
_MOST_SAMPLED = 1_000_000
_CACHE_BYTES = 64 * 2**20


class Thumbnails:
    """Cuts thumbnails of one size, all in the same contrast, and keeps those made last.

    A box larger than the thumbnail is averaged over whole blocks of pixels first, and the contrast
    is that of the averaged image: noise that averaging takes away needs no grey levels.
    """

    def __init__(self) -> None:
        self._image: NDArray[Any] | None = None
        self._reduced: tuple[int, NDArray[np.float32], tuple[float, float]] | None = None
        self._box_px = 1.0
        self._side = 0
        self._ratio = 1.0
        self._made: dict[int, QPixmap] = {}

    def set_image(self, image: NDArray[Any] | None) -> None:
        """Cut from this image (y, x) from now on.

        Raises
        ------
        BadValue
            It is no 2D image.
        """
        if image is not None and np.ndim(image) != 2:
            raise BadValue(
                f"Particles are shown on 2D images, not on {np.ndim(image)}D ones. Choose a "
                "micrograph."
            )
        self._image = image
        self._reduced = None
        self._made.clear()

    def set_box(self, box_px: float) -> None:
        """Cut squares of this side in pixels of the image.

        Raises
        ------
        BadValue
            It is not above 0.
        """
        if not box_px > 0 or not np.isfinite(box_px):
            raise BadValue(f"A box of {box_px} px shows nothing. Give a diameter above 0.")
        if box_px != self._box_px:
            self._box_px = float(box_px)
            self._made.clear()

    def set_side(self, side: int, ratio: float = 1.0) -> None:
        """Make thumbnails of this side, on a screen of ``ratio`` real pixels to a pixel."""
        if (side, ratio) != (self._side, self._ratio):
            self._side, self._ratio = side, ratio
            self._made.clear()

    def forget(self, ids: NDArray[np.int64] | None = None) -> None:
        """Cut these again, or all, when they are next looked at."""
        if ids is None:
            self._made.clear()
            return
        for which in ids.tolist():
            self._made.pop(which, None)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._made)

    def pixmap(self, which: int, y: float, x: float) -> QPixmap:
        """Return the thumbnail of the particle with the id ``which``, centred on y, x."""
        made = self._made.pop(which, None)
        if made is None:
            made = self._cut(y, x)
            room = max(1, int(_CACHE_BYTES / (4 * (self._side * self._ratio) ** 2)))
            while len(self._made) >= room:
                del self._made[next(iter(self._made))]  # the one looked at longest ago
        self._made[which] = made
        return made

    def contrast(self) -> tuple[float, float]:
        """Return the values shown black and white; the same for all thumbnails."""
        return (0.0, 1.0) if self._image is None else self._source()[2]

    def _cut(self, y: float, x: float) -> QPixmap:
        side = max(1, round(self._side * self._ratio))
        pixmap = QPixmap(side, side)
        pixmap.fill(QColor(NO_IMAGE))
        if self._image is not None:
            factor, image, limits = self._source()
            box = self._box_px / factor
            # From centres of pixels to their corners, and to averaged pixels.
            top = (y + 0.5) / factor - box / 2
            left = (x + 0.5) / factor - box / 2
            y0, x0 = max(0, int(np.floor(top))), max(0, int(np.floor(left)))
            y1 = min(image.shape[0], int(np.ceil(top + box)))
            x1 = min(image.shape[1], int(np.ceil(left + box)))
            if y1 > y0 and x1 > x0:
                scale = side / box
                place = ((x0 - left) * scale, (y0 - top) * scale)
                extent = ((x1 - x0) * scale, (y1 - y0) * scale)
                levels = _grey(image[y0:y1, x0:x1], limits).tobytes()
                # The picture does not own the levels: they must outlive the drawing.
                picture = QImage(levels, x1 - x0, y1 - y0, x1 - x0, _GREY)
                painter = QPainter(pixmap)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(QRectF(*place, *extent), picture)
                painter.end()
        pixmap.setDevicePixelRatio(self._ratio)
        return pixmap

    def _source(self) -> tuple[int, NDArray[np.float32], tuple[float, float]]:
        """Return by how much the image is averaged, the averaged image, and its contrast."""
        assert self._image is not None
        real_side = max(1.0, self._side * self._ratio)
        factor = max(1, min(int(self._box_px / real_side), *self._image.shape))
        if self._reduced is None or self._reduced[0] != factor:
            image = _averaged(self._image, factor)
            self._reduced = (factor, image, _limits(image))
        return self._reduced


def _averaged(image: NDArray[Any], factor: int) -> NDArray[Any]:
    if factor == 1:
        return image
    height, width = (side // factor * factor for side in image.shape)
    summed = np.zeros((height // factor, width // factor), np.float32)
    for dy in range(factor):
        for dx in range(factor):
            summed += image[dy:height:factor, dx:width:factor]
    return summed / np.float32(factor**2)


def _limits(image: NDArray[Any]) -> tuple[float, float]:
    step = max(1, int(np.sqrt(image.size / _MOST_SAMPLED)))
    values = np.asarray(image[::step, ::step], np.float32)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _grey(pixels: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    scaled = (np.asarray(pixels, np.float32) - low) * np.float32(255 / (high - low))
    np.fmax(scaled, 0, out=scaled)  # what is no number becomes black
    np.fmin(scaled, 255, out=scaled)
    return scaled.astype(np.uint8)
