"""Random fields of any specimen, straight at the pixel size a denoiser works at.

A denoiser that is to help before any training must have seen what nobody can foresee. These
fields differ in everything a micrograph can differ in: shapes, sizes and crowding of particles,
filaments and vesicles, contrast, defocus, ice, carbon and dirt. They hold no noise: how many
electrons there were is decided when they are used (see `napari_n2n.denoising.training.general`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_n2n.simulation import optics
from napari_n2n.simulation.shapes import in_pieces, random_specimen
from napari_n2n.simulation.specimens import BEAD_SIGMA_ANGSTROM, contaminant, random_rotation

Field = NDArray[np.float32]
Points = NDArray[np.float64]

_PROTEIN_VOLT = 3.5  # over that of the ice it displaces, see scene.py
_CARBON_VOLT = 8.0
_DARKEST = 0.05
_MARGIN_PX = 64
_LIPID_ANGSTROM3 = 120.0


@dataclass(frozen=True)
class RandomField:
    """A field without noise.

    Attributes
    ----------
    brightness
        (y, x) expected electrons relative to the open field: about 1.
    pixel_size_angstrom
        Of a pixel.
    """

    brightness: Field
    pixel_size_angstrom: float


FIELD_SIDE = 512
"""Side of a random field in px, unless another is asked for."""


def seeded_field(seed: tuple[int, ...]) -> RandomField:
    """Return the field that belongs to ``seed``: for processes that share the work."""
    return random_field(np.random.default_rng(seed))


def random_field(rng: np.random.Generator, side: int = FIELD_SIDE) -> RandomField:
    """Return a field of ``side`` × ``side`` px whose content is left to chance.

    Pixel sizes are spread about the 4 Å that the general model works at (3 to 7 Å), so that one
    model serves particles of very different size.
    """
    pixel = float(np.exp(rng.uniform(np.log(3.0), np.log(7.0))))
    length = int(fft.next_fast_len(side + 2 * _MARGIN_PX, real=True))
    canvas = _Canvas(rng, length, pixel)
    kind = rng.choice(
        ["particles", "two kinds", "filaments", "vesicles", "empty"],
        p=[0.62, 0.1, 0.1, 0.1, 0.08],
    )
    if kind in ("particles", "two kinds"):
        for _ in range(1 if kind == "particles" else 2):
            canvas.add_particles()
    elif kind == "filaments":
        canvas.add_filaments()
    elif kind == "vesicles":
        canvas.add_vesicles()
    if rng.random() < 0.2:
        canvas.add_dirt()
    if rng.random() < 0.7:
        canvas.add_amorphous()
    if rng.random() < 0.1:
        canvas.add_carbon()
    image = canvas.image()
    cut = slice(_MARGIN_PX, _MARGIN_PX + side)
    return RandomField(np.ascontiguousarray(image[cut, cut]), pixel)


class _Canvas:
    """A field that is being filled: phase shift (rad), absorption and ice on one grid."""

    def __init__(self, rng: np.random.Generator, length: int, pixel: float) -> None:
        self._rng = rng
        self._length = length
        self._pixel = pixel
        self._voltage = float(rng.choice([200.0, 300.0], p=[0.3, 0.7]))
        self._strength = _PROTEIN_VOLT * optics.interaction_rad_per_volt_angstrom(self._voltage)
        self._strength *= float(np.exp(rng.uniform(np.log(0.5), np.log(1.8))))
        self._k2 = optics.frequency_squared((length, length), pixel)
        self._soft = np.exp(-2 * np.pi**2 * BEAD_SIGMA_ANGSTROM**2 * self._k2)
        self._phase = np.zeros((length, length), np.float32)
        self._transmission = np.ones((length, length), np.float32)

    def add_particles(self) -> None:
        """Scatter copies of one random particle, some broken, in random orientations."""
        rng = self._rng
        diameter = float(np.exp(rng.uniform(np.log(70.0), np.log(320.0))))
        specimen = random_specimen(rng, diameter)
        spots = self._spots(diameter, rng.uniform(0.04, 0.5))
        broken_share = rng.uniform(0, 0.4)
        whole, points = [], []
        for spot in spots:
            if rng.random() < broken_share:
                beads = in_pieces(specimen, rng)
                points.append(self._turned(beads, spot))
            else:
                whole.append(spot)
        points += [self._turned(specimen.beads, spot) for spot in whole]
        self._deposit(points, specimen.bead_volume_angstrom3)

    def add_filaments(self) -> None:
        """Lay long, gently bent tubes, bundles or threads across the field."""
        rng = self._rng
        width = float(np.exp(rng.uniform(np.log(25.0), np.log(260.0))))
        hollow = rng.uniform(0, 0.75)
        pitch = rng.uniform(20.0, 60.0)
        extent = self._length * self._pixel
        points = []
        for _ in range(int(rng.integers(1, 9))):
            count = int(min(40_000, extent * width * 0.15))
            along = np.sort(rng.uniform(-0.75, 0.75, count)) * extent
            # Beads cluster on a helix, as subunits do.
            around = rng.uniform(0, 2 * np.pi, count)
            along += 0.25 * pitch * np.sin(around + 2 * np.pi * along / pitch)
            radius = width / 2 * np.sqrt(rng.uniform(hollow**2, 1, count))
            bend = rng.normal(0, 0.08) * along**2 / extent
            line = np.stack([radius * np.cos(around) + bend, along], axis=1)
            angle = rng.uniform(0, np.pi)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            points.append(line @ turn.T / self._pixel + rng.random(2) * self._length)
            volume = np.pi / 4 * width**2 * (1 - hollow**2) * 1.5 * extent / count * 0.6
        self._deposit(points, float(volume))

    def add_vesicles(self) -> None:
        """Scatter hollow spheres with a double wall, some with lumps of protein on them."""
        rng = self._rng
        points, lumps = [], []
        for _ in range(int(rng.integers(1, 14))):
            radius = float(np.exp(rng.uniform(np.log(120.0), np.log(900.0))))
            count = int(min(60_000, 4 * np.pi * radius**2 / 25))
            outward = rng.standard_normal((count, 3))
            outward /= np.linalg.norm(outward, axis=1, keepdims=True)
            leaflet = np.where(rng.random(count) < 0.5, -18.0, 18.0) + rng.normal(0, 4, count)
            spot = rng.random(2) * self._length
            points.append((outward * (radius + leaflet)[:, None])[:, 1:] / self._pixel + spot)
            size = rng.uniform(20, 45)
            for direction in outward[: int(rng.integers(0, 60))]:
                beads = rng.normal(0, size / 2.5, (60, 3)) + direction * (radius + size)
                lumps.append(beads[:, 1:] / self._pixel + spot)
        self._deposit(points, 4 * _LIPID_ANGSTROM3)
        if lumps:
            self._deposit(lumps, 900.0)

    def add_dirt(self) -> None:
        """Drop a few thick dark blobs, and now and then a gold bead."""
        rng = self._rng
        points = []
        for _ in range(int(rng.integers(1, 5))):
            beads, _ = contaminant(rng)
            beads = beads[:: max(1, len(beads) // 20_000)] * rng.uniform(0.7, 4.0)
            points.append(self._turned(beads, rng.random(2) * self._length))
        dirty = self._thickness(points, 330.0 * rng.uniform(1, 20))
        self._phase += dirty * np.float32(self._strength)
        self._transmission *= np.exp(-np.maximum(dirty, 0) / rng.uniform(400, 2000))

    def add_amorphous(self) -> None:
        """Add what is no particle but is there in both halves: ice, loose protein, its crumbs."""
        rng = self._rng
        coarseness = float(np.exp(rng.uniform(np.log(1.5), np.log(60.0))))
        texture = self._texture(np.exp(-2 * np.pi**2 * coarseness**2 * self._k2))
        self._phase += texture * np.float32(np.exp(rng.uniform(np.log(0.003), np.log(0.06))))

    def add_carbon(self) -> None:
        """Cover one side of the field with carbon film, grainy and darker."""
        rng = self._rng
        y, x = np.mgrid[: self._length, : self._length] / self._length - 0.5
        angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.4)
        across = np.sin(angle) * y + np.cos(angle) * x + bend * (np.cos(angle) * y) ** 2
        edge = rng.uniform(-0.3, 0.4)
        film = 1 / (1 + np.exp(np.clip((edge - across) * self._length / 4, -50, 50)))
        grain = self._texture(np.exp(-2 * np.pi**2 * 4.0**2 * self._k2))
        thickness = film * rng.uniform(80, 400)
        shift = thickness * _CARBON_VOLT / _PROTEIN_VOLT * self._strength
        self._phase += (shift * (1 + 0.15 * grain)).astype(np.float32)
        self._transmission *= np.exp(-thickness / 2500).astype(np.float32)

    def image(self) -> Field:
        """Return what the microscope shows of it, (y, x) relative to the open field."""
        rng = self._rng
        transfer = optics.contrast_transfer(
            self._k2,
            defocus_micrometer=float(rng.uniform(0.3, 3.5)),
            voltage_kv=self._voltage,
            spherical_aberration_mm=2.7,
            amplitude_contrast=float(rng.uniform(0.05, 0.12)),
            b_factor_square_angstrom=float(rng.uniform(20, 200)),
        )
        image = np.maximum(1 + 2 * optics.filtered(self._phase, transfer), _DARKEST)
        return (image * self._transmission * self._ice()).astype(np.float32)

    def _ice(self) -> Field:
        """Brightness through ice whose thickness slopes and wavers, mean about 1."""
        rng = self._rng
        slope = np.linspace(-0.5, 0.5, self._length)
        y, x = rng.normal(0, 0.02, 2)
        steepness = rng.uniform(1.0, 1.9)  # of the amplitude spectrum
        waves = self._texture((self._k2 + 1e-9) ** (-steepness / 2))
        waves *= np.exp(rng.uniform(np.log(0.0005), np.log(0.015)))
        ice: Field = 1 + y * slope[:, None] + x * slope[None, :] + waves
        return np.maximum(ice, 0.2)

    def _texture(self, spectrum: NDArray[np.floating]) -> Field:
        """Return random waves of that amplitude spectrum, mean 0 and deviation 1."""
        white = self._rng.standard_normal((self._length, self._length), dtype=np.float32)
        spectrum = spectrum.copy()
        spectrum[0, 0] = 0
        waves = optics.filtered(white, spectrum.astype(np.float32))
        return waves / max(float(waves.std()), 1e-12)

    def _spots(self, diameter: float, cover: float) -> Points:
        """Throw darts, (n, 2) y, x in px, until ``cover`` of the field is full or tired."""
        rng = self._rng
        wanted = round(cover * (self._length * self._pixel) ** 2 / (np.pi / 4 * diameter**2))
        apart = diameter / self._pixel * rng.uniform(0.75, 1.05)
        spots = np.empty((0, 2))
        for _ in range(4 * wanted):
            spot = rng.random(2) * self._length
            if len(spots) == 0 or ((spots - spot) ** 2).sum(axis=1).min() > apart**2:
                spots = np.vstack([spots, spot])
            if len(spots) == min(wanted, 400):
                break
        return spots

    def _turned(self, beads: Points, spot: Points) -> Points:
        turned: Points = (beads @ random_rotation(self._rng).T)[:, 1:] / self._pixel + spot
        return turned

    def _deposit(self, points: list[Points], bead_volume_angstrom3: float) -> None:
        self._phase += self._thickness(points, bead_volume_angstrom3) * np.float32(self._strength)

    def _thickness(self, points: list[Points], bead_volume_angstrom3: float) -> Field:
        """Return the projected thickness in Å of beads at ``points`` (n, 2) px."""
        if not points:
            return np.zeros_like(self._phase)
        deposited = optics.deposit(np.concatenate(points), (self._length, self._length))
        return optics.filtered(deposited, self._soft) * np.float32(
            bead_volume_angstrom3 / self._pixel**2
        )
