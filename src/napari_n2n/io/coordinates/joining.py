"""Several tables of one micrograph made one, as pickers and people write a file each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.coordinates.optics import GROUP, OpticsGroups
from napari_n2n.io.star import StarTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles, StarRows

_ALIKE = 0.01


def joined_by_micrograph(tables: Sequence[MicrographParticles]) -> list[MicrographParticles]:
    """Join the tables of one micrograph, in the order of the first of each.

    Tables belong together whose names are equal, or one of which has the other's name without
    folder and extension. A particle that stands in two of them, at the very same place, counts
    once: with the label that a person or another program gave it, if one did.

    Rows of STAR files are kept, with the columns that both have.

    Raises
    ------
    BadValue
        Two tables of one micrograph differ in its pixel size, shape, direction of rows or optics.
    """
    joined: list[MicrographParticles] = []
    # A night has tens of thousands: only those of one stem, which may be one, are compared.
    places: dict[str, list[int]] = {}
    for table in tables:
        of_stem = places.setdefault(table.stem, [])
        place = next((i for i in of_stem if _one_micrograph(table, joined[i])), None)
        if place is None:
            of_stem.append(len(joined))
            joined.append(table)
        else:
            joined[place] = _joined(joined[place], table)
    return joined


def _one_micrograph(a: MicrographParticles, b: MicrographParticles) -> bool:
    if not a.micrograph or not b.micrograph:
        return False
    if a.micrograph == b.micrograph:
        return True
    # Within one file, names that differ are of different micrographs.
    one_file = a.star is not None and b.star is not None and a.star.source == b.star.source
    return not one_file and (a.stem == b.stem and a.stem in (a.micrograph, b.micrograph))


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
    if a.rows_reversed != b.rows_reversed:
        raise BadValue(
            f"Two tables of {name} count its rows from different ends. Convert them one by one, "
            "and give the micrograph."
        )
    both, rows = a.particles.joined(b.particles), _joined_rows(name, a.star, b.star)
    # Those with a label first, so that it is theirs that stays.
    order = np.argsort(both.labels == "unlabelled", kind="stable")
    _, first = np.unique(both.centres_px[order], axis=0, return_index=True)
    chosen = np.sort(order[first])
    return replace(
        a,
        particles=both[chosen],
        star=None if rows is None else rows.only(chosen),
        micrograph=name,
        pixel_size_angstrom=sizes[0] if sizes else None,
        shape=a.shape or b.shape,
        diameter_angstrom=a.diameter_angstrom or b.diameter_angstrom,
    )


def _joined_rows(name: str, a: StarRows | None, b: StarRows | None) -> StarRows | None:
    """Return the rows of both; None where only one, or neither, came from a STAR file."""
    if a is None or b is None:
        return None
    shared = [label for label in a.table.labels if label in b.table]
    parts = [one.table.without([x for x in one.table.labels if x not in shared]) for one in (a, b)]
    # In the order of the first one's columns.
    second = {label: parts[1].words(label) for label in parts[0].labels}
    table = replace(parts[0], rows=parts[0].rows + StarTable.of(second).rows)
    return replace(
        a,
        table=table,
        optics=_joined_optics(name, a, b),
        labelled=a.labelled and b.labelled,
        places=np.concatenate([a.places, b.places + len(a.table)]),
    )


def _joined_optics(name: str, a: StarRows, b: StarRows) -> StarTable | None:
    """Return the optics groups that the rows of both have; None where neither file has any."""
    if a.optics is None and b.optics is None:
        return None
    groups: dict[str, dict[str, str]] = {}
    named = OpticsGroups()
    for one in (a, b):
        if one.optics is None or GROUP not in one.table or GROUP not in one.optics:
            raise _other_optics(name)
        used = set(one.table.words(GROUP))
        for place, number in enumerate(one.optics.words(GROUP)):
            described = one.optics.row(place)
            if number in used:
                named.number_of(described)  # refuses one name for two
            if number in used and groups.setdefault(number, described) != described:
                raise _other_optics(name)
    if len({tuple(described) for described in groups.values()}) > 1:
        raise _other_optics(name)
    labels = next(iter(groups.values()), {})
    return StarTable.of({x: [described[x] for described in groups.values()] for x in labels})


def _other_optics(name: str) -> BadValue:
    return BadValue(
        f"Two tables of {name} describe its optics differently. Convert them one by one."
    )
