"""What is found in a tomogram, as beads of protein about an origin, (n, 3) z, y, x in Å.

Beads all stand for the same volume, `BEAD_VOLUME_ANGSTROM3`. Sizes are those of the real thing; the
forms are plain, for at 5 to 20 Å a voxel there is not much more to be seen.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Beads = NDArray[np.float64]

BEAD_VOLUME_ANGSTROM3 = 600.0
# Share of a body's volume that protein takes.
_FILLED = 0.6
# Bilayers scatter by their head groups, two leaflets 40 Å apart, each some 8 Å of protein's worth.
_LEAFLETS_ANGSTROM, _LEAFLET_ANGSTROM = 40.0, 8.0
# Potential of gold over that of protein's surplus over ice: (25 - 5) V to 3.5 V.
_GOLD_POTENTIAL = 6.0


def _count(volume_angstrom3: float, filled: float = _FILLED) -> int:
    return max(1, round(volume_angstrom3 * filled / BEAD_VOLUME_ANGSTROM3))


def _directions(rng: np.random.Generator, count: int) -> Beads:
    drawn = rng.standard_normal((count, 3))
    directions: Beads = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return directions


def globule(rng: np.random.Generator, radius: float) -> Beads:
    """Return a lump of uneven surface without symmetry, as a ribosome."""
    middles = _directions(rng, 12) * radius * rng.uniform(0.3, 0.6, (12, 1))
    count = _count(4 / 3 * np.pi * radius**3)
    beads: Beads = middles[rng.integers(12, size=count)]
    beads = beads + rng.standard_normal((count, 3)) * radius * 0.24
    reach = np.linalg.norm(beads, axis=1)
    within: Beads = beads[reach < radius]
    return within


def shell(rng: np.random.Generator, radius: float) -> Beads:
    """Return a hollow sphere with a wall of 25 to 45 Å, as ferritin or a small capsid."""
    inner = max(radius - rng.uniform(25, 45), 0.3 * radius)
    count = _count(4 / 3 * np.pi * (radius**3 - inner**3))
    at = rng.uniform(inner**3, radius**3, (count, 1)) ** (1 / 3)
    return _directions(rng, count) * at


def barrel(rng: np.random.Generator, radius: float) -> Beads:
    """Return stacked rings about a channel, as a proteasome: ``radius`` reaches to its ends."""
    width = radius * rng.uniform(0.6, 0.75)
    length = 2 * np.sqrt(radius**2 - width**2)
    rings = int(rng.integers(2, 5))
    count = _count(np.pi * width**2 * 0.8 * length)
    along = rng.uniform(-0.5, 0.5, count)
    along = along + 0.1 / rings * np.sin(2 * np.pi * rings * along)
    away = width * np.sqrt(rng.uniform(0.2, 1, count))
    around = rng.uniform(0, 2 * np.pi, count)
    return np.stack([along * length, away * np.sin(around), away * np.cos(around)], axis=1)


def microtubule(rng: np.random.Generator, length: float) -> Beads:
    """Return 13 protofilaments about a lumen, monomers 40 Å apart, along x; 250 Å across."""
    radius, monomer, protofilaments = 112.0, 40.0, 13
    per_monomer = _count(monomer * 50 * 50)
    steps = np.arange(-length / 2, length / 2, monomer)
    along = np.repeat(steps, protofilaments)
    turn = np.tile(2 * np.pi * np.arange(protofilaments) / protofilaments, len(steps))
    rise = np.tile(3 * monomer * np.arange(protofilaments) / protofilaments, len(steps))
    centres = np.stack([radius * np.sin(turn), radius * np.cos(turn), along + rise], axis=1)
    spread = rng.standard_normal((len(centres), per_monomer, 3)) * np.array([11.0, 11.0, 12.0])
    beads: Beads = (centres[:, None] + spread).reshape(-1, 3)
    return beads


def filament(rng: np.random.Generator, length: float) -> Beads:
    """Return actin: subunits 27.5 Å apart, turned by 166°, along x; 70 Å across."""
    rise, turn = 27.5, np.deg2rad(166.4)
    steps = np.arange(-length / 2, length / 2, rise)
    around = turn * np.arange(len(steps))
    centres = np.stack([16 * np.sin(around), 16 * np.cos(around), steps], axis=1)
    per_subunit = _count(42_000 * 1.21, filled=1.0)
    spread = rng.standard_normal((len(centres), per_subunit, 3)) * np.array([14.0, 14.0, 10.0])
    beads: Beads = (centres[:, None] + spread).reshape(-1, 3)
    return beads


def vesicle(rng: np.random.Generator, radius: float) -> Beads:
    """Return a bilayer, round or somewhat flattened, bare or studded with proteins."""
    flattened = np.array([rng.uniform(0.75, 1.0), 1.0, rng.uniform(0.85, 1.0)])
    parts = []
    for leaflet in (radius, radius - _LEAFLETS_ANGSTROM):
        count = _count(4 * np.pi * leaflet**2 * _LEAFLET_ANGSTROM, filled=1.0)
        depth = leaflet + rng.uniform(-0.5, 0.5, (count, 1)) * _LEAFLET_ANGSTROM
        parts.append(_directions(rng, count) * depth * flattened)
    for outward in _directions(rng, int(rng.integers(0, 30))):
        stalk = outward * (radius + 45) * flattened
        parts.append(stalk + rng.standard_normal((_count(100_000 * 1.21, 1.0), 3)) * 17)
    return np.concatenate(parts)


def membrane(rng: np.random.Generator, length: float, depth: float = 1500.0) -> Beads:
    """Return a gently bent sheet of bilayer, ``length`` along x, ``depth`` along z.

    Complexes sit on it on both sides.
    """
    wave, phase = rng.uniform(1000, 3000), rng.uniform(0, 2 * np.pi)

    def bent(x: NDArray[np.float64], z: NDArray[np.float64], above: float) -> Beads:
        y = 60 * np.sin(2 * np.pi * x / wave + phase) + above
        return np.stack([z, y, x], axis=1)

    count = _count(length * depth * _LEAFLET_ANGSTROM, filled=1.0)
    sides = np.array([depth, length])
    parts = []
    for leaflet in (-_LEAFLETS_ANGSTROM / 2, _LEAFLETS_ANGSTROM / 2):
        z, x = (rng.uniform(-0.5, 0.5, (count, 2)) * sides).T
        parts.append(bent(x, z, leaflet))
    per_complex = _count(200_000 * 1.21, filled=1.0)
    z, x = (rng.uniform(-0.5, 0.5, (max(1, round(length / 500)), 2)) * sides).T
    for side in (-60.0, 60.0):
        stalks = np.repeat(bent(x, z, side), per_complex, axis=0)
        parts.append(stalks + rng.standard_normal(stalks.shape) * 22)
    return np.concatenate(parts)


def capsid(rng: np.random.Generator, radius: float) -> Beads:
    """Return a virus: a wall of capsomers, empty or filled with what is packed less densely."""
    wall = rng.uniform(25, 60)
    capsomers = _directions(rng, max(12, round(4 * np.pi * radius**2 / rng.uniform(60, 110) ** 2)))
    count = _count(4 * np.pi * radius**2 * wall)
    spread = rng.standard_normal((count, 3)) * rng.uniform(14, 24)
    at = capsomers[rng.integers(len(capsomers), size=count)] * (radius - wall / 2) + spread
    if rng.random() < 0.5:
        return at
    inner = radius - 1.3 * wall
    within = _count(4 / 3 * np.pi * inner**3, filled=rng.uniform(0.1, 0.35))
    filling = _directions(rng, within) * inner * rng.random((within, 1)) ** (1 / 3)
    return np.concatenate([at, filling])


def ring(rng: np.random.Generator, radius: float) -> Beads:
    """Return subunits around a hole, as AAA proteins, in one or two layers."""
    subunits, layers = int(rng.integers(5, 13)), int(rng.integers(1, 3))
    width = min(0.9 * np.pi * radius / subunits, 0.4 * radius)
    around = 2 * np.pi * np.arange(subunits) / subunits
    flat = np.stack([0 * around, np.sin(around), np.cos(around)], axis=1) * (radius - width)
    lift = np.array([2.0 * width, 0, 0])
    middles = np.concatenate([flat + lift * (i - (layers - 1) / 2) for i in range(layers)])
    count = _count(len(middles) * 4 / 3 * np.pi * width**3)
    spread = rng.standard_normal((count, 3)) * width * 0.45
    return middles[rng.integers(len(middles), size=count)] + spread


def chain(rng: np.random.Generator, radius: float) -> Beads:
    """Return nucleosomes of 110 Å on a string that folds at random within ``radius``."""
    links = max(2, round((radius / 90) ** 2.5))
    middles = np.cumsum(_directions(rng, links) * 140, axis=0)
    middles = middles - middles.mean(axis=0)
    middles = middles * min(1.0, (radius - 50) / max(1.0, np.linalg.norm(middles, axis=1).max()))
    each = _count(200_000 * 1.21, filled=1.0)
    spread = rng.standard_normal((links, each, 3)) * np.array([12.0, 24.0, 24.0])
    beads: Beads = (middles[:, None] + spread).reshape(-1, 3)
    return beads


def rod(rng: np.random.Generator, length: float) -> Beads:
    """Return a helical virus as that of tobacco: 180 Å across, a channel of 40 Å, along x."""
    count = _count(np.pi * (90**2 - 20**2) * length)
    along = rng.uniform(-0.5, 0.5, count) * length
    away = np.sqrt(rng.uniform(20**2, 90**2, count))
    around = rng.uniform(0, 2 * np.pi, count)
    away = away * (1 + 0.06 * np.cos(2 * np.pi * along / 69 + around))  # 69 Å: its repeat
    return np.stack([away * np.sin(around), away * np.cos(around), along], axis=1)


def gold(rng: np.random.Generator, radius: float) -> Beads:
    """Return a fiducial; more beads than protein of its size has, for it scatters more."""
    count = _count(4 / 3 * np.pi * radius**3, filled=_GOLD_POTENTIAL)
    return _directions(rng, count) * radius * rng.random((count, 1)) ** (1 / 3)


Maker = Callable[[np.random.Generator, float], Beads]

PARTICLES: dict[str, tuple[Maker, float, float]] = {
    "ribosome": (globule, 125.0, 0.4),
    "complex": (globule, 75.0, 0.2),
    "shell": (shell, 65.0, 0.2),
    "barrel": (barrel, 85.0, 0.2),
}
"""Kinds of particles, how each is made, its radius in Å and its share of all."""

LONG_ONES: tuple[tuple[Maker, float], ...] = (
    (microtubule, 125.0),
    (filament, 35.0),
    (membrane, 60.0),
)
"""What crosses the field, and its radius in Å."""
