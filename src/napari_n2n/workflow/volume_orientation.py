"""How the axes of another program's volume lie, told by comparing it with ours.

Ours have the axes z, y, x. Others may be turned round in z, or have the axes y, z, x, as AreTomo
and IMOD make them unless they are asked to turn them. Positions agree only between volumes that lie
alike.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_n2n.errors import N2NError
from napari_n2n.io import Volume, open_volume

Voxels = NDArray[np.float32]

_SECTIONS = 7
# Coarse enough that noise does not hide what is alike.
_COMPARED_ANGSTROM = 40.0
_ALIKE = 0.15
_AS_LARGE = 0.03


@dataclass(frozen=True)
class Orientation:
    """Of a volume: whether its sections are those along y, and whether z is turned round."""

    is_xzy: bool = False
    is_turned: bool = False

    def of(self, voxels: Voxels) -> Voxels:
        """Return voxels (z, y, x), as a volume of this orientation has them; a view."""
        turned = voxels[::-1] if self.is_turned else voxels
        return turned.swapaxes(0, 1) if self.is_xzy else turned


def orientation_like(
    path: Path, halves: Voxels, voxel_size_angstrom: float, program: str
) -> tuple[Orientation, str]:
    """Return the orientation of the volume ``path``, and a sentence for the user if there is one.

    Parameters
    ----------
    path
        What another program has made of the same tilt series.
    halves
        (2, z, y, x), ours.
    voxel_size_angstrom
        Of ours.
    program
        Whose volume it is, for people.
    """
    try:
        volume = open_volume(path, kind="volume")
    except N2NError as problem:
        return Orientation(), f"Its volume is of no use to compare with: {problem}"
    size = volume.voxel_size_angstrom
    if size is None:
        return Orientation(), ""
    choices = [Orientation(*way) for way in product((False, True), (False, True))]
    ours = {way: np.array(way.of(halves[0]).shape) * voxel_size_angstrom for way in choices}
    theirs = np.array(volume.shape) * size
    # The depth is a matter of taste, the field is not.
    fitting = [
        way
        for way in choices
        if _fits(np.delete(ours[way], int(way.is_xzy)), np.delete(theirs, int(way.is_xzy)))
    ]
    if not fitting:
        return Orientation(), (
            f"{path.name} is of another size than the tilt images, {_said(theirs)} and not "
            f"{_said(ours[Orientation()])} Å: positions may not agree with it."
        )
    scores = {way: _likeness(volume, size, way, halves, voxel_size_angstrom) for way in fitting}
    best = max(scores, key=lambda way: abs(scores[way]))
    if abs(scores[best]) < _ALIKE:
        return Orientation(), (
            f"{path.name} does not look like what is reconstructed here (correlation "
            f"{scores[best]:.2f}): check that the alignment is its own."
        )
    if best == Orientation():
        return best, ""
    how = [
        *(["axes x, z, y"] if best.is_xzy else []),
        *(["z turned round"] if best.is_turned else []),
    ]
    return best, f"The halves lie as {program}'s {path.name} does: {' and '.join(how)}."


def depth_of(path: Path, field_angstrom: tuple[float, float]) -> float | None:
    """Return how deep another program's volume is, in Å; None if it is not one of that field.

    ``field_angstrom`` is (y, x), what the aligned tilt images show.
    """
    try:
        volume = open_volume(path, kind="volume")
    except N2NError:
        return None
    if volume.voxel_size_angstrom is None:
        return None
    sides = np.array(volume.shape) * volume.voxel_size_angstrom
    fitting = [axis for axis in (0, 1) if _fits(np.array(field_angstrom), np.delete(sides, axis))]
    return float(sides[min(fitting, key=lambda axis: sides[axis])]) if fitting else None


def _fits(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> bool:
    return bool((np.abs(ours / theirs - 1) < _AS_LARGE).all())


def _said(sides: NDArray[np.float64]) -> str:
    return " × ".join(f"{side:.0f}" for side in sides[::-1])


def _likeness(
    volume: Volume, size: float, way: Orientation, halves: Voxels, voxel_size: float
) -> float:
    """Return how some sections of a volume correlate with ours, both made coarse."""
    ours = way.of(halves[0]), way.of(halves[1])
    depth, other = len(ours[0]) * voxel_size, len(volume) * size
    reach = 0.35 * min(depth, other)
    scores = []
    for place in np.linspace(-reach, reach, _SECTIONS):
        here = min(len(ours[0]) - 1, round((depth / 2 + place) / voxel_size - 0.5))
        there = min(len(volume) - 1, round((other / 2 + place) / size - 0.5))
        a = _coarse(ours[0][here] + ours[1][here], voxel_size)
        b = _coarse(volume[there], size)
        sides = [min(pair) for pair in zip(a.shape, b.shape, strict=True)]
        a, b = (_middle(one, sides) for one in (a, b))
        if a.std() > 0 and b.std() > 0:
            scores.append(float(np.corrcoef(a.ravel(), b.ravel())[0, 1]))
    return float(np.mean(scores)) if scores else 0.0


def _coarse(section: Voxels, size: float) -> Voxels:
    factor = max(1.0, _COMPARED_ANGSTROM / size)
    blurred = ndimage.gaussian_filter(np.asarray(section, np.float32), factor / 2)
    # Without what is uneven over the field.
    blurred -= ndimage.gaussian_filter(blurred, 10 * factor)
    coarse: Voxels = ndimage.zoom(blurred, 1 / factor, order=1)
    return coarse


def _middle(section: Voxels, sides: list[int]) -> Voxels:
    starts = [(length - side) // 2 for length, side in zip(section.shape, sides, strict=True)]
    return section[tuple(slice(a, a + side) for a, side in zip(starts, sides, strict=True))]
