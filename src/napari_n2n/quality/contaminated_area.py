"""The area that is not clean ice: solid things darker than particles, and rough ones as carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from napari_n2n.particles.coarse import coarsened
from napari_n2n.particles.contamination import find_contamination
from napari_n2n.quality.working_image import PIXEL_SIZE_ANGSTROM, on_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TYPICAL_DIAMETER_ANGSTROM = 160.0
"""Of a particle, where nobody has told it."""

# Octave halves of spacings in Å. At little defocus particles are at their best in one of them, and
# nearly gone in the next; a carbon film is rough in all.
_FINE = ((22.6, 16.0), (16.0, 11.3), (11.3, 8.0))
_ACROSS = 160.0  # Å, over which the power is averaged: more than a particle and its fringes
_FRINGE = 100.0  # Å around what is solid
_LEAST_WEIGHT = 0.1
_TINY = 1e-30
_ROUGHER = 1.6  # times the power of the ice: the average scatters by 3 %
_CLEANEST = 25  # percentile that stands for the ice: there may be more carbon than ice
_LEAST_SHARE = 0.03  # of the field: smaller spots are some particle of metal or a hot pixel


def contaminated_area(
    recorded: NDArray[np.float32],
    fine: NDArray[np.float32] | None = None,
    seen: NDArray[np.float32] | None = None,
    diameter_angstrom: float | None = None,
) -> NDArray[np.bool_]:
    """Return (y, x), True where a micrograph is contaminated.

    That is what `find_contamination` finds: solid, darker than the ice and larger than a particle,
    or much darker than one. And whole regions with more power at all spacings below 22 Å than the
    cleanest quarter of the image, that are darker as well: a carbon film is of even grey where it
    fills half the image, but rough everywhere.

    Parameters
    ----------
    recorded
        (y, x) at 8 Å a pixel.
    fine
        The same field at up to 4 Å a pixel, where there is more of it.
    seen
        The same, denoised, on which solid things show best.
    diameter_angstrom
        Of the particles.

    Raises
    ------
    BadValue, NotEnoughData
        The image is too small for the particles.
    """
    diameter = diameter_angstrom or TYPICAL_DIAMETER_ANGSTROM
    image = recorded if seen is None else seen
    solid = find_contamination(image, PIXEL_SIZE_ANGSTROM, diameter_angstrom=diameter)
    return solid | _rough(recorded, recorded if fine is None else fine, solid)


def _rough(
    image: NDArray[np.float32], fine: NDArray[np.float32], solid: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Find regions that have more fine detail than the ice, and are darker."""
    ice = ~solid
    if not ice.any():
        return np.zeros(image.shape, bool)
    ratios = [
        each / max(float(np.percentile(each[ice], _CLEANEST)), _TINY)
        for each in _fine_power(fine, ice)
    ]
    power = np.minimum.reduce(ratios)
    areas, count = ndimage.label(power > _ROUGHER)
    rest = ice & (areas == 0)
    if not count or not rest.any():
        return np.zeros(image.shape, bool)
    grey = float(image[rest].mean())
    labels = np.arange(1, count + 1)
    shares = ndimage.sum_labels(np.ones(image.shape), areas, labels) / image.size
    darker = ndimage.mean(image, areas, labels) < grey
    kept = np.concatenate([[False], (shares >= _LEAST_SHARE) & darker])
    rough: NDArray[np.bool_] = kept[areas]
    return rough


def _fine_power(fine: NDArray[np.float32], ice: NDArray[np.bool_]) -> Iterator[NDArray[np.float32]]:
    """Yield the power around each place of ``ice`` (y, x) in each fine band that there is.

    What is solid, and its fringes, have no say in it.
    """
    pixel = PIXEL_SIZE_ANGSTROM * float(np.sqrt(ice.size / fine.size))
    around = _ACROSS / PIXEL_SIZE_ANGSTROM
    clean = ndimage.binary_erosion(ice, iterations=round(_FRINGE / PIXEL_SIZE_ANGSTROM))
    weight = ndimage.gaussian_filter(clean.astype(np.float32), around, mode="mirror")
    # The cosine transform has no seam where opposite borders meet.
    spectrum = fft.dctn(fine, norm="ortho")
    y, x = (np.arange(side) / (2 * side * pixel) for side in fine.shape)
    frequency = np.hypot(y[:, None], x)
    # The lines of a detector lie on the axes.
    spectrum[:2] = 0
    spectrum[:, :2] = 0
    bands = [band for band in _FINE if band[1] >= 1.9 * pixel]
    # Where pixels are coarse, one band with all that there is.
    for coarsest, finest in bands if len(bands) > 1 else [(_FINE[0][0], pixel)]:
        inside = (frequency >= 1 / coarsest) & (frequency < 1 / finest)
        waves = fft.idctn(np.where(inside, spectrum, 0), norm="ortho")
        power = coarsened(waves**2, PIXEL_SIZE_ANGSTROM / pixel).pixels
        power = np.where(clean, on_grid(power, ice.shape), 0)
        power = ndimage.gaussian_filter(power, around, mode="mirror")
        yield np.where(weight > _LEAST_WEIGHT, power / np.maximum(weight, _LEAST_WEIGHT), 0)
