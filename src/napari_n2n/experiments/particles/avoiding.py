"""Contamination found, against a mask made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io import read_micrograph
from napari_n2n.particles import find_contamination

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class AvoidanceScore:
    """How an area found agrees with the true one: shares of pixels, 0 to 1."""

    intersection_over_union: float
    precision: float
    recall: float


def compare_masks(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> AvoidanceScore:
    """Compare two masks of one shape (y, x); where both are empty all shares are 1."""
    both, either = np.count_nonzero(found & true), np.count_nonzero(found | true)
    n_found, n_true = np.count_nonzero(found), np.count_nonzero(true)
    return AvoidanceScore(
        both / either if either else 1.0,
        both / n_found if n_found else 1.0,
        both / n_true if n_true else 1.0,
    )


def avoided_on(image: Path, mask: Path, diameter_px: float) -> AvoidanceScore:
    """Find contamination on ``image`` and compare it with the file ``mask`` (probabilities)."""
    found = find_contamination(read_micrograph(image).pixels, 1.0, diameter_angstrom=diameter_px)
    return compare_masks(found, read_micrograph(mask).pixels > 0.5)
