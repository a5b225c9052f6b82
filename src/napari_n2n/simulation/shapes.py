"""Random specimens: what a model meant for any specimen is trained on.

Each shape is (n, 3) z, y, x in Å, centred on the origin, of beads that all stand for the same
volume of protein. None of them is a particular protein, and neither of the two specimens that
movies are simulated of is among them.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_n2n.simulation.specimens import random_rotation

Beads = NDArray[np.float64]  # (n, 3) z, y, x in Å
Shape = Literal["shell", "multimer", "rod", "globule", "ring"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

_MOST_BEADS = 2400


@dataclass(frozen=True)
class RandomSpecimen:
    """A particle nobody has seen.

    Attributes
    ----------
    beads
        (n, 3) z, y, x in Å.
    bead_volume_angstrom3
        What one bead stands for.
    diameter_angstrom
        Of the smallest sphere about the origin that holds all beads.
    """

    beads: Beads
    bead_volume_angstrom3: float
    diameter_angstrom: float


def random_specimen(rng: np.random.Generator, diameter_angstrom: float) -> RandomSpecimen:
    """Return a particle of one of `SHAPES`, ``diameter_angstrom`` at its widest."""
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    beads, volume = _MAKERS[shape](rng, diameter_angstrom / 2)
    beads = beads - beads.mean(axis=0)
    reach = float(np.linalg.norm(beads, axis=1).max())
    factor = diameter_angstrom / 2 / reach
    return RandomSpecimen(beads * factor, volume * factor**3 / len(beads), diameter_angstrom)


def in_pieces(specimen: RandomSpecimen, rng: np.random.Generator) -> Beads:
    """Return a part of the particle: what is left of it beyond a plane."""
    heights = specimen.beads @ rng.standard_normal(3)
    return specimen.beads[heights > np.quantile(heights, rng.uniform(0.2, 0.7))]


def _subunit(rng: np.random.Generator, radius: float, count: int) -> Beads:
    """Return a lump of protein: a walk that keeps turning back to the middle."""
    steps = rng.standard_normal((count, 3))
    walk = np.zeros((count, 3))
    at = np.zeros(3)
    pull = rng.uniform(0.05, 0.25)
    for i, step in enumerate(steps):
        at = at * (1 - pull) + step
        walk[i] = at
    walk *= rng.uniform(0.6, 1.0, 3)  # no lump is a ball
    lump: Beads = walk * (radius / np.quantile(np.linalg.norm(walk, axis=1), 0.95))
    return lump


def _placed(subunit: Beads, rotations: Beads, centre: Beads) -> Beads:
    """Return copies of ``subunit`` that lies at ``centre``, turned by each of ``rotations``."""
    copies: Beads = np.einsum("rij,bj->rbi", rotations, subunit + centre).reshape(-1, 3)
    return copies


def _cyclic(order: int) -> NDArray[np.float64]:
    angles = 2 * np.pi * np.arange(order) / order
    turns = np.zeros((order, 3, 3))
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = turns[:, 2, 2] = np.cos(angles)
    turns[:, 1, 2], turns[:, 2, 1] = -np.sin(angles), np.sin(angles)
    return turns


def _shell(rng: np.random.Generator, radius: float) -> tuple[Beads, float]:
    """Capsids, cages: lumps spread evenly over a sphere, closed or full of holes."""
    count = int(rng.integers(12, 61))
    index = np.arange(count) + 0.5
    polar, around = np.arccos(1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    outward = np.stack(
        [np.cos(polar), np.sin(polar) * np.sin(around), np.sin(polar) * np.cos(around)], axis=1
    )
    wall = radius * rng.uniform(0.12, 0.35)
    size = min(2 * radius / count**0.5 * rng.uniform(0.7, 1.1), 1.5 * wall)
    lump = _subunit(rng, size, _MOST_BEADS // count)
    beads = np.concatenate([lump @ random_rotation(rng).T + (radius - wall) * n for n in outward])
    return beads, count * _ball(size) * rng.uniform(0.4, 0.8)


def _multimer(rng: np.random.Generator, radius: float) -> tuple[Beads, float]:
    """Two to twelve equal lumps about an axis, in one layer or two."""
    order = int(rng.integers(2, 7))
    layers = int(rng.integers(1, 3))
    size = radius * rng.uniform(0.35, 0.6)
    turns = _cyclic(order)
    if layers == 2:
        flip = np.diag([-1.0, -1.0, 1.0])
        turns = np.concatenate([turns, turns @ flip])
    lump = _subunit(rng, size, _MOST_BEADS // len(turns))
    centre = np.array([rng.uniform(0, 0.6), 0.0, rng.uniform(0.4, 0.9)]) * radius
    return _placed(lump, turns, centre), len(turns) * _ball(size) * rng.uniform(0.4, 0.8)


def _rod(rng: np.random.Generator, radius: float) -> tuple[Beads, float]:
    """Rings stacked along an axis, as a proteasome or a short helix."""
    length, width = 2 * radius, radius * rng.uniform(0.3, 0.7)
    layers = int(rng.integers(3, 8))
    order = int(rng.integers(1, 8))
    size = min(length / layers * 0.6, width * 0.7)
    lump = _subunit(rng, size, max(8, _MOST_BEADS // (layers * order)))
    twist = rng.uniform(0, np.pi)
    parts = []
    for layer in range(layers):
        angle = twist * layer
        turn = np.array(
            [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
        )
        height = (layer / (layers - 1) - 0.5) * length
        centre = np.array([height, 0.0, width - size / 2])
        parts.append(_placed(lump, turn @ _cyclic(order), centre))
    return np.concatenate(parts), layers * order * _ball(size) * rng.uniform(0.4, 0.8)


def _globule(rng: np.random.Generator, radius: float) -> tuple[Beads, float]:
    """One to six unequal lumps without any symmetry."""
    count = int(rng.integers(1, 7))
    sizes = radius * rng.uniform(0.3, 0.7, count)
    parts = [
        _subunit(rng, size, _MOST_BEADS // count) + rng.standard_normal(3) * radius * 0.4
        for size in sizes
    ]
    return np.concatenate(parts), float(sum(_ball(size) for size in sizes)) * 0.6


def _ring(rng: np.random.Generator, radius: float) -> tuple[Beads, float]:
    """Five to sixteen lumps in a circle."""
    order = int(rng.integers(5, 17))
    size = radius * np.sin(np.pi / order) * rng.uniform(0.7, 1.1)
    lump = _subunit(rng, size, _MOST_BEADS // order)
    centre = np.array([0.0, 0.0, radius - size])
    return _placed(lump, _cyclic(order), centre), order * _ball(size) * rng.uniform(0.5, 0.9)


def _ball(radius: float) -> float:
    return float(4 / 3 * np.pi * radius**3)


_MAKERS = {
    "shell": _shell,
    "multimer": _multimer,
    "rod": _rod,
    "globule": _globule,
    "ring": _ring,
}
