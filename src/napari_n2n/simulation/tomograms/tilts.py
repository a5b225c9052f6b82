"""Tilt images of a specimen, and the volumes that are made of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_n2n.progress import Steps, Stopwatch, run_to_end
from napari_n2n.reconstruction import back_projected_slabs, weighted
from napari_n2n.simulation import optics
from napari_n2n.simulation.tomograms.config import TomogramConfig
from napari_n2n.simulation.tomograms.ice import FilledIce, filled_ice
from napari_n2n.simulation.tomograms.structures import BEAD_VOLUME_ANGSTROM3

Images = NDArray[np.float32]

_PROTEIN_VOLT = 3.5  # over that of ice, as in `napari_n2n.simulation.scene`
# Electrons that lose energy in ice are filtered out: 1/e of them pass so much of it at 300 kV.
# (W. J. Rice et al., J. Struct. Biol. 204, 38 (2018))
_MEAN_FREE_PATH_ANGSTROM = 3200.0
# Beads are balls of some Å; that of 600 Å³ has a radius of 5.
_BEAD_SIGMA_ANGSTROM = 4.0
_DARKEST = 0.05  # of the open field: gold is no weak phase object
# A border that the contrast transfer may wrap around.
_MARGIN_ANGSTROM = 400.0


@dataclass(frozen=True, eq=False)
class SimulatedTilts:
    """Tilt images and how they were taken.

    Attributes
    ----------
    clean
        (tilt, y, x) expected counts of a whole tilt.
    odd, even
        (tilt, y, x) counts of its odd and of its even frames.
    angles_degree
        (tilt,), ascending.
    shifts_px
        (tilt, 2) y, x by which the specimen lies off in each image.
    defoci_micrometer
        (tilt,).
    """

    clean: Images
    odd: Images
    even: Images
    angles_degree: NDArray[np.float64]
    shifts_px: NDArray[np.float64]
    defoci_micrometer: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SimulatedTomogram:
    """A specimen, its tilt series, and how it was made; volumes are made on demand."""

    config: TomogramConfig
    ice: FilledIce
    series: SimulatedTilts

    def aligned(self, images: Images) -> Images:
        """Return tilt images relative to their mean, (tilt, y, x), their shifts undone."""
        mean = self.series.clean.mean(axis=(1, 2))[:, None, None]
        relative = images / mean - images.mean(axis=(1, 2))[:, None, None] / mean
        return np.stack(
            [
                ndimage.shift(image, -shift, order=1, mode="nearest")
                for image, shift in zip(relative, self.series.shifts_px, strict=True)
            ]
        )

    def slabs(self, images: Images) -> Iterator[Images]:
        """Yield the reconstruction of tilt ``images`` slab by slab along z."""
        angles = [float(angle) for angle in self.series.angles_degree]
        return back_projected_slabs(weighted(self.aligned(images)), angles, self.config.shape[0])

    def volume(self, images: Images) -> Images:
        """Return the reconstruction of tilt ``images``, (z, y, x)."""
        return np.concatenate(list(self.slabs(images)))

    def specimen(self) -> Images:
        """Return the specimen itself, (z, y, x): Å³ of protein in a voxel's Å³, without optics."""
        voxel = self.config.voxel_size_angstrom
        middle = (np.array(self.config.shape) - 1) / 2
        at = self.ice.beads / voxel + middle
        whole = np.rint(at).astype(np.int64)
        inside = ((whole >= 0) & (whole < self.config.shape)).all(axis=1)
        flat = np.ravel_multi_index(tuple(whole[inside].T), self.config.shape)
        count = np.bincount(flat, minlength=int(np.prod(self.config.shape)))
        density = count.reshape(self.config.shape).astype(np.float32)
        density *= BEAD_VOLUME_ANGSTROM3 / voxel**3
        blurred: Images = ndimage.gaussian_filter(
            density, float(np.hypot(_BEAD_SIGMA_ANGSTROM / voxel, 0.5))
        )
        return blurred


def simulate_tomogram(config: TomogramConfig) -> SimulatedTomogram:
    """Return a tomogram's specimen and its tilt series, odd and even."""
    return run_to_end(simulate_tomogram_steps(config))


def simulate_tomogram_steps(config: TomogramConfig) -> Steps[SimulatedTomogram]:
    """Do as `simulate_tomogram`; yields progress, returns the tomogram."""
    watch = Stopwatch()
    angles = config.angles_degree
    yield watch.progress("filling the ice", 0, len(angles))
    ice = filled_ice(config)
    rng = np.random.default_rng([config.seed, 3])
    shifts = rng.normal(0, config.drift_angstrom, (len(angles), 2)) / config.voxel_size_angstrom
    shifts[len(angles) // 2] = 0
    strays = rng.normal(0, config.defocus_spread_micrometer, len(angles))
    defoci = config.defocus_micrometer + strays
    clean, odd, even = (np.empty((len(angles), *config.shape[1:]), np.float32) for _ in range(3))
    for i, angle in enumerate(np.deg2rad(angles)):
        yield watch.progress(f"tilt {i + 1} of {len(angles)}", i, len(angles))
        clean[i] = expected_counts(config, ice, float(angle), shifts[i], float(defoci[i]))
        noise = np.random.default_rng([config.seed, 4, i])
        odd[i], even[i] = noise.poisson(clean[i] / 2), noise.poisson(clean[i] / 2)
    return SimulatedTomogram(config, ice, SimulatedTilts(clean, odd, even, angles, shifts, defoci))


def expected_counts(
    config: TomogramConfig,
    ice: FilledIce,
    angle: float,  # radians
    shift: NDArray[np.float64],  # y, x in px
    defocus_micrometer: float,
) -> Images:
    """Return the expected counts of one tilt, (y, x): those of all frames, without noise."""
    voxel = config.voxel_size_angstrom
    margin = round(_MARGIN_ANGSTROM / voxel)
    height, width = (side + 2 * margin for side in config.shape[1:])
    middle = (np.array([height, width]) - 1) / 2
    z, y, x = ice.beads.T
    # The axis is y; see `napari_n2n.reconstruction.back_projection`.
    seen = np.stack([y, x * np.cos(angle) + z * np.sin(angle)], axis=1) / voxel + middle + shift
    thickness = optics.deposit(seen, (height, width)) * (BEAD_VOLUME_ANGSTROM3 / voxel**2)
    k2 = optics.frequency_squared((height, width), voxel)
    soft = np.exp(-2 * np.pi**2 * _BEAD_SIGMA_ANGSTROM**2 * k2)
    transfer = optics.contrast_transfer(
        k2,
        defocus_micrometer=defocus_micrometer,
        voltage_kv=config.voltage_kv,
        spherical_aberration_mm=config.spherical_aberration_mm,
        amplitude_contrast=config.amplitude_contrast,
        b_factor_square_angstrom=config.b_factor_square_angstrom,
    )
    volt = _PROTEIN_VOLT * config.contrast
    phase = thickness * (volt * optics.interaction_rad_per_volt_angstrom(config.voltage_kv))
    image = np.maximum(1 + 2 * optics.filtered(phase, transfer * soft), _DARKEST)
    path = config.ice_angstrom / np.cos(angle)
    passing = np.exp(-path / _MEAN_FREE_PATH_ANGSTROM)
    electrons = config.dose / len(config.angles_degree) * voxel**2 * passing
    counts: Images = (image * electrons).astype(np.float32)
    return counts[margin : height - margin, margin : width - margin]
