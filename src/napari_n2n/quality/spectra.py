"""What the power spectrum of a micrograph tells, measured in overlapping tiles.

Medians over tiles say what most of the image is like: a piece of ice or dirt that would fill the
spectrum of the whole image is in few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE_PX = 64
_SMALLEST_TILE_PX = 32

# Bands in cycles/px; a pixel is 8 Å, see `working_image`.
_COARSE = (1 / 40, 1 / 25)  # 320 to 200 Å
_PARTICLES = tuple(2.0 ** -(4 - octave / 2) for octave in range(5))  # 128 to 32 Å, by half octaves
_NOISE = (0.36, 0.5)  # 22 to 16 Å
_NOISY_TILE = 1.3  # three deviations of the noise's own scatter from tile to tile


@dataclass(frozen=True, eq=False)
class Spectra:
    """Power of tiles in bands.

    Attributes
    ----------
    particles
        (rows, columns, bands) at the spacings of particles.
    coarse, noise
        (rows, columns) at larger spacings, and at the smallest.
    streaks
        0 to 1: how much the power at the spacings of particles depends on direction.
    """

    particles: NDArray[np.float64]
    coarse: NDArray[np.float64]
    noise: NDArray[np.float64]
    streaks: float

    def figures(self, contaminated: NDArray[np.bool_]) -> dict[str, float]:
        """Return ``structure``, ``blotches``, ``streaks`` and ``empty_percent``, see `FIGURES`.

        Parameters
        ----------
        contaminated
            (rows, columns) tiles that do not count as empty.
        """
        noise = float(np.median(self.noise))
        if noise <= 0:
            return {}
        bands = np.median(self.particles, axis=(0, 1))
        strongest = float(bands.max())
        stands_out = self.particles.mean(axis=2) > _NOISY_TILE * self.noise
        return {
            "structure": max(0.0, strongest / noise - 1),
            "blotches": float(np.median(self.coarse)) / strongest,
            "streaks": self.streaks,
            "empty_percent": 100 * float(np.mean(~stands_out & ~contaminated)),
        }


def tile_starts(side: int, tile: int) -> NDArray[np.intp]:
    """Return where tiles of a side start: half a tile apart or less, from border to border."""
    count = max(1, int(np.ceil((side - tile) / (tile / 2))) + 1)
    return np.linspace(0, side - tile, count).round().astype(np.intp)


def tile_size(shape: tuple[int, ...]) -> int | None:
    """Return the side of the tiles that an image of this shape is cut into; None: too small."""
    tile = min(TILE_PX, min(shape) // 2 * 2)
    return tile if tile >= _SMALLEST_TILE_PX else None


def tile_spectra(image: NDArray[np.float32], tile: int) -> Spectra:
    """Measure the power in tiles of ``image`` (y, x), an image of 8 Å a pixel."""
    rows, columns = (tile_starts(side, tile) for side in image.shape)
    window = np.hanning(tile).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(image, (tile, tile))
    tiles = windows[np.ix_(rows, columns)]
    tiles = (tiles - tiles.mean(axis=(2, 3), keepdims=True)) * window[:, None] * window
    power = np.abs(fft.rfft2(tiles)).astype(np.float64) ** 2
    fy, fx = np.fft.fftfreq(tile)[:, None], np.fft.rfftfreq(tile)[None, :]
    frequency = np.hypot(fy, fx)
    # Every Fourier pixel of rfft2 but those of the first and last column stands for two.
    twice = np.where((fx > 0) & (fx < 0.5), 2.0, 1.0) * np.ones_like(frequency)

    def band(low: float, high: float) -> NDArray[np.float64]:
        weights = twice * ((frequency >= low) & (frequency < high))
        mean: NDArray[np.float64] = (power * weights).sum(axis=(2, 3)) / weights.sum()
        return mean

    return Spectra(
        particles=np.stack([band(*pair) for pair in pairwise(_PARTICLES)], axis=2),
        coarse=band(*_COARSE),
        noise=band(*_NOISE),
        streaks=_direction(np.median(power, axis=(0, 1)), fy, fx, frequency, twice),
    )


def _direction(
    power: NDArray[np.float64],
    fy: NDArray[np.floating],
    fx: NDArray[np.floating],
    frequency: NDArray[np.floating],
    weights: NDArray[np.float64],
) -> float:
    """Second harmonic of the power over the direction: 0, the same everywhere; 1, a line."""
    inside = (frequency >= _PARTICLES[0]) & (frequency < _PARTICLES[-1])
    turned = np.exp(2j * np.arctan2(fy, fx))
    weighted = (weights * power)[inside]
    return float(np.abs((weighted * turned[inside]).sum()) / max(weighted.sum(), 1e-300))
