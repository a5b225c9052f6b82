"""Protein models as beads: positions in Å, all of one mass, blurred by the optics.

A bead stands for 279 Da of protein, a turn or so of α-helix. Beads are enough for what a micrograph
shows at the resolutions where one can see anything: shape, size and the gaps between subunits.
"""

from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from napari_n2n.simulation.config import Specimen

Beads = NDArray[np.float64]  # (n, 3) z, y, x in Å

BEAD_MASS_DALTON = 279.0
BEAD_SIGMA_ANGSTROM = 2.8
PROTEIN_ANGSTROM3_PER_DALTON = 1.21

_SHELL_RADII_ANGSTROM = (45.0, 55.0)  # of the helices' axes: walls from 40 to 60 Å
_HELIX_LENGTH_ANGSTROM = 46.0
_HELIX_SPACING_ANGSTROM = 11.0
_BUNDLE_TILT_DEGREE = 57.0  # where the bundles cover the shell most evenly
_FERRITIN_BEADS_PER_HELIX = 18  # 24 x 4 x 18 beads make 480 kDa
_TETRAMER_CENTRE_ANGSTROM = (13.0, 17.0, 20.0)
_ALDOLASE_BEADS_PER_SUBUNIT = 136  # four times 38 kDa


def octahedral_rotations() -> NDArray[np.float64]:
    """Return the 24 rotations of the cube, (24, 3, 3): signed permutations of determinant 1."""
    rotations = []
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        matrix = np.zeros((3, 3))
        matrix[np.arange(3), order] = signs
        if np.linalg.det(matrix) > 0:
            rotations.append(matrix)
    return np.array(rotations)


def dihedral_rotations() -> NDArray[np.float64]:
    """Return the 4 rotations of D2, (4, 3, 3): identity and half turns about three axes."""
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    return np.array([np.diag(row) for row in signs])


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation drawn evenly from all orientations, by a random unit quaternion."""
    w, x, y, z = (q := rng.standard_normal(4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def apoferritin_subunits() -> NDArray[np.float64]:
    """Return the shell as (24, beads, 3): bundles of four helices lying in the wall.

    Outer diameter 120 Å, inner 80 Å. Two bundles lie side by side, antiparallel, about each
    twofold axis, as in ferritin; the helices bend with the wall.
    """
    twofold = np.array([0.0, 1.0, 1.0]) / np.sqrt(2)
    tangents = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, -1.0]) / np.sqrt(2)
    tilt = np.deg2rad(_BUNDLE_TILT_DEGREE)
    along = np.cos(tilt) * tangents[0] + np.sin(tilt) * tangents[1]
    across = -np.sin(tilt) * tangents[0] + np.cos(tilt) * tangents[1]
    arc = np.linspace(-0.5, 0.5, _FERRITIN_BEADS_PER_HELIX) * _HELIX_LENGTH_ANGSTROM
    middle = sum(_SHELL_RADII_ANGSTROM) / 2
    beads = []
    for radius, column in product(_SHELL_RADII_ANGSTROM, (0.55, 1.55)):
        sideways = column * _HELIX_SPACING_ANGSTROM / middle
        # The same angle at both radii, so that the bundle is a wedge that fills the wall.
        angle = arc / middle
        direction = (
            np.cos(sideways) * np.cos(angle)[:, None] * twofold
            + np.sin(sideways) * np.cos(angle)[:, None] * across
            + np.sin(angle)[:, None] * along
        )
        beads.append(radius * direction)
    subunit = np.concatenate(beads)
    return _copies(octahedral_rotations(), subunit)


def aldolase_subunits() -> NDArray[np.float64]:
    """Return the tetramer as (4, beads, 3): TIM barrels of 38 kDa under D2 symmetry."""
    turn = 2 * np.pi * np.arange(8) / 8
    rods = [(15.5, turn, 28.0, 12), (6.5, turn + np.pi / 8, 18.0, 5)]  # helices, strands
    beads = []
    for radius, angles, length, count in rods:
        for angle in angles:
            height = np.linspace(-0.5, 0.5, count) * length
            # Strands and helices of the barrel lean by some 35°.
            lean = angle + height * np.tan(np.deg2rad(35)) / radius * 0.5
            beads.append(np.stack([height, radius * np.sin(lean), radius * np.cos(lean)], axis=1))
    barrel = np.concatenate(beads)[:_ALDOLASE_BEADS_PER_SUBUNIT]
    tip, turned = np.deg2rad(40), np.deg2rad(25)
    tilt = np.array(
        [[np.cos(tip), -np.sin(tip), 0], [np.sin(tip), np.cos(tip), 0], [0, 0, 1]]
    ) @ np.array(
        [[np.cos(turned), 0, -np.sin(turned)], [0, 1, 0], [np.sin(turned), 0, np.cos(turned)]]
    )
    subunit = barrel @ tilt.T + np.array(_TETRAMER_CENTRE_ANGSTROM)
    return _copies(dihedral_rotations(), subunit)


def subunits_of(specimen: Specimen) -> NDArray[np.float64]:
    """Return the intact particle as (subunits, beads, 3) in Å, centred on the origin."""
    return apoferritin_subunits() if specimen == "apoferritin" else aldolase_subunits()


def broken(subunits: NDArray[np.float64], rng: np.random.Generator) -> Beads:
    """Break a particle: an opened shell, a fragment, or two pieces that came apart.

    Subunits that stay together are neighbours: a random direction decides which go first.
    """
    count = len(subunits)
    centres = subunits.mean(axis=1)
    direction = rng.standard_normal(3)
    order = np.argsort(centres @ direction)
    kind = rng.choice(["opened", "fragment", "apart"])
    if kind == "opened":
        kept = subunits[order[: max(1, round(count * rng.uniform(0.5, 0.75)))]]
    elif kind == "fragment":
        kept = subunits[order[: max(1, round(count * rng.uniform(0.15, 0.4)))]]
    else:
        half = order[: count // 2]
        apart = direction / np.linalg.norm(direction) * rng.uniform(15, 35)
        kept = subunits + apart / 2
        # The other half also turns a little, or the crack would be a clean cut.
        turn = _rotation_vector(rng.standard_normal(3) * 0.35)
        kept[half] = subunits[half] @ turn.T - apart / 2
        kept = np.delete(kept, order[-max(1, count // 8) :], axis=0) if count > 4 else kept
    beads = kept.reshape(-1, 3)
    centred: Beads = beads - beads.mean(axis=0)
    return centred


def contaminant(rng: np.random.Generator) -> tuple[Beads, float]:
    """Return beads that fill an uneven blob, and its radius in Å (50 to 130)."""
    radius = float(rng.uniform(50, 130))
    n = round(4 / 3 * np.pi * radius**3 / (BEAD_MASS_DALTON * PROTEIN_ANGSTROM3_PER_DALTON))
    beads = rng.standard_normal((n, 3))
    beads *= radius * rng.random((n, 1)) ** (1 / 3) / np.linalg.norm(beads, axis=1, keepdims=True)
    # A few waves over the surface make it no sphere.
    waves = rng.standard_normal((3, 3)) * 1.5
    phases = rng.uniform(0, 2 * np.pi, 3)
    swell = 1 + 0.12 * np.sin(beads / radius @ waves.T + phases).sum(axis=1, keepdims=True)
    return beads * swell, radius


def _copies(rotations: NDArray[np.float64], subunit: Beads) -> NDArray[np.float64]:
    """Return the subunit turned by each rotation, (rotations, beads, 3)."""
    copies: NDArray[np.float64] = np.einsum("rij,bj->rbi", rotations, subunit)
    return copies


def _rotation_vector(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation by ``|vector|`` radians about ``vector`` (Rodrigues' formula)."""
    angle = np.linalg.norm(vector)
    z, y, x = vector / angle
    cross = np.array([[0, -x, y], [x, 0, -z], [-y, z, 0]])
    rotation: NDArray[np.float64] = (
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    )
    return rotation
