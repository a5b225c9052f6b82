"""STAR files of particles in tomograms: RELION 5, RELION 4, Warp and M, PyTom; read.

**RELION 5.** ``rlnCenteredCoordinateXAngst``, ``…Y…`` and ``…Z…`` are Å from the tomogram's middle,
without any change of sign or order: RELION divides them by the tilt series' pixel size and adds
half the tomogram's size in such pixels, ``rlnTomoSizeX / 2`` (``particle_set.cpp:
getParticleCoordDecenteredPixel``, ``tomogram_set.cpp: loadTomogram``), and counts pixels from 0.
So a voxel i of n, each s Å wide, is (i - n / 2) s: the middle of the tomogram is the centre of
voxel n / 2, not the place between two.

**RELION 4.** ``rlnCoordinateX``, ``…Y`` and ``…Z`` are pixels of the *tilt series*
(``rlnTomoTiltSeriesPixelSize``), from 0, whatever the tomogram was binned to.

**Warp, M, PyTom.** The same columns in pixels of ``rlnDetectorPixelSize`` / ``rlnMagnification``,
or of ``rlnDetectorPixelSize`` alone (Å then); Warp calls the tomogram ``NAME.tomostar``.

What a refinement shifted (``rlnOriginXAngst``) is left alone, as for micrographs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.model import StarRows
from napari_n2n.io.coordinates.star import (
    CLASS_COMMENT,
    NO_SCORE,
    givers_in,
    labels_of_classes,
    size_of,
)
from napari_n2n.io.coordinates.text import as_scores, givers_of, numbers, parsing, read_text
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.coordinates.tomograms.text import by_tomogram, places
from napari_n2n.io.particles import Particles
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.star import StarTable, blocks_of, version_of

if TYPE_CHECKING:
    from pathlib import Path

CENTRED = tuple(f"rlnCenteredCoordinate{axis}Angst" for axis in "ZYX")
VOXELS = tuple(f"rlnCoordinate{axis}" for axis in "ZYX")
TOMOGRAM, MICROGRAPH = "rlnTomoName", "rlnMicrographName"
TILT_PIXEL = "rlnTomoTiltSeriesPixelSize"
GROUP = "rlnOpticsGroup"
SCORE, CLASS = "rlnAutopickFigureOfMerit", "rlnClassNumber"
TOMOSTAR = ".tomostar"

TOMOGRAMS = "tomograms"
"""The block in which files of this program tell of tomograms; RELION reads the first one only."""
VOXEL = "napariN2nVoxelSize"
SHAPE = tuple(f"napariN2nSize{axis}" for axis in "ZYX")
CENTRE = tuple(f"napariN2nCentre{axis}" for axis in "ZYX")
MADE_BY = "napariN2nPickedBy"
"""What picked them, and how: see `napari_n2n.workflow.pick_volumes`."""


def particles_in(blocks: dict[str, StarTable]) -> StarTable | None:
    """Return the block of particles in tomograms, if there is one."""
    for name in ("particles", *blocks):
        table = blocks.get(name)
        if table is not None and (_all_in(CENTRED, table) or _is_deep(table)):
            return table
    return None


def _all_in(labels: tuple[str, ...], table: StarTable) -> bool:
    return all(label in table for label in labels)


def _is_deep(table: StarTable) -> bool:
    """Whether the rows have a z that means something: programs write 0 of micrographs."""
    if not _all_in(VOXELS, table):
        return False
    names = table.words(MICROGRAPH)[:1] if MICROGRAPH in table else []
    is_named = TOMOGRAM in table or any(name.endswith(TOMOSTAR) for name in names)
    return is_named or len({*table.words(VOXELS[0])}) > 1


def read_tomogram_star(path: Path) -> list[TomogramParticles]:
    """Read a STAR file of particles in tomograms.

    Raises
    ------
    UnreadableFile
        When it is torn, damaged, or holds none.
    """
    text = read_text(path)
    with parsing(path, "a STAR file"):
        blocks = blocks_of(path, text)
    table = particles_in(blocks)
    if table is None:
        raise UnreadableFile(
            path,
            "holds no particles in tomograms: it has neither rlnCenteredCoordinateXAngst, Y and Z "
            "nor rlnCoordinateX, Y and Z",
            "Give a STAR file of RELION 5 or 4, Warp or M.",
        )
    labelled = CLASS_COMMENT in text and CLASS in table
    rows = StarRows(table, blocks.get("optics"), version_of(text), labelled, str(path))
    is_centred = _all_in(CENTRED, table)
    particles = _particles(path, text, rows, CENTRED if is_centred else VOXELS)
    told = _Told(rows, blocks.get(TOMOGRAMS))
    names = told.names
    found = by_tomogram(names, particles, rows) if names else []
    with_particles = {one.tomogram for one in found}
    found += [
        TomogramParticles(Particles.none(3), name)
        for name in told.listed
        if name not in with_particles
    ]
    return [told.of(one, is_centred) for one in found or [TomogramParticles(Particles.none(3))]]


def _particles(path: Path, text: str, rows: StarRows, axes: tuple[str, ...]) -> Particles:
    table, count = rows.table, len(rows.table)
    centres = places(path, *(numbers(path, table.words(label), label) for label in axes))
    scores = np.full(count, np.nan)
    if SCORE in table:
        scores = numbers(path, table.words(SCORE), SCORE)
        scores[scores == NO_SCORE] = np.nan
    labels = labels_of_classes(path, table) if rows.labelled else np.full(count, "unlabelled")
    givers = givers_in(text, count)
    return Particles(
        centres, labels, as_scores(path, scores), givers_of(labels) if givers is None else givers
    )


class _Told:
    """What a file tells of its tomograms, in their rows, their optics groups and beside them."""

    def __init__(self, rows: StarRows, beside: StarTable | None) -> None:
        self._rows = rows
        table = rows.table
        self._groups = table.words(GROUP) if GROUP in table else []
        optics = rows.optics
        described = [] if optics is None else [optics.row(i) for i in range(len(optics))]
        self._optics = {row.get(GROUP, ""): row for row in described}
        known = [] if beside is None else [beside.row(i) for i in range(len(beside))]
        self._beside = {row.get(TOMOGRAM, ""): row for row in known}

    @property
    def listed(self) -> list[str]:
        """The tomograms that the file names beside its particles."""
        return [*self._beside]

    @property
    def names(self) -> list[str]:
        table = self._rows.table
        label = next((name for name in (TOMOGRAM, MICROGRAPH) if name in table), None)
        if label is None:
            return [""] * len(table)
        return [name.removesuffix(TOMOSTAR) for name in table.words(label)]

    def of(self, one: TomogramParticles, is_centred: bool) -> TomogramParticles:
        """Complete what is known of a tomogram, and bring its particles to voxels if possible."""
        beside = self._beside.get(one.tomogram, {})
        row = one.star.table.row(0) if one.star is not None and len(one.star) else {}
        group = self._optics.get(row.get(GROUP, ""), {})
        if not group and len(self._optics) == 1:
            (group,) = self._optics.values()
        own = {**group, **row}
        tilt = _length(own, TILT_PIXEL) or _length(beside, TILT_PIXEL)
        voxel = _length(beside, VOXEL)
        one = replace(one, tilt_series_pixel_size_angstrom=tilt)
        if is_centred:
            shape, centre = _triple(beside, SHAPE), _triple(beside, CENTRE)
            one = replace(
                one,
                angstrom_from="centre",
                voxel_size_angstrom=voxel,
                shape=shape and (round(shape[0]), round(shape[1]), round(shape[2])),
                centre_voxel=centre,
            )
            return one.in_voxels() if one.is_placed else one
        counted = _length(own, TILT_PIXEL) or _counted_in(own) or tilt or voxel
        return replace(one, voxel_size_angstrom=counted)


def _counted_in(row: dict[str, str]) -> float | None:
    """Return the size (Å) of the pixels that Warp, M or PyTom count in."""
    size = size_of({label: word for label, word in row.items() if label != "rlnImageName"})
    alone = "rlnMagnification" not in row
    return _length(row, "rlnDetectorPixelSize") if size is None and alone else size


def _length(row: dict[str, str], label: str) -> float | None:
    try:
        size = float(row.get(label, "nan"))
    except ValueError:
        return None
    return size if is_plausible(size) else None


def _triple(row: dict[str, str], labels: tuple[str, ...]) -> tuple[float, float, float] | None:
    try:
        z, y, x = (float(row[label]) for label in labels)
    except (KeyError, ValueError):
        return None
    return (z, y, x) if np.isfinite([z, y, x]).all() and min(z, y, x) > 0 else None


def made_by(text: str) -> dict[str, str]:
    """Return what picked the particles of each tomogram, as a file of this program tells."""
    found = re.search(rf"^data_{TOMOGRAMS}\b", text, re.MULTILINE)
    if found is None:
        return {}
    from pathlib import Path

    table = blocks_of(Path(), text[found.start() :]).get(TOMOGRAMS)
    if table is None or MADE_BY not in table or TOMOGRAM not in table:
        return {}
    return dict(zip(table.words(TOMOGRAM), table.words(MADE_BY), strict=True))
