"""The area that is not clean ice: solid things darker than particles, and rough ones as carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from napari_n2n.particles.contamination import find_contamination
from napari_n2n.quality.working_image import PIXEL_SIZE_ANGSTROM

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPICAL_DIAMETER_ANGSTROM = 160.0
"""Of a particle, where nobody has told it."""

_FINE = 0.36  # cycles/px: spacings below 22 Å, where particles hardly rise over the noise
_ACROSS = 12.0  # px: about 100 Å, over which the power is averaged
_ROUGHER = 1.6  # times the power of the ice: the average scatters by 5 %
_CLEANEST = 25  # percentile that stands for the ice: there may be more carbon than ice
_LEAST_SHARE = 0.03  # of the field: smaller spots are some particle of metal or a hot pixel


def contaminated_area(
    recorded: NDArray[np.float32],
    seen: NDArray[np.float32] | None = None,
    diameter_angstrom: float | None = None,
) -> NDArray[np.bool_]:
    """Return (y, x), True where a micrograph is contaminated.

    That is what `find_contamination` finds: solid, darker than the ice and larger than a particle,
    or much darker than one. And whole regions with more power at spacings below 22 Å than the
    cleanest quarter of the image, that are darker as well: a carbon film is of even grey where it
    fills half the image, but rough everywhere.

    Parameters
    ----------
    recorded
        (y, x) at 8 Å a pixel.
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
    return solid | _rough(recorded, solid)


def _rough(image: NDArray[np.float32], solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find regions that have more fine detail than the ice, and are darker."""
    # The cosine transform has no seam where opposite borders meet.
    spectrum = fft.dctn(image, norm="ortho")
    y, x = (np.arange(side) / (2 * side) for side in image.shape)
    spectrum[np.hypot(y[:, None], x) < _FINE] = 0
    power = ndimage.gaussian_filter(fft.idctn(spectrum, norm="ortho") ** 2, _ACROSS, mode="mirror")
    ice = ~solid
    if not ice.any():
        return np.zeros(image.shape, bool)
    areas, count = ndimage.label(power > _ROUGHER * np.percentile(power[ice], _CLEANEST))
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
