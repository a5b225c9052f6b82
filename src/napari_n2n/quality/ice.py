"""Crystalline ice, by the light it scatters at 1/3.7 per Å."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_n2n.quality.spectra import without_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_PX = 256
_RING = (1 / 3.75, 1 / 3.62)  # per Å: (002) of hexagonal and (111) of cubic ice, 3.66 to 3.67 Å
_BESIDE = ((1 / 4.3, 1 / 4.0), (1 / 3.35, 1 / 3.15))  # beyond 3.90 and 3.44 Å, its other rings
_MOST_TILES = 128


def crystalline_ice(image: NDArray[np.floating], pixel_size_angstrom: float) -> float | None:
    """Return the power of ``image`` (y, x) at 1/3.7 per Å over that around it, less one.

    Crystals of ice reflect at 3.90, 3.67 and 3.44 Å (hexagonal) or at 3.66 Å (cubic; Dubochet et
    al. 1988, Q. Rev. Biophys. 21:129); vitreous ice has a broad, faint ring there. Up to 128 tiles
    of 256 px, evenly spread, are looked at.

    Returns
    -------
    0 or more; None where the pixels are too coarse (more than 1.57 Å) or too few.
    """
    if 0.5 / pixel_size_angstrom < _BESIDE[1][1] or min(image.shape) < _TILE_PX:
        return None
    rows, columns = (np.arange(0, side - _TILE_PX + 1, _TILE_PX) for side in image.shape)
    corners = [(y, x) for y in rows for x in columns]
    corners = corners[:: int(np.ceil(len(corners) / _MOST_TILES))]
    window = np.hanning(_TILE_PX).astype(np.float32)
    total = np.zeros((_TILE_PX, _TILE_PX // 2 + 1))
    for y, x in corners:
        tile = image[y : y + _TILE_PX, x : x + _TILE_PX].astype(np.float32)
        tile = without_lines(tile, window) * window[:, None] * window
        total += np.abs(fft.rfft2(tile)) ** 2
    frequency = np.hypot(np.fft.fftfreq(_TILE_PX)[:, None], np.fft.rfftfreq(_TILE_PX)[None, :])
    frequency /= pixel_size_angstrom
    # The lines of a detector lie on the axes.
    frequency[:2], frequency[-1], frequency[:, :2] = 0, 0, 0

    def mean(low: float, high: float) -> float:
        return float(total[(frequency >= low) & (frequency < high)].mean())

    # The spectrum falls: what lies on a ring is compared with both sides of it.
    around = float(np.sqrt(mean(*_BESIDE[0]) * mean(*_BESIDE[1])))
    return max(0.0, mean(*_RING) / around - 1) if around > 0 else None
