"""Random tomograms of any specimen, straight at about the voxel size a denoiser works at.

A denoiser that is to help before any training must have seen what nobody can foresee. These
tomograms differ in everything they can differ in: what lies in the ice and how crowded, thickness,
defocus, tilt scheme, optics, and how they are reconstructed. What each shows and its noise are
apart, so that any dose can be made of them: signal + noise / √dose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_n2n.reconstruction import back_projected_slabs
from napari_n2n.simulation import optics
from napari_n2n.simulation.tomograms import structures
from napari_n2n.simulation.tomograms.config import TomogramConfig
from napari_n2n.simulation.tomograms.ice import Contents, filled_ice
from napari_n2n.simulation.tomograms.structures import Maker
from napari_n2n.simulation.tomograms.tilts import Images, expected_counts

# How each kind of particle is made, and its radii in Å from and to.
_MAKERS: dict[str, tuple[Maker, float, float]] = {
    "lump": (structures.globule, 30, 170),
    "shell": (structures.shell, 45, 130),
    "barrel": (structures.barrel, 60, 130),
    "ring": (structures.ring, 50, 150),
    "capsid": (structures.capsid, 130, 420),
    "chain": (structures.chain, 130, 350),
}
_LONG_ONES: tuple[tuple[Maker, float], ...] = (*structures.LONG_ONES, (structures.rod, 90.0))


@dataclass(frozen=True, eq=False)
class RandomTomogram:
    """A tomogram, (z, y, x), and its noise apart.

    Attributes
    ----------
    signal
        The reconstruction of tilts without noise.
    noise
        The reconstruction of the noise of 1 e/Å², all tilts together.
    voxel_size_angstrom
        Of both.
    """

    signal: Images
    noise: Images
    voxel_size_angstrom: float


def seeded_tomogram(
    seed: tuple[int, ...], working: float, shape: tuple[int, int, int]
) -> RandomTomogram:
    """Return the tomogram that belongs to ``seed``, about ``shape`` voxels of ``working`` Å."""
    return random_tomogram(np.random.default_rng(seed), working, shape)


def random_tomogram(
    rng: np.random.Generator, working: float, shape: tuple[int, int, int]
) -> RandomTomogram:
    """Return a tomogram whose content and optics are left to chance.

    It has voxels of ``working`` Å, or finer ones, as those that are brought to that size have.
    """
    finer = float(rng.choice([1.0, 1.25, 1.6]))
    voxel = working / finer
    depth, height, width = (round(side * finer) for side in shape)
    config = TomogramConfig(
        shape=(depth, height, width),
        voxel_size_angstrom=voxel,
        dose=1.0,
        tilt_range_degree=float(rng.choice([40, 50, 54, 60, 60, 60, 66])),
        tilt_step_degree=float(rng.choice([2, 3, 3, 3, 4, 5])),
        defocus_micrometer=float(np.exp(rng.uniform(np.log(0.8), np.log(8)))),
        thickness_angstrom=float(rng.uniform(0.35, 0.98)) * depth * voxel,
        voltage_kv=float(rng.choice([200, 300, 300])),
        amplitude_contrast=float(rng.uniform(0.05, 0.12)),
        b_factor_square_angstrom=float(rng.uniform(200, 2500)),
        drift_angstrom=0,
        crowding=float(np.exp(rng.uniform(np.log(0.3), np.log(4)))),
        gold_beads=int(rng.integers(1, 9)) if rng.random() < 0.3 else 0,
        contrast=float(np.exp(rng.normal(0, 0.3))),
        seed=int(rng.integers(2**31)),
    )
    return _taken(rng, config, _random_contents(rng))


def _random_contents(rng: np.random.Generator) -> Contents:
    """One kind of particle or several; tubes, filaments, membranes, vesicles, or none of them."""
    if rng.random() < 0.05:
        return Contents({}, 0, ())
    names = rng.choice(
        list(_MAKERS), size=int(rng.integers(1, 5)), p=(0.4, 0.15, 0.15, 0.1, 0.1, 0.1)
    )
    radii = {}
    for number, name in enumerate(names):
        make, low, high = _MAKERS[str(name)]
        radii[f"{name} {number}"] = make, float(np.exp(rng.uniform(np.log(low), np.log(high))))
    # Small ones are many: about as much of the ice is taken by each kind.
    weights = np.array([min(radius, 200.0) ** -1.0 for _, radius in radii.values()])
    each = weights / weights.sum()
    particles = {
        name: (make, radius, float(share))
        for (name, (make, radius)), share in zip(radii.items(), each, strict=True)
    }
    long_ones = tuple(kind for kind in _LONG_ONES if rng.random() < 0.3)
    return Contents(particles, float(rng.choice([0, 0, 1, 2])), long_ones)


def _taken(rng: np.random.Generator, config: TomogramConfig, contents: Contents) -> RandomTomogram:
    """Take tilts of a specimen, and reconstruct what they show and their noise."""
    ice = filled_ice(config, contents)
    angles = config.angles_degree
    # The last tilts of one side are often left out.
    first, last = 0, len(angles) - int(rng.integers(5)) * int(rng.random() < 0.3)
    if rng.random() < 0.5:
        first, last = len(angles) - last, len(angles)
    shape = len(angles[first:last]), *config.shape[1:]
    signal, noise = np.empty(shape, np.float32), np.empty(shape, np.float32)
    soft = _detector(rng, config)
    is_flipped = rng.random() < 0.35
    still = np.zeros(2)
    for i, angle in enumerate(np.deg2rad(angles[first:last])):
        defocus = float(rng.normal(config.defocus_micrometer, 0.05))
        counts = expected_counts(config, ice, float(angle), still, defocus)
        mean = float(counts.mean())
        white = rng.standard_normal(counts.shape).astype(np.float32)
        relative = [counts / mean - 1, optics.filtered(white * np.sqrt(counts) / mean, soft)]
        if is_flipped:
            transfer = _phases(config, defocus)
            relative = [optics.filtered(image, transfer) for image in relative]
        signal[i], noise[i] = relative
    row_filter = _row_filter(rng, config.shape[2])
    used = [float(angle) for angle in angles[first:last]]
    made = [
        np.concatenate(
            list(back_projected_slabs(_along_rows(images, row_filter), used, config.shape[0]))
        )
        for images in (signal, noise)
    ]
    return RandomTomogram(made[0], made[1], config.voxel_size_angstrom)


def _detector(rng: np.random.Generator, config: TomogramConfig) -> NDArray[np.float32]:
    """Return the transfer of noise: much of it white, some falls off with the frequency."""
    k2 = optics.frequency_squared(config.shape[1:], 1.0)
    loss = rng.uniform(0, 0.8) * (rng.random() < 0.5)
    width = rng.uniform(0.15, 0.6)
    power = 1 - loss * (1 - np.exp(-0.5 * k2 / width**2))
    transfer: NDArray[np.float32] = np.sqrt(power).astype(np.float32)
    return transfer


def _phases(config: TomogramConfig, defocus_micrometer: float) -> NDArray[np.float32]:
    """Return what turns the phases of an image the right way round, as CTF correction does."""
    transfer = optics.contrast_transfer(
        optics.frequency_squared(config.shape[1:], config.voxel_size_angstrom),
        defocus_micrometer=defocus_micrometer,
        voltage_kv=config.voltage_kv,
        spherical_aberration_mm=config.spherical_aberration_mm,
        amplitude_contrast=config.amplitude_contrast,
        b_factor_square_angstrom=0,
    )
    # Dark stays dark.
    signs: NDArray[np.float32] = np.where(transfer > 0, -1, 1).astype(np.float32)
    return signs


def _row_filter(rng: np.random.Generator, width: int) -> NDArray[np.float32]:
    """Return how rows of the images are weighted, (width + 1,) for rows of twice the width.

    By |k|, as back-projection wants it; softened by a Gaussian; by less than |k|; or as many
    iterations of SIRT do it, each of which adds what is missing yet: |k| (1 - (1 - λ / |k|)^n).
    """
    k = fft.rfftfreq(2 * width)
    kind = rng.choice(["plain", "gaussian", "power", "sirt"], p=[0.5, 0.2, 0.15, 0.15])
    if kind == "gaussian":
        response = k * np.exp(-0.5 * (k / rng.uniform(0.15, 0.5)) ** 2)
    elif kind == "power":
        response = k ** rng.uniform(0.4, 0.95)
    elif kind == "sirt":
        ratio = np.minimum(1, k[1] / np.maximum(k, k[1]))
        response = k * (1 - (1 - ratio) ** int(rng.integers(8, 100)))
    else:
        response = k
    response[0] = 0
    softened: NDArray[np.float32] = response.astype(np.float32)
    return softened


def _along_rows(images: Images, response: NDArray[np.float32]) -> Images:
    """Return ``images``, mirrored at the ends of their rows, times ``response`` along x."""
    width = images.shape[-1]
    mirrored = np.concatenate([images, images[..., ::-1]], axis=-1)
    spectrum = fft.rfft(mirrored, axis=-1) * response
    filtered: Images = fft.irfft(spectrum, n=2 * width, axis=-1)[..., :width]
    return filtered.astype(np.float32, copy=False)
