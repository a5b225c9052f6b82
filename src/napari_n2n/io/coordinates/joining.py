"""Several tables of one micrograph made one, as pickers and people write a file each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles

_ALIKE = 0.01


def joined_by_micrograph(tables: Sequence[MicrographParticles]) -> list[MicrographParticles]:
    """Join the tables of one micrograph, in the order of the first of each.

    Tables belong together whose names are equal, or one of which has the other's name without
    folder and extension. A particle that stands in two of them, at the very same place, counts
    once: with the label that a person or another program gave it, if one did.

    Raises
    ------
    BadValue
        Two tables of one micrograph differ in its pixel size or shape.
    """
    joined: list[MicrographParticles] = []
    for table in tables:
        place = next((i for i, other in enumerate(joined) if _one_micrograph(table, other)), None)
        if place is None:
            joined.append(table)
        else:
            joined[place] = _joined(joined[place], table)
    return joined


def _one_micrograph(a: MicrographParticles, b: MicrographParticles) -> bool:
    if not a.micrograph or not b.micrograph:
        return False
    return a.micrograph == b.micrograph or (
        a.stem == b.stem and a.stem in (a.micrograph, b.micrograph)
    )


def _joined(a: MicrographParticles, b: MicrographParticles) -> MicrographParticles:
    name = max(a.micrograph, b.micrograph, key=len)
    sizes = [one.pixel_size_angstrom for one in (a, b) if one.pixel_size_angstrom is not None]
    if len(sizes) == 2 and abs(sizes[0] / sizes[1] - 1) > _ALIKE:
        raise BadValue(
            f"Two tables of {name} have pixels of {sizes[0]:.4g} Å and of {sizes[1]:.4g} Å. "
            "Convert them one by one, and scale one of them."
        )
    if a.shape is not None and b.shape is not None and a.shape != b.shape:
        raise BadValue(
            f"Two tables say that {name} has {a.shape[1]} × {a.shape[0]} px and "
            f"{b.shape[1]} × {b.shape[0]} px. Convert them one by one."
        )
    both = a.particles.joined(b.particles)
    # Those with a label first, so that it is theirs that stays.
    order = np.argsort(both.labels == "unlabelled", kind="stable")
    _, first = np.unique(both.centres_px[order], axis=0, return_index=True)
    return replace(
        a,
        particles=both[np.sort(order[first])],
        micrograph=name,
        pixel_size_angstrom=sizes[0] if sizes else None,
        shape=a.shape or b.shape,
        diameter_angstrom=a.diameter_angstrom or b.diameter_angstrom,
    )
