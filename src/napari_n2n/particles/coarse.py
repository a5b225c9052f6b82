"""A micrograph made coarse: a particle needs a few dozen pixels across to be found, no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_n2n.errors import BadValue, NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST_DIAMETER_PX = 4.0


@dataclass(frozen=True, eq=False)
class CoarseImage:
    """A micrograph at a coarser grid.

    Attributes
    ----------
    pixels
        (y, x) on the micrograph's own intensity scale.
    factors
        (2,) pixels of the micrograph in one of these, along y and x.
    """

    pixels: NDArray[np.float32]
    factors: NDArray[np.float64]

    def to_micrograph(self, coarse_px: ArrayLike) -> NDArray[np.float64]:
        """Bring coarse (n, 2) y, x to pixels of the micrograph."""
        fine: NDArray[np.float64] = (np.asarray(coarse_px) + 0.5) * self.factors - 0.5
        return fine

    def from_micrograph(self, fine_px: ArrayLike) -> NDArray[np.float64]:
        """Bring (n, 2) y, x of the micrograph to coarse pixels."""
        coarse: NDArray[np.float64] = (np.asarray(fine_px) + 0.5) / self.factors - 0.5
        return coarse


def checked_image(image: ArrayLike) -> NDArray[np.float32]:
    """Return ``image`` as (y, x) float32.

    Raises
    ------
    BadValue
        It is no 2D image, or holds NaN or infinities.
    NotEnoughData
        It is empty, or all its pixels are the same.
    """
    pixels = np.asarray(image)
    if pixels.ndim != 2:
        raise BadValue(f"Particles are picked on one 2D micrograph, not on shape {pixels.shape}.")
    if not pixels.size:
        raise NotEnoughData("The micrograph has no pixels.")
    pixels = np.ascontiguousarray(pixels, np.float32)
    low, high = float(pixels.min()), float(pixels.max())  # NaN and infinity come through
    if not np.isfinite([low, high]).all():
        raise BadValue("The micrograph holds pixels that are no numbers. Denoise or read it again.")
    if low == high:
        raise NotEnoughData("All pixels of the micrograph are the same: nothing can be found.")
    return pixels


def checked_pixel_size(pixel_size_angstrom: float | None) -> float:
    """Return the pixel size in Å.

    Raises
    ------
    BadValue
        It is unknown, or no positive number.
    """
    if pixel_size_angstrom is None:
        raise BadValue("The pixel size is unknown. Give it in Å: the diameter is measured with it.")
    size = float(pixel_size_angstrom)
    if not (np.isfinite(size) and size > 0):
        raise BadValue(f"The pixel size must be a positive length, not {size:g}.")
    return size


def checked_diameter_px(
    image: NDArray[np.float32], pixel_size_angstrom: float, diameter_angstrom: float
) -> float:
    """Return the diameter in pixels of ``image`` (y, x).

    Raises
    ------
    BadValue
        It is no positive number, or spans too few pixels.
    NotEnoughData
        The particle would not fit into the image.
    """
    if not (np.isfinite(diameter_angstrom) and diameter_angstrom > 0):
        raise BadValue(f"The diameter must be a positive length, not {diameter_angstrom:g}.")
    diameter_px = diameter_angstrom / pixel_size_angstrom
    if diameter_px < SMALLEST_DIAMETER_PX:
        raise BadValue(
            f"A particle of this diameter has only {diameter_px:.1f} px across. Check the diameter "
            "and the pixel size."
        )
    if diameter_px >= min(image.shape):
        raise NotEnoughData(
            f"A particle of {diameter_px:.0f} px does not fit into an image of "
            f" {image.shape[1]} × {image.shape[0]} px. Check the diameter and the pixel "
            "size."
        )
    return diameter_px


def coarsened(image: NDArray[np.float32], pixels_in_one: float) -> CoarseImage:
    """Average away what is finer than ``pixels_in_one`` pixels of ``image`` (y, x).

    The highest frequencies of its cosine transform are left out. That transform mirrors the image
    at its borders, so they do not ring as they would where opposite borders are joined.
    """
    shape = tuple(max(1, round(side / max(1.0, pixels_in_one))) for side in image.shape)
    if shape == image.shape:
        return CoarseImage(image, np.ones(2))
    spectrum = fft.dctn(image, norm="ortho", workers=-1)[: shape[0], : shape[1]]
    scale = np.sqrt(spectrum.size / image.size)
    pixels = fft.idctn(spectrum * np.float32(scale), norm="ortho", overwrite_x=True)
    return CoarseImage(pixels, np.array(image.shape) / np.array(shape))
