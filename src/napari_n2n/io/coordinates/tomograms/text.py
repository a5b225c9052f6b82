"""What readers of positions in tomograms have in common, and lists of bare numbers.

**.coords**: ``x y z`` in each line, in voxels from 0, the first voxel's centre at (0, 0, 0), as
RELION's *Import* takes such lists (``import_particles.cpp``; more columns may follow) and crYOLO
writes them. IMOD's ``model2point`` puts the centre of the first voxel at (0.5, 0.5, 0): its lists
are half a voxel off in x and y, so convert the model itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import MOST_PX, numbers, read_text
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.particles import Particles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.coordinates.model import StarRows

_FEWEST = 3


def places(
    path: Path, z: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Join three columns to centres.

    Returns
    -------
    (n, 3) z, y, x

    Raises
    ------
    UnreadableFile
        When a position is not a finite number, or absurdly far out.
    """
    centres = np.stack([z, y, x], axis=1)
    with np.errstate(invalid="ignore"):
        good = (np.abs(centres) <= MOST_PX).all(1)
    if not good.all():
        row = int(np.argmin(good))
        raise UnreadableFile(
            path,
            f"gives particle {row + 1} the position x = {x[row]:g}, y = {y[row]:g}, z = {z[row]:g}",
            "Correct or delete that line.",
        )
    return centres


def by_tomogram(
    names: Sequence[str], particles: Particles, star: StarRows | None = None
) -> list[TomogramParticles]:
    """Split the particles of a file by the (n,) names of their tomograms, in their order."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return [
        TomogramParticles(
            particles[np.array(which)], name, star=None if star is None else star.only(which)
        )
        for name, which in rows.items()
    ]


def looks_like_coords(line: str) -> bool:
    """Whether a line could be one of a list of bare positions."""
    words = line.replace(",", " ").split()
    try:
        return len(words) >= _FEWEST and bool(np.isfinite([float(word) for word in words]).all())
    except ValueError:
        return False


def read_coords(path: Path) -> TomogramParticles:
    """Read a list of bare positions.

    Raises
    ------
    UnreadableFile
        When it is torn, or a line holds no three numbers.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip() and line[0] != "#"]
    rows = [line.replace(",", " ").split() for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]) or not looks_like_coords(lines[number - 1]):
            raise UnreadableFile(
                path,
                f"is no list of positions, or torn: line {number} is {lines[number - 1][:40]!r}",
                "Each line needs x, y and z, in voxels.",
            )
    if not rows:
        return TomogramParticles(Particles.none(3))
    x, y, z = (
        numbers(path, column, what)
        for column, what in zip([*zip(*rows, strict=True)][:3], "xyz", strict=True)
    )
    return TomogramParticles(Particles(places(path, z, y, x)))


def coords_text(one: TomogramParticles) -> str:
    """Write a list of bare positions, in voxels."""
    return "".join(f"{x!r} {y!r} {z!r}\n" for z, y, x in one.particles.centres_px.tolist())
