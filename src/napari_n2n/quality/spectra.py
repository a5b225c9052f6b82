"""What the power spectrum of a micrograph tells, measured in overlapping tiles.

Medians over tiles say what most of the image is like: a piece of ice or dirt that would fill the
spectrum of the whole image is in few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_ANGSTROM = 512.0
_ABOUT = 0.05
_SMALLEST_TILE_ANGSTROM = 256.0
_SMALLEST_TILE_PX = 32

# Spacings in Å.
_COARSE = (320.0, 200.0)
_PARTICLES = tuple(2.0 ** (7 - octave / 2) for octave in range(5))  # 128 to 32, by half octaves
_LARGE_PARTICLES = (190.0, 128.0)
# By quarter octaves: narrower than the rings of contrast transfer, of which one at 0.8 µm is at its
# first maximum from 16 to 22 Å, and at zero at 13 Å.
_FINE = tuple(2.0 ** (5 - quarter / 4) for quarter in range(9))  # 32 to 8
_NOISY_TILE = 1.3  # three deviations of the noise's own scatter from tile to tile
_FILTERED = 1 / 8  # of the power of the band before: what falls by so much was cut off
# Of the power of white noise, that is left one Fourier pixel beside an axis: 7/12.
_BESIDE_AXIS = 7 / 12


@dataclass(frozen=True, eq=False)
class Spectra:
    """Power of tiles in bands.

    Attributes
    ----------
    particles
        (rows, columns, bands) at the spacings of particles.
    large
        (rows, columns) at spacings somewhat larger.
    coarse
        (rows, columns) at the spacings of blotches; NaN where a tile is too small for them.
    fine
        (rows, columns, bands) at spacings of 32 Å and less, as far as the image has them.
    streaks
        0 to 1: how much the power at the spacings of particles depends on direction.
    independent
        How many Fourier pixels of a tile are in the first of the fine bands.
    """

    particles: NDArray[np.float64]
    large: NDArray[np.float64]
    coarse: NDArray[np.float64]
    fine: NDArray[np.float64]
    streaks: float
    independent: int = 1

    @property
    def noise(self) -> NDArray[np.float64] | None:
        """(rows, columns) of the noise: the least of the fine bands; None: it cannot be told.

        Contrast transfer has a maximum and zeros in these bands, at any defocus somewhere else;
        noise is what is left at its zeros, and beyond what the specimen reaches. Where power rises
        from the coarsest band to the finest, that is the way to the first maximum.
        """
        if not self.fine.shape[2]:
            return None
        bands = np.median(self.fine, axis=(0, 1))
        cut = np.flatnonzero(bands[1:] < _FILTERED * bands[:-1])
        bands = bands[: int(cut[0]) + 1] if len(cut) else bands
        least = int(np.argmin(bands))
        # Tiles overlap and are windowed: an eighth of their Fourier pixels is independent.
        chance = 1 + 4 / np.sqrt(self.independent * self.fine[..., 0].size / 8)
        if bands[least] <= 0 or (least == 0 and bands[-1] > _NOISY_TILE * chance * bands[0]):
            return None
        noise: NDArray[np.float64] = self.fine[:, :, least]
        return noise

    def figures(self, contaminated: NDArray[np.bool_]) -> dict[str, float]:
        """Return ``structure``, ``blotches``, ``streaks`` and ``empty_percent``, see `FIGURES`.

        Where the noise is not known, ``structure`` and ``empty_percent`` are not.

        Parameters
        ----------
        contaminated
            (rows, columns) tiles that do not count as empty.
        """
        bands = np.median(self.particles, axis=(0, 1))
        strongest = float(bands.max())
        if strongest <= 0:
            return {}
        # At little defocus particles show best at spacings somewhat larger than their own.
        widest = float(np.nanmax([strongest, np.median(self.large)]))
        told = {"streaks": self.streaks}
        if np.isfinite(self.coarse).all():
            told["blotches"] = float(np.median(self.coarse)) / widest
        noise = self.noise
        if noise is not None:
            stands_out = self.particles.mean(axis=2) > _NOISY_TILE * noise
            told["structure"] = max(0.0, strongest / float(np.median(noise)) - 1)
            told["empty_percent"] = 100 * float(np.mean(~stands_out & ~contaminated))
        return told


def tile_starts(side: int, tile: int) -> NDArray[np.intp]:
    """Return where tiles of a side start: half a tile apart or less, from border to border."""
    count = max(1, int(np.ceil((side - tile) / (tile / 2))) + 1)
    return np.linspace(0, side - tile, count).round().astype(np.intp)


def tile_size(shape: tuple[int, ...], pixel_size_angstrom: float) -> int | None:
    """Return the side of the tiles that an image of this shape is cut into; None: too small."""
    # Even, and rounded up: as many tiles cover a field at any pixel size.
    wanted = max(_SMALLEST_TILE_PX, 2 * ceil(_TILE_ANGSTROM / pixel_size_angstrom / 2 - 0.01))
    tile = min(wanted, min(shape)) // 2 * 2
    smallest = max(_SMALLEST_TILE_PX, round(_SMALLEST_TILE_ANGSTROM / pixel_size_angstrom))
    return tile if tile >= smallest // 2 * 2 else None


def tile_spectra(image: NDArray[np.float32], tile: int, pixel_size_angstrom: float) -> Spectra:
    """Measure the power in tiles of ``image`` (y, x).

    The lines of a detector lie on the two axes of frequency, which are left out: what rows and
    columns of a tile have in common is taken off it, too.
    """
    rows, columns = (tile_starts(side, tile) for side in image.shape)
    window = np.hanning(tile + 1)[:-1].astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(image, (tile, tile))
    fy, fx = np.fft.fftfreq(tile)[:, None], np.fft.rfftfreq(tile)[None, :]
    power = np.empty((len(rows), len(columns), tile, tile // 2 + 1))
    for i, row in enumerate(rows):
        tiles = without_lines(windows[row, columns], window)
        power[i] = np.abs(fft.rfft2(tiles * window[:, None] * window)) ** 2
    beside = [np.where(np.abs(f * tile).round() == 1, _BESIDE_AXIS, 1.0) for f in (fy, fx)]
    power /= beside[0] * beside[1]
    # A tile of whole pixels is 512 Å within a few percent: at any pixel size a band has the same
    # Fourier pixels.
    across = tile * pixel_size_angstrom
    across = _TILE_ANGSTROM if abs(across / _TILE_ANGSTROM - 1) < _ABOUT else across
    frequency = np.hypot(fy, fx) * tile / across
    # Every Fourier pixel of rfft2 but those of the last column stands for two.
    twice = np.where(fx < 0.5, 2.0, 1.0) * ((fy != 0) & (fx != 0))

    def band(coarsest: float, finest: float) -> NDArray[np.float64]:
        weights = twice * ((frequency >= 1 / coarsest) & (frequency < 1 / finest))
        total, count = np.tensordot(power, weights, 2), weights.sum()
        mean: NDArray[np.float64] = total / count if count else np.full_like(total, np.nan)
        return mean

    # Half a pixel of Nyquist's is no band.
    shown = [pair for pair in pairwise(_FINE) if pair[1] >= 1.99 * pixel_size_angstrom]
    fine = [band(*pair) for pair in shown]
    first = (frequency >= 1 / _FINE[0]) & (frequency < 1 / _FINE[1])
    return Spectra(
        particles=np.stack([band(*pair) for pair in pairwise(_PARTICLES)], axis=2),
        large=band(*_LARGE_PARTICLES),
        coarse=band(*_COARSE),
        fine=np.stack(fine, axis=2) if fine else np.empty((*power.shape[:2], 0)),
        streaks=_direction(np.median(power, axis=(0, 1)), fy, fx, frequency, twice),
        independent=max(1, int(np.count_nonzero(first & (twice > 0)))),
    )


def without_lines(tiles: NDArray[np.float32], window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``tiles`` (…, y, x) without what their rows and their columns have in common.

    Means are weighted by the ``window`` (n,) that the tiles are seen through, so that both axes of
    their spectra are zero. Of a Hann window they leave everything as it is but the next lines:
    there, 7/12 of the power of white noise.
    """
    weights = window / window.sum()
    less = tiles - (tiles @ weights)[..., None]
    rest: NDArray[np.float32] = less - (weights @ less)[..., None, :]
    return rest


def _direction(
    power: NDArray[np.float64],
    fy: NDArray[np.floating],
    fx: NDArray[np.floating],
    frequency: NDArray[np.floating],
    weights: NDArray[np.float64],
) -> float:
    """Second harmonic of the power over the direction: 0, the same everywhere; 1, a line."""
    inside = (frequency >= 1 / _PARTICLES[0]) & (frequency < 1 / _PARTICLES[-1])
    turned = np.exp(2j * np.arctan2(fy, fx))
    weighted = (weights * power)[inside]
    return float(np.abs((weighted * turned[inside]).sum()) / max(weighted.sum(), 1e-300))
