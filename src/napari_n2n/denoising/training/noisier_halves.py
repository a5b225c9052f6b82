"""Two halves of one tomogram, of which there is none: it with noise added, and taken away.

To a volume with Gaussian noise of a known spectrum, as much again is added, and taken away: y + n
and y - n. Their noises, e + n and e - n, are independent, for cov(e, e) = cov(n, n), and each has
twice the power, as that of halves of the frames has. (T. Pang et al., Recorrupted-to-Recorrupted,
CVPR 2021.) In tomograms, each voxel of which is a sum over many tilts, noise is Gaussian.

Its spectrum is told from short waves, where there is little else: how it depends on the direction
about the tilt axis, y, the missing wedge above all, and how it falls off towards the shortest. That
of longer waves is that of the longest of these, as |k|-weighting makes it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Voxels = NDArray[np.float32]

# Cycles a voxel from which on waves are taken for noise, and up to which its direction is told.
_SHORT, _SHORTEST = 0.35, 0.5
_SHELLS, _SECTORS = 40, 36
# Gold would otherwise be most of what is in the spectrum.
_BRIGHTEST = 6.0


def noisier_halves(volume: Voxels, seed: int) -> tuple[Voxels, Voxels]:
    """Return two halves of a normalised ``volume``, (z, y, x); the same seed gives the same."""
    amplitude = np.sqrt(noise_power(np.clip(volume, -_BRIGHTEST, _BRIGHTEST)))
    white = np.random.default_rng((seed, 4)).standard_normal(volume.shape, np.float32)
    spectrum = fft.rfftn(white) * amplitude.astype(np.float32)
    noise: Voxels = fft.irfftn(spectrum, s=volume.shape, axes=(0, 1, 2)).astype(np.float32)
    return volume + noise, volume - noise


def noise_power(volume: Voxels) -> NDArray[np.float64]:
    """Return the power of a volume's noise, (z, y, x // 2 + 1); 1 everywhere is white of σ 1."""
    power = np.abs(fft.rfftn(volume)) ** 2 / volume.size
    depth, height, width = volume.shape
    z, y, x = fft.fftfreq(depth)[:, None, None], fft.fftfreq(height)[:, None], fft.rfftfreq(width)
    radius = np.sqrt(z**2 + y**2 + x**2)
    shell = np.minimum((radius / 0.5 * _SHELLS).astype(int), _SHELLS)
    angle = np.abs(np.arctan2(z, x))[:, 0] / (np.pi / 2)  # 0 along x, 1 along z
    flat = np.minimum((angle * _SECTORS).astype(int), _SECTORS - 1)
    sector = np.broadcast_to(flat[:, None], power.shape)
    # Along y there is no direction about the axis.
    across = np.broadcast_to(np.sqrt(z**2 + x**2) > _SHORT / 2, power.shape)
    is_short = (radius > _SHORT) & (radius < _SHORTEST) & across
    by_sector = _means(power, sector, _SECTORS, is_short)
    usual = float(power[is_short].mean())
    directed = (by_sector / usual)[sector]
    # What is left of the power once the direction is told, by how long waves are.
    measured = by_sector[sector] > 0.2 * by_sector.max()
    profile = _means(power / np.maximum(directed, 0.05), shell, _SHELLS + 1, measured)
    first = round(_SHORT / 0.5 * _SHELLS)
    profile[:first] = profile[first : first + 3].mean()
    result: NDArray[np.float64] = profile[shell] * directed
    return result


def _means(
    values: NDArray[np.float64], groups: NDArray[np.int_], count: int, which: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mean of each group's values; of an empty one, that of all."""
    chosen = groups[which]
    sums = np.bincount(chosen, values[which], count)
    counts = np.bincount(chosen, minlength=count)
    means: NDArray[np.float64] = np.where(
        counts > 0, sums / np.maximum(counts, 1), values[which].mean()
    )
    return means
