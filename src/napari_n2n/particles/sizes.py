"""How large the particles are, guessed from the micrograph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_n2n.particles.coarse import checked_image, checked_pixel_size, coarsened

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def first_guess_diameter(image: ArrayLike, pixel_size_angstrom: float | None) -> float:
    """Guess the particles' diameter in Å.

    Blobs are looked for at sizes from 40 Å to an eighth of the image; the size at which the image
    varies most, measured by the scale-normalised Laplacian of a Gaussian, is the particles'.

    Parameters
    ----------
    image
        (y, x), best denoised.
    pixel_size_angstrom
        Of the image.

    Raises
    ------
    BadValue, NotEnoughData
        The image or the pixel size cannot be used.
    """
    pixels = checked_image(image)
    size = checked_pixel_size(pixel_size_angstrom)
    coarse = coarsened(pixels, max(1.0, 4.0 / size))
    pixel = size * float(coarse.factors.mean())
    level = coarse.pixels - np.float32(np.median(coarse.pixels))
    low, high = np.percentile(level, (0.5, 99.5))
    level = np.clip(level, low, high)
    diameters = np.geomspace(40.0, max(60.0, min(coarse.pixels.shape) * pixel / 8), 32)
    strengths = []
    for diameter in diameters:
        sigma = diameter / 2 / np.sqrt(2) / pixel
        response = sigma**2 * ndimage.gaussian_laplace(level, sigma, mode="reflect")
        strengths.append(float(response.std()))
    return float(diameters[int(np.argmax(strengths))])
