"""Normalised cross-correlation of a whole micrograph with templates, borders accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_n2n.progress import Progress, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_n2n.particles.templates import Template

_FAINT = 0.3
"""Share of the typical window's variance that is added to every window's.

Plain normalised cross-correlation sees particles in the faintest ripples of smooth ice: their
shape is all it looks at, and a denoised image has little noise to drown them."""


def correlate_steps(
    flat: NDArray[np.float32], templates: Sequence[Template], across: float, reach: float
) -> Steps[NDArray[np.float32]]:
    """Return how well the best of ``templates`` fits at each pixel of ``flat`` (y, x), -1 to 1.

    Each score is the covariance of template and image over a disc, divided by the template's
    deviation there and by √(variance of the image there + a share of its typical variance). What
    a disc holds of the outside of the image counts neither way.

    Parameters
    ----------
    flat
        The image, particles positive.
    templates
        Of which the best counts, pixel by pixel.
    across
        Pixels in a particle's diameter.
    reach
        Radius of the disc in diameters.
    """
    radius = int(np.ceil(reach * across))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    distance = np.hypot(y, x) / across
    disc = (distance <= reach).astype(np.float32)
    padded = tuple(fft.next_fast_len(side + 2 * radius, real=True) for side in flat.shape)
    there = np.s_[: flat.shape[0], : flat.shape[1]]
    scale = float(np.sqrt(np.mean(flat**2, dtype=np.float64))) or 1.0
    image = flat / np.float32(scale)
    spectra = [
        fft.rfft2(part, padded, workers=-1) for part in (np.ones_like(image), image, image**2)
    ]

    def summed(spectrum: NDArray[np.complex64], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
        spread = np.zeros(padded, np.float32)
        spread[: kernel.shape[0], : kernel.shape[1]] = kernel
        spread = np.roll(spread, (-radius, -radius), axis=(0, 1))
        product = spectrum * np.conj(fft.rfft2(spread, workers=-1))
        result: NDArray[np.float32] = fft.irfft2(product, padded, workers=-1)[there]
        return result

    total = len(templates) + 1
    yield Progress("picking", 0, total)
    area, mean, square = (summed(spectrum, disc) for spectrum in spectra)
    mean /= area
    variance = np.maximum(square / area - mean**2, 0)
    deviation = np.sqrt(variance + _FAINT * np.median(variance) + 1e-12)
    best = np.full(flat.shape, -1, np.float32)
    for i, template in enumerate(templates, start=1):
        yield Progress("picking", i, total)
        values = template.at(distance).astype(np.float32)
        # The kernel's own mean is taken away first, for the sake of the last digits.
        values = (values - values[disc > 0].mean()) * disc
        expected = summed(spectra[0], values) / area
        spread = np.maximum(summed(spectra[0], values**2) / area - expected**2, 1e-12)
        covariance = summed(spectra[1], values) / area - expected * mean
        np.maximum(best, covariance / (np.sqrt(spread) * deviation), out=best)
    yield Progress("picking", total, total)
    return best
