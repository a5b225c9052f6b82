"""The specimen of a tomogram: a slab of ice and what lies in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_n2n.simulation.specimens import random_rotation
from napari_n2n.simulation.tomograms import structures
from napari_n2n.simulation.tomograms.config import TomogramConfig
from napari_n2n.simulation.tomograms.structures import Beads, Maker

# In so much volume there is one particle, on average: 65 of them in 1 x 3.2 x 3.2 kÅ³.
_VOLUME_A_PARTICLE_ANGSTROM3 = 1.5e8
# And on so much area one vesicle, one microtubule, one filament.
_AREA_OF_EACH_ANGSTROM2 = 5e6
_VESICLE_RADII_ANGSTROM = (250.0, 550.0)
_GOLD_RADIUS_ANGSTROM = 50.0
_ATTEMPTS = 200
_ROOM = 1.05  # of their radii, between two


@dataclass(frozen=True)
class Placed:
    """A particle of the specimen.

    Attributes
    ----------
    kind
        A name of `structures.PARTICLES`, or ``gold``.
    centre_angstrom
        z, y, x from the corner of the volume, the middle of its first voxel.
    diameter_angstrom
        Of a sphere that holds it.
    """

    kind: str
    centre_angstrom: tuple[float, float, float]
    diameter_angstrom: float


@dataclass(frozen=True)
class Contents:
    """What is found in the ice.

    Attributes
    ----------
    particles
        Kinds, how each is made, its radius in Å and its share of all.
    vesicles
        Factor on their number.
    long_ones
        What crosses the field, and its radius in Å; of a sheet half its thickness with what sits
        on it.
    """

    particles: Mapping[str, tuple[Maker, float, float]] = field(
        default_factory=lambda: structures.PARTICLES
    )
    vesicles: float = 1.0
    long_ones: tuple[tuple[Maker, float], ...] = structures.LONG_ONES


@dataclass(frozen=True, eq=False)
class FilledIce:
    """Beads, (n, 3) z, y, x in Å from the middle of the volume, and the particles among them."""

    beads: Beads
    placed: list[Placed]


class _Space:
    """Who lies where; along x so far that the widest tilt sees no end of the specimen."""

    def __init__(self, config: TomogramConfig, rng: np.random.Generator) -> None:
        self.rng = rng
        widest = np.deg2rad(config.angles_degree.max())
        depth, height, width = np.array(config.shape) * config.voxel_size_angstrom
        reach = (width / 2 + np.sin(widest) * config.ice_angstrom / 2) / np.cos(widest)
        drift = 4 * config.drift_angstrom
        self.half = np.array([config.ice_angstrom / 2, height / 2 + drift, reach + drift])
        self.inside = np.array([depth, height, width]) / 2
        self._taken = np.empty((0, 4))  # z, y, x, radius

    @property
    def area(self) -> float:
        return float(4 * self.half[1] * self.half[2])

    @property
    def volume(self) -> float:
        return float(8 * np.prod(self.half))

    def spot(self, radius: float) -> NDArray[np.float64] | None:
        """Return a centre where a ball fits into the ice and between the others, and take it."""
        half = self.half.copy()
        half[0] -= radius
        if half[0] <= 0:
            return None
        for _ in range(_ATTEMPTS):
            centre = self.rng.uniform(-half, half)
            gap = np.linalg.norm(self._taken[:, :3] - centre, axis=1) - self._taken[:, 3] * _ROOM
            if (gap > radius * _ROOM).all():
                self.take(centre[None], radius)
                return centre
        return None

    def take(self, centres: Beads, radius: float) -> None:
        balls = np.column_stack([centres, np.full(len(centres), radius)])
        self._taken = np.vstack([self._taken, balls])


def filled_ice(config: TomogramConfig, contents: Contents | None = None) -> FilledIce:
    """Fill the ice: vesicles and membranes, tubes and filaments, gold, particles between them."""
    contents = contents or Contents()
    rng = np.random.default_rng([config.seed, 1])
    space = _Space(config, rng)
    each = max(1, round(space.area / _AREA_OF_EACH_ANGSTROM2))
    beads = [
        *_vesicles(space, round(each * contents.vesicles)),
        *_long_ones(space, each, contents.long_ones),
    ]
    placed: list[Placed] = []
    wanted: list[tuple[str, Maker, float]] = [
        ("gold", structures.gold, _GOLD_RADIUS_ANGSTROM)
    ] * _gold_count(config, space)
    kinds = contents.particles
    count = round(config.crowding * space.volume / _VOLUME_A_PARTICLE_ANGSTROM3)
    shares = [share for _, _, share in kinds.values()]
    for name in rng.choice(list(kinds), size=count, p=shares) if kinds else ():
        make, radius, _ = kinds[str(name)]
        wanted.append((str(name), make, radius))
    for kind, make, radius in wanted:
        centre = space.spot(radius)
        if centre is None:
            continue
        # All of a kind are the same, turned.
        own = np.random.default_rng([config.seed, 2, int(radius)])
        beads.append(make(own, radius) @ random_rotation(rng).T + centre)
        if (np.abs(centre) < space.inside).all():
            corner = centre + space.inside - config.voxel_size_angstrom / 2
            z, y, x = (float(value) for value in corner)
            placed.append(Placed(kind, (z, y, x), 2 * radius))
    return FilledIce(np.concatenate(beads) if beads else np.empty((0, 3)), placed)


def _gold_count(config: TomogramConfig, space: _Space) -> int:
    """Return how many lie in the whole ice if ``gold_beads`` lie in the volume."""
    share = float(space.half[1] * space.half[2] / np.prod(space.inside[1:]))
    return round(config.gold_beads * share)


def _vesicles(space: _Space, count: int) -> list[Beads]:
    made = []
    for _ in range(count):
        low, high = _VESICLE_RADII_ANGSTROM
        radius = space.rng.uniform(low, max(low, min(high, 0.8 * space.half[0])))
        centre = space.spot(radius)
        if centre is not None:
            made.append(structures.vesicle(space.rng, radius) + centre)
    return made


def _long_ones(space: _Space, count: int, kinds: tuple[tuple[Maker, float], ...]) -> list[Beads]:
    """Microtubules, filaments and sheets of membrane, from one side of the field to the other."""
    rng = space.rng
    made = []
    length = 2.2 * float(np.hypot(*space.half[1:]))
    fitting = [kind for kind in kinds if kind[1] < space.half[0]]
    # Half as many: they are long, and cross the whole field.
    for make, radius in fitting * max(1, count // 2):
        middle = rng.uniform(-space.half, space.half) * np.array([0.5, 1, 0.5])
        turn = _across(rng.uniform(0, np.pi), tilt=rng.normal() * 0.03)
        made.append(make(rng, length) @ turn.T + middle)
        steps = np.linspace(-length / 2, length / 2, max(2, int(length / radius)))
        space.take(middle + steps[:, None] * turn[:, 2], radius)
    return [_within(beads, space.half) for beads in made]


def _within(beads: Beads, half: NDArray[np.float64]) -> Beads:
    kept: Beads = beads[(np.abs(beads) < half * np.array([1.0, 1.1, 1.1])).all(axis=1)]
    return kept


def _across(around: float, tilt: float) -> NDArray[np.float64]:
    """Return the rotation (z, y, x) that lays what is along x at an angle in the field."""
    c, s = np.cos(around), np.sin(around)
    plane = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    ct, st = np.cos(tilt), np.sin(tilt)
    rotation: NDArray[np.float64] = plane @ np.array([[ct, 0, st], [0, 1, 0], [-st, 0, ct]])
    return rotation
