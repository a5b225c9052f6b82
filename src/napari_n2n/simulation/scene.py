"""The specimen in its ice, as the microscope shows it without noise or motion."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_n2n.simulation import optics, specimens
from napari_n2n.simulation.config import SPECIMEN_DIAMETER_ANGSTROM, SimulationConfig
from napari_n2n.simulation.drift import Drift, make_drift

Label = Literal["intact", "broken", "contaminant"]

_PROTEIN_VOLT = 3.5
"""Potential of protein over that of the ice it displaces.

About what atom models give (7 to 8 V against 4.5 V; Vulović et al. 2013, J. Struct. Biol. 183:19),
and what makes a usual field's per-pixel SNR 0.04 at 40 e/Å², 1 Å/px and 1.5 µm of defocus."""
_CONTAMINANT_ABSORPTION_ANGSTROM = 700.0
"""Thickness of contaminant that leaves 1/e of the electrons: the others miss the aperture."""
_DELOCALISATION_ANGSTROM = 120.0
_DARKEST = 0.05  # of the open field: a weak-phase image of a thick blob could fall below zero
_ATTEMPTS_PER_PARTICLE = 400


@dataclass(frozen=True)
class Truth:
    """What a perfect measurement would find.

    Attributes
    ----------
    clean
        (y, x) expected counts per frame where the specimen is in the middle frame; ice gradient
        included, gain and hot pixels not.
    drift
        Displacement of the specimen in every frame.
    centres_px
        (n, 2) y, x of the particles and contaminants whose centre lies in the field.
    labels
        One for each centre.
    gain
        (y, x) factor that makes a raw frame flat, mean 1; None: the detector is flat.
    hot_pixels
        (n, 2) y, x of pixels that shine by themselves.
    """

    clean: NDArray[np.float32]
    drift: Drift
    centres_px: NDArray[np.float64]
    labels: list[Label]
    gain: NDArray[np.float32] | None
    hot_pixels: NDArray[np.int64]

    @property
    def drift_angstrom(self) -> NDArray[np.float64]:
        """(frame, 2) y, x displacement of the whole field in Å."""
        return self.drift.whole_field_angstrom


@dataclass(frozen=True)
class Scene:
    """The truth, and the clean image with a margin from which frames are cut."""

    config: SimulationConfig
    truth: Truth
    canvas: NDArray[np.float32]  # (y + 2 margin, x + 2 margin) counts per frame
    margin_px: int


def random_stream(config: SimulationConfig, *purpose: int) -> np.random.Generator:
    """Return a generator of its own for each purpose, so that one change leaves the rest alone."""
    return np.random.default_rng([config.seed, *purpose])


def build_scene(config: SimulationConfig) -> Scene:
    """Return the noise-free scene and everything that is true about it."""
    drift = make_drift(config, random_stream(config, 1))
    pixel = config.pixel_size_angstrom
    margin = int(np.ceil((drift.largest_angstrom + _DELOCALISATION_ANGSTROM) / pixel)) + 4
    height, width = (fft.next_fast_len(side + 2 * margin, real=True) for side in config.shape)
    layout = random_stream(config, 2)
    phase, transmission, centres, labels = _specimen(config, (height, width), margin, layout)
    canvas = _image(config, phase) * transmission * _ice(config, (height, width), margin)
    canvas *= config.dose_per_frame * pixel**2
    inner = np.s_[margin : margin + config.shape[0], margin : margin + config.shape[1]]
    gain, hot = _detector(config, random_stream(config, 3))
    truth = Truth(canvas[inner].copy(), drift, centres, labels, gain, hot)
    return Scene(config, truth, canvas, margin)


def _specimen(
    config: SimulationConfig, canvas: tuple[int, int], margin: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], list[Label]]:
    """Place particles and blobs; return phase (rad), transmission, centres (px) and labels."""
    pixel = config.pixel_size_angstrom
    subunits = specimens.subunits_of(config.specimen)
    blobs = [specimens.contaminant(rng) for _ in range(config.contaminant_count)]
    spots = _places(config, canvas, margin, [radius for _, radius in blobs], rng)
    protein: list[NDArray[np.float64]] = []
    grime: list[NDArray[np.float64]] = []
    centres: list[NDArray[np.float64]] = []
    labels: list[Label] = []
    for index, (spot, label) in enumerate(spots):
        if label == "contaminant":
            beads = blobs[index][0]
        elif label == "broken":
            beads = specimens.broken(subunits, rng)
        else:
            beads = subunits.reshape(-1, 3)
        turned = beads @ specimens.random_rotation(rng).T
        (grime if label == "contaminant" else protein).append(turned[:, 1:] / pixel + spot)
        centre = spot - margin
        if (centre >= 0).all() and (centre < np.array(config.shape)).all():
            centres.append(centre)
            labels.append(label)
    mass = specimens.BEAD_MASS_DALTON * specimens.PROTEIN_ANGSTROM3_PER_DALTON
    soft = np.exp(
        -2 * np.pi**2 * specimens.BEAD_SIGMA_ANGSTROM**2 * optics.frequency_squared(canvas, pixel)
    )
    # Projected thickness in Å: bead volume over pixel area.
    dirty = optics.filtered(_deposit(grime, canvas), soft) * mass / pixel**2
    thickness = optics.filtered(_deposit(protein, canvas), soft) * mass / pixel**2 + dirty
    volt = _PROTEIN_VOLT * config.contrast
    phase = thickness * (volt * optics.interaction_rad_per_volt_angstrom(config.voltage_kv))
    transmission = np.exp(-np.maximum(dirty, 0) / _CONTAMINANT_ABSORPTION_ANGSTROM)
    return (
        phase.astype(np.float32),
        transmission.astype(np.float32),
        np.array(centres).reshape(-1, 2),
        labels,
    )


def _deposit(points: list[NDArray[np.float64]], canvas: tuple[int, int]) -> NDArray[np.float32]:
    if not points:
        return np.zeros(canvas, np.float32)
    return optics.deposit(np.concatenate(points), canvas)


def _places(
    config: SimulationConfig,
    canvas: tuple[int, int],
    margin: int,
    blob_radii_angstrom: list[float],
    rng: np.random.Generator,
) -> list[tuple[NDArray[np.float64], Label]]:
    """Throw darts: blobs first, inside the field; then particles, margin too, until it is full.

    A dart that would overlap an earlier one is thrown again.
    """
    pixel = config.pixel_size_angstrom
    shape = np.array(config.shape)
    radius = SPECIMEN_DIAMETER_ANGSTROM[config.specimen] / 2
    spots: list[tuple[NDArray[np.float64], Label]] = []
    taken = np.empty((0, 3))  # y, x, radius in px
    for blob in blob_radii_angstrom:
        spot = margin + rng.random(2) * shape
        spots.append((spot, "contaminant"))
        taken = np.vstack([taken, [*spot, blob * 1.2 / pixel]])
    inside = 0
    for _ in range(_ATTEMPTS_PER_PARTICLE * config.particle_count):
        if inside == config.particle_count:
            break
        spot = rng.random(2) * np.array(canvas)
        gap = np.hypot(*(taken[:, :2] - spot).T) - taken[:, 2] - radius / pixel
        if (gap < 0).any():
            continue
        taken = np.vstack([taken, [*spot, radius / pixel]])
        spots.append((spot, "broken" if rng.random() < config.broken_fraction else "intact"))
        inside += bool(((spot >= margin) & (spot < margin + shape)).all())
    return spots


def _image(config: SimulationConfig, phase: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image of a weak phase object, relative to the open field: 1 + 2 φ * ctf."""
    transfer = optics.contrast_transfer(
        optics.frequency_squared(phase.shape, config.pixel_size_angstrom),
        defocus_micrometer=config.defocus_micrometer,
        voltage_kv=config.voltage_kv,
        spherical_aberration_mm=config.spherical_aberration_mm,
        amplitude_contrast=config.amplitude_contrast,
        b_factor_square_angstrom=config.b_factor_square_angstrom,
    )
    image: NDArray[np.float32] = np.maximum(1 + 2 * optics.filtered(phase, transfer), _DARKEST)
    return image


def _ice(config: SimulationConfig, canvas: tuple[int, int], margin: int) -> NDArray[np.float32]:
    """Return brightness through ice whose thickness slopes and curves over the field, mean 1."""
    rng = random_stream(config, 4)
    heading = rng.uniform(0, 2 * np.pi)
    v = ((np.arange(canvas[0]) - margin) / config.shape[0] - 0.5)[:, None]
    u = ((np.arange(canvas[1]) - margin) / config.shape[1] - 0.5)[None, :]
    slope = np.sin(heading) * v + np.cos(heading) * u
    bowl = (u**2 + v**2 - 1 / 6) * rng.uniform(-1, 1)
    brightness: NDArray[np.float32] = (1 + config.ice_gradient * (slope + bowl)).astype(np.float32)
    return brightness


def _detector(
    config: SimulationConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32] | None, NDArray[np.int64]]:
    """Return the gain reference, or None, and the positions of hot pixels."""
    gain = None
    if config.gain_pattern > 0:
        # Pixels differ, and so do the blocks of columns that one amplifier reads.
        block = np.repeat(rng.standard_normal(-(-config.shape[1] // 256)), 256)[: config.shape[1]]
        pattern = rng.standard_normal(config.shape, dtype=np.float32) + 0.5 * block
        gain = np.exp(config.gain_pattern * pattern / np.sqrt(1.25)).astype(np.float32)
        gain /= gain.mean()
    count = min(config.hot_pixels, config.shape[0] * config.shape[1])
    flat = rng.choice(config.shape[0] * config.shape[1], size=count, replace=False)
    hot = np.stack(np.divmod(np.sort(flat), config.shape[1]), axis=1).astype(np.int64)
    return gain, hot
