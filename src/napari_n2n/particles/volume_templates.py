"""What a particle looks like in a tomogram: a ball or a shell, without its missing wedge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import fft, ndimage

from napari_n2n.errors import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.denoising.working_volumes import Sections

Form = Literal["ball", "shell"]

REACH = 0.75
"""Radius, in diameters, within which templates are compared, as for micrographs."""
_HOLE = 0.67  # inner over outer diameter of ferritin
_EDGE = 0.02  # diameters over which a form ends
_ALL = 89.9  # degrees, from which nothing is missing


def distances(across: float) -> NDArray[np.float64]:
    """(side, side, side) distance from the middle in diameters; ``across`` voxels are one."""
    radius = int(np.ceil(REACH * across))
    grid = np.mgrid[(slice(-radius, radius + 1),) * 3]
    measured: NDArray[np.float64] = np.sqrt((grid**2).sum(axis=0)) / across
    return measured


def template_of(form: Form, across: float, tilt_range_degree: float) -> NDArray[np.float32]:
    """Return a form, positive, as a tilt series about y shows it, on the grid of `distances`."""
    from_middle = distances(across)
    # Over a voxel at least: otherwise it depends on where the voxels happen to lie.
    edge = max(_EDGE, 0.5 / across)
    solid = np.clip((0.5 - from_middle) / (2 * edge) + 0.5, 0, 1)
    if form == "shell":
        solid = solid - np.clip((0.5 * _HOLE - from_middle) / (2 * edge) + 0.5, 0, 1)
    return _without_wedge(solid, tilt_range_degree)


def learnt_template(
    volume: Sections, centres_voxel: ArrayLike, diameter_voxel: float, across: float
) -> NDArray[np.float32]:
    """Average marked particles, and around a particle's middle, on the grid of `distances`.

    Orientations are not known, so what is left is how dense a particle is at each distance, along z
    apart from what is across: the missing wedge is in it already.

    Parameters
    ----------
    volume
        (z, y, x), denoised, with particles positive or negative as they are.
    centres_voxel
        (n, 3) z, y, x.
    diameter_voxel
        Of a particle, in voxels of the volume.
    across
        Voxels in a diameter of the template.

    Raises
    ------
    NotEnoughData
        None of them lies in the volume with all that is around it.
    """
    step = diameter_voxel / across
    reach = (distances(across).shape[0] // 2) * step
    margin = int(np.ceil(reach)) + 1
    depth, height, width = volume.shape
    total, count = np.zeros_like(distances(across)), 0
    steps = np.arange(-(total.shape[0] // 2), total.shape[0] // 2 + 1) * step
    for centre in np.asarray(centres_voxel, np.float64).reshape(-1, 3):
        low = np.floor(centre).astype(int) - margin
        high = low + 2 * margin + 2
        if (low < 0).any() or (high > (depth, height, width)).any():
            continue
        box = np.asarray(volume[low[0] : high[0]], np.float32)
        box = box[:, low[1] : high[1], low[2] : high[2]]
        axes = [steps + middle - start for middle, start in zip(centre, low, strict=True)]
        places = np.meshgrid(*axes, indexing="ij")
        total += ndimage.map_coordinates(box, places, order=1)
        count += 1
    if not count:
        raise NotEnoughData(
            "None of the marked particles lies in the tomogram with what is around it. Mark others."
        )
    return _averaged_around(total / count)


def _averaged_around(mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """Average over all turns about z, and over both ways along it."""
    half = mean.shape[0] // 2
    z, y, x = np.mgrid[(slice(-half, half + 1),) * 3]
    ring = np.rint(np.hypot(y, x)).astype(np.intp)
    number = (np.abs(z) * (ring.max() + 1) + ring).ravel()
    sums = np.bincount(number, mean.ravel())
    averaged = np.asarray(sums[number] / np.bincount(number)[number], np.float32)
    return averaged.reshape(mean.shape)


def _without_wedge(form: NDArray[np.float64], tilt_range_degree: float) -> NDArray[np.float32]:
    """Leave out what tilts about y up to plus and minus a range do not measure.

    A wave is measured where the angle of its vector to the plane of the untilted image, in the
    plane of z and x, is within the range.
    """
    if tilt_range_degree >= _ALL:
        return form.astype(np.float32)
    side = form.shape[0]
    room = fft.next_fast_len(2 * side)
    spectrum = fft.rfftn(form, (room,) * 3)
    z = np.fft.fftfreq(room)[:, None, None]
    x = np.fft.rfftfreq(room)[None, None, :]
    steepest = np.tan(np.deg2rad(tilt_range_degree))
    spectrum *= np.abs(z) <= np.abs(x) * steepest + 1e-9
    # The form begins at the corner: what runs over one side comes in at the other.
    seen = np.asarray(fft.irfftn(spectrum, (room,) * 3), np.float32)
    return seen[:side, :side, :side]
