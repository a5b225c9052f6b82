"""A micrograph as coarse as particles allow: all that is said of whole images is measured on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.particles.coarse import checked_image, coarsened

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PIXEL_SIZE_ANGSTROM = 8.0
"""Half the smallest spacing at which areas are told apart."""

FINE_ANGSTROM = 4.0
"""Half the smallest spacing that is looked at, for the noise."""

USUAL_FIELD_ANGSTROM = 4096.0
"""What the longer side of an image is taken for where its pixel size is unknown."""


def taken_pixel_size(shape: tuple[int, ...], pixel_size_angstrom: float | None) -> float:
    """Return the pixel size in Å, or what an image of this shape usually has."""
    return pixel_size_angstrom or USUAL_FIELD_ANGSTROM / max(shape)


def pixels_in_one(
    shape: tuple[int, ...], pixel_size_angstrom: float | None, wanted: float = PIXEL_SIZE_ANGSTROM
) -> float:
    """Return how many pixels go into one of ``wanted`` Å; 1 for images that are coarser."""
    return max(1.0, wanted / taken_pixel_size(shape, pixel_size_angstrom))


def working_image(image: ArrayLike, factor: float) -> NDArray[np.float32]:
    """Return ``image`` (y, x) made coarse: ``factor`` of its pixels in one, each way.

    Whole pixels are averaged first, to half the factor, as it is many times faster; the rest is
    left to the cosine transform, which cuts off sharply what does not belong to the result.

    Raises
    ------
    BadValue
        The image is not 2D, or holds NaN or infinities.
    NotEnoughData
        It is empty or all the same.
    """
    pixels = checked_image(image)
    whole = int(factor / 2)
    if whole > 1 and min(pixels.shape) >= whole:
        height, width = (side // whole * whole for side in pixels.shape)
        blocks = pixels[:height, :width].reshape(height // whole, whole, width // whole, whole)
        # First along the rows, where the memory is in order.
        pixels = blocks.mean(axis=3).mean(axis=1)
        factor /= whole
    return coarsened(pixels, factor).pixels


def on_grid(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return ``values`` (y, x) at the nearest places of another grid over the same field."""
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * side / n).astype(np.intp), side - 1)
        for side, n in zip(values.shape, shape, strict=True)
    )
    return values[np.ix_(rows, columns)]
