"""STAR files of particles in tomograms, written for RELION 5, RELION 4 or Warp and M.

The conventions are those of `napari_n2n.io.coordinates.tomograms.star`. RELION 5 takes particles
without optics groups as its own picker writes them: it then makes the groups of its list of
tomograms, with voltage and all (``particle_set.cpp: read``); groups without that it refuses later.
So none are written but those that came from a STAR file.

Rows that came from one STAR file, and are written for the same program, keep all their columns.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING, Literal

from napari_n2n.errors import BadValue
from napari_n2n.io.coordinates.columns import score_words
from napari_n2n.io.coordinates.star import CLASS_COMMENT, CLASSES, GIVER_COMMENT, NO_SCORE
from napari_n2n.io.coordinates.tomograms.star import (
    CENTRE,
    CENTRED,
    CLASS,
    MADE_BY,
    MICROGRAPH,
    SCORE,
    SHAPE,
    TILT_PIXEL,
    TOMOGRAM,
    TOMOGRAMS,
    TOMOSTAR,
    VOXEL,
    VOXELS,
)
from napari_n2n.io.outputs import sealed
from napari_n2n.io.star import StarTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.io.coordinates.model import StarRows
    from napari_n2n.io.coordinates.tomograms.model import TomogramParticles

StarProgram = Literal["relion5", "relion4", "warp"]
_VERSIONS = {"relion5": "# version 50001\n", "relion4": "# version 30001\n", "warp": ""}
# Å, or pixels: what is lost by bringing a position to voxels and back.
_SAME = 1e-6


def tomogram_star_text(
    tables: Sequence[TomogramParticles],
    program: StarProgram = "relion5",
    made_by: Mapping[str, str] | None = None,
) -> str:
    """Write a STAR file.

    Parameters
    ----------
    tables
        The tomograms.
    program
        Whose columns.
    made_by
        By tomogram, what picked its particles; it stands where RELION does not read.

    Raises
    ------
    BadValue
        What the program needs is not known: voxel size, shape, tilt series' pixel size.
    """
    rows = kept_rows(tables, program)
    if rows is not None:
        particles, optics = _with_rows(tables, rows, program), rows[0].optics
        labelled = rows[0].labelled
    else:
        particles, optics, labelled = StarTable.of(_columns(tables, program)), None, True
    head = _VERSIONS[program] or "# positions for Warp and M\n"
    head += f"{CLASS_COMMENT}\n" if labelled else ""
    blocks = [] if optics is None else [optics.text("optics")]
    blocks += [particles.text("particles"), _beside(tables, made_by or {}, program)]
    givers = _givers(tables) if labelled else ""
    return sealed("".join([head, *blocks, givers]))


def kept_rows(tables: Sequence[TomogramParticles], program: StarProgram) -> list[StarRows] | None:
    """Return the rows that are written as they stood, if all came from one file of the program."""
    rows = [one.star for one in tables if one.star is not None]
    if len(rows) < len([one for one in tables if len(one.particles)]) or not rows:
        return None
    axes = CENTRED if program == "relion5" else VOXELS
    name = MICROGRAPH if program == "warp" else TOMOGRAM
    fit = all(name in one.table and all(label in one.table for label in axes) for one in rows)
    return rows if fit and len({one.source for one in rows}) == 1 else None


def _with_rows(
    tables: Sequence[TomogramParticles], rows: Sequence[StarRows], program: StarProgram
) -> StarTable:
    axes = CENTRED if program == "relion5" else VOXELS
    name = MICROGRAPH if program == "warp" else TOMOGRAM
    placed: list[tuple[int, str]] = []
    for one in tables:
        if one.star is None:
            continue
        changed: dict[str, list[str]] = {}
        now = _positions(one, program)
        for axis, label in enumerate(axes):
            changed[label] = [
                word if abs(float(word) - place) < _SAME else repr(place)
                for word, place in zip(
                    one.star.table.words(label), now[:, axis].tolist(), strict=True
                )
            ]
        changed[name] = [_named(one, program)] * len(one.star)
        table = one.star.table.with_columns(changed)
        placed += zip(one.star.places.tolist(), table.rows, strict=True)
    placed.sort(key=lambda row: row[0])
    return StarTable(rows[0].table.labels, tuple(line for _, line in placed))


def _columns(tables: Sequence[TomogramParticles], program: StarProgram) -> dict[str, list[str]]:
    axes = CENTRED if program == "relion5" else VOXELS
    name = MICROGRAPH if program == "warp" else TOMOGRAM
    columns: dict[str, list[str]] = {label: [] for label in (name, *axes[::-1], SCORE, CLASS)}
    if program == "warp":
        columns |= {"rlnMagnification": [], "rlnDetectorPixelSize": []}
    for one in tables:
        count = len(one.particles)
        columns[name] += [_named(one, program)] * count
        for axis, label in enumerate(axes):
            columns[label] += map(repr, _positions(one, program)[:, axis].tolist())
        columns[SCORE] += score_words(one.particles, str(NO_SCORE))
        columns[CLASS] += [str(CLASSES[label]) for label in one.particles.labels]
        if program == "warp":
            columns["rlnMagnification"] += ["10000.0"] * count
            columns["rlnDetectorPixelSize"] += [repr(float(_voxel_size(one)))] * count
    return columns


def _named(one: TomogramParticles, program: StarProgram) -> str:
    return one.tomogram + (TOMOSTAR if program == "warp" else "")


def _positions(one: TomogramParticles, program: StarProgram) -> NDArray[np.float64]:
    """(n, 3) z, y, x as the program counts them."""
    if program == "relion5":
        return one.angstrom("centre")
    if program == "warp":
        return one.in_voxels().particles.centres_px
    pixel = one.tilt_series_pixel_size_angstrom
    if pixel is None:
        raise BadValue(
            f"RELION 4 counts in pixels of the tilt series, and their size is not known of "
            f"{one.name}. Give RELION's tomograms.star, or write for RELION 5."
        )
    return one.angstrom("corner") / pixel


def _voxel_size(one: TomogramParticles) -> float:
    if one.voxel_size_angstrom is None:
        raise BadValue(
            f"Warp needs the voxel size of {one.name}, which is not known. Give it, in Å, or give "
            "the tomogram."
        )
    return one.voxel_size_angstrom


def _beside(
    tables: Sequence[TomogramParticles], made_by: Mapping[str, str], program: StarProgram
) -> str:
    """Write what is known of the tomograms, in a block that no other program reads."""
    columns: dict[str, list[str]] = {TOMOGRAM: [one.tomogram for one in tables]}
    if program != "relion4" and any(one.voxel_size_angstrom for one in tables):
        columns[VOXEL] = [repr(float(one.voxel_size_angstrom or 0)) for one in tables]
    if any(one.tilt_series_pixel_size_angstrom for one in tables):
        sizes = [one.tilt_series_pixel_size_angstrom for one in tables]
        columns[TILT_PIXEL] = [repr(float(size or 0)) for size in sizes]
    for axis in range(3):
        if any(one.shape for one in tables):
            columns[SHAPE[axis]] = [str(one.shape[axis] if one.shape else 0) for one in tables]
        if any(one.centre_voxel for one in tables):
            columns[CENTRE[axis]] = [
                repr(float(one.centre_voxel[axis] if one.centre_voxel else 0)) for one in tables
            ]
    if made_by:
        columns[MADE_BY] = [made_by.get(one.tomogram, "None") for one in tables]
    return StarTable.of(columns).text(TOMOGRAMS)


def _givers(tables: Sequence[TomogramParticles]) -> str:
    givers = chain.from_iterable(one.particles.given_by.tolist() for one in tables)
    runs = ", ".join(f"{len([*run])} {who}" for who, run in groupby(givers))
    return f"{GIVER_COMMENT}{runs}\n" if runs else ""
