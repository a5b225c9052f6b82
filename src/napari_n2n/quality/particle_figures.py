"""What the particles of a micrograph tell: how many, how dense, how even, how many broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_FEWEST_FOR_EVENNESS = 10
_ANGSTROM_PER_MICROMETRE = 1e4


def particle_figures(
    centres_px: ArrayLike,
    labels: ArrayLike,
    shape: tuple[int, int],
    pixel_size_angstrom: float | None,
) -> dict[str, float]:
    """Return what the particles tell, see `FIGURES`; contaminants do not count.

    Parameters
    ----------
    centres_px
        (n, 2) y, x.
    labels
        (n,) of ``intact``, ``broken``, ``contaminant``, ``unlabelled``.
    shape
        (y, x) of the micrograph in px.
    pixel_size_angstrom
        Of the micrograph. None: no density.

    Returns
    -------
    ``particles``; ``particles_per_square_micrometre`` where the pixel size is known;
    ``particle_evenness`` of ten particles or more; ``broken_percent`` where any has been labelled
    intact or broken.
    """
    given = np.asarray(labels, np.str_).reshape(-1)
    is_particle = given != "contaminant"
    centres = np.asarray(centres_px, np.float64).reshape(-1, 2)[is_particle]
    figures = {"particles": float(len(centres))}
    if pixel_size_angstrom:
        area = shape[0] * shape[1] * (pixel_size_angstrom / _ANGSTROM_PER_MICROMETRE) ** 2
        figures["particles_per_square_micrometre"] = len(centres) / area
    if len(centres) >= _FEWEST_FOR_EVENNESS:
        figures["particle_evenness"] = nearest_neighbour_index(centres, shape)
    intact, broken = (int(np.count_nonzero(given == label)) for label in ("intact", "broken"))
    if intact + broken:
        figures["broken_percent"] = 100 * broken / (intact + broken)
    return figures


def nearest_neighbour_index(centres_px: ArrayLike, shape: tuple[int, int]) -> float:
    """Return the nearest-neighbour index of n ≥ 2 points in a field.

    It is their mean distance to the nearest neighbour over that of as many random points,
    0.5 √(A/n) (Clark and Evans 1954, Ecology 35:445). Points at a border may have had a nearer
    neighbour beyond it; Donnelly (1978, in Hodder: Simulation studies in archaeology) corrects the
    random points' mean for it by (0.0514 + 0.041/√n) L/n, L being the field's circumference.

    Parameters
    ----------
    centres_px
        (n, 2) y, x.
    shape
        (y, x) of the field in px.
    """
    centres = np.asarray(centres_px, np.float64)
    n = len(centres)
    distances = KDTree(centres).query(centres, k=2)[0][:, 1]
    area, around = shape[0] * shape[1], 2 * (shape[0] + shape[1])
    random = 0.5 * np.sqrt(area / n) + (0.0514 + 0.041 / np.sqrt(n)) * around / n
    return float(distances.mean() / random)
