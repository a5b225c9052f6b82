"""Two noisy images out of one: what two halves of its pixels tell apart is noise.

The electrons that fell on one pixel know nothing of those that fell on another. Two disjoint
random halves of the recorded pixels, each brought to the working pixel size, are therefore two
images of one specimen with half of the dose and independent noise each (T. Huang et al.,
Neighbor2Neighbor, CVPR 2021, for neighbours at full resolution). With signs s = ±1, drawn for every
pixel, they are y + e and y - e, where y is the image and e the image of s y: noise that is as
strong as that of y and independent of it.

Pixels are not quite independent: a detector spreads an electron, and alignment and dose weighting
filter what it recorded. So e is given the spectrum that the noise of y has, which is seen beyond
the last Thon ring; y + e and y - e have then independent noise at every frequency (T. Pang et al.,
Recorrupted-to-Recorrupted, CVPR 2021, for Gaussian noise of known covariance). And s multiplies
only what is finer than the working pixels: the specimen is no part of e.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_n2n.denoising.config import Normalisation
from napari_n2n.denoising.normalisation import Intensities
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.spectral_rings import RING, Rings, RingSums
from napari_n2n.denoising.tiling import Window
from napari_n2n.denoising.training.examples import WorkingPair
from napari_n2n.denoising.training.pixel_noise import noise_power, without_outliers

# Recorded pixels (Å) must not be coarser. The noise is measured between 0.15 and 0.5 cycles/px,
# most of which is then finer than 10 Å, where a single micrograph shows nothing but noise.
COARSEST_ANGSTROM = 2.5
# More pixels across a working one tell no more of the noise, and take longer.
_MOST_RATIO = 4.0
# Noises kept of an image: any mixture of the two is another.
_NOISES = 2
# The spectrum is measured on the middle of the image, of at most so many pixels a side.
_MEASURED_SIDE = 2048


@dataclass(frozen=True, eq=False)
class Subsets:
    """A micrograph and noises like its own, all normalised.

    ``image`` is (channel, y, x), ``noises`` (noise, channel, y, x); image plus and minus a noise
    are on the network's scale.
    """

    image: Tensor
    noises: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) in working pixels."""
        height, width = self.image.shape[1:]
        return height, width

    @property
    def channels(self) -> int:
        """How many numbers a pixel has."""
        return len(self.image)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.image.nbytes + self.noises.nbytes

    def moved(self, device: torch.device) -> "Subsets":
        """Return it in the memory of ``device``."""
        return Subsets(self.image.to(device), self.noises.to(device))

    def rows(self, part: slice) -> "Subsets":
        """Return what lies in some of the rows."""
        return Subsets(self.image[:, part], self.noises[:, :, part])

    def drawn(self, window: Window, swap: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return two images with another mixture of the noises each time."""
        part = (slice(None), *window)
        # On the unit sphere, so that the mixture is as strong as each noise.
        mixture = rng.standard_normal(len(self.noises))
        mixture /= np.linalg.norm(mixture)
        weights = torch.from_numpy(mixture).to(self.noises)
        noise = torch.tensordot(weights, self.noises[(slice(None), *part)], dims=1)  # (c, y, x)
        image = self.image[part]
        return image + noise, image - noise

    def fixed(self, rng: np.random.Generator) -> list[WorkingPair]:
        """Return the pair that the first noise makes."""
        noise = self.noises[0]
        return [WorkingPair(self.image + noise, self.image - noise, swappable=True)]


def subsets_of(
    recorded: Tensor,
    pixel_size_angstrom: float | None,
    working_shape: tuple[int, int],
    kind: Normalisation,
    seed: int,
) -> Subsets | None:
    """Make noises like that of ``recorded``, (1, y, x), at ``working_shape``.

    None if its noise cannot be told: its pixels are coarse, of unknown size or in colour, or the
    finest detail is no noise (of an image that was enlarged or smoothed).
    """
    if len(recorded) != 1 or pixel_size_angstrom is None:
        return None
    if pixel_size_angstrom > COARSEST_ANGSTROM:
        return None
    height, width = recorded.shape[1:]
    at_work_angstrom = pixel_size_angstrom * height / working_shape[0]
    # Fine pixels across a working one; coarser than 2.5 Å the noise could not be told.
    most = max(_MOST_RATIO, at_work_angstrom / COARSEST_ANGSTROM)
    fine = rescale(
        recorded,
        (min(height, round(most * working_shape[0])), min(width, round(most * working_shape[1]))),
    )
    ratio = min(side / at_work for side, at_work in zip(fine.shape[1:], working_shape, strict=True))
    spectrum = noise_power(_middle(fine))  # (ring,)
    if spectrum is None:
        return None
    detail = _detail(fine, ratio)  # (1, y, x) of the fine grid
    # The spectrum is on the scale of the fine pixels, and so has the detail to be.
    detail = detail / _middle(detail).std()
    generator = torch.Generator().manual_seed(seed)
    colour = _amplitude(spectrum, working_shape, ratio)
    noises = []
    for _ in range(_NOISES):
        # ±1 with equal odds: which half of the pixels each belongs to.
        signs = torch.empty_like(detail).bernoulli_(0.5, generator=generator).mul_(2).sub_(1)
        white = torch.fft.rfft2(rescale(signs * detail, working_shape))  # (1, y, x//2+1)
        noises.append(torch.fft.irfft2(white * colour, s=working_shape))
    image = rescale(recorded, working_shape)
    noise = torch.stack(noises)  # (noise, 1, y, x)
    noisy = Intensities.of(image + noise[0], kind)
    # What changes slowly is that of the image: in the noisier one, a noise would be part of it.
    offset = Intensities.of(image, kind).offset if kind == "flat" else noisy.offset
    return Subsets(Intensities(offset, noisy.scale).normalise(image), noise / noisy.scale)


def _middle(image: Tensor) -> Tensor:
    """Return the middle of ``image``, (1, y, x), as (y, x)."""
    y, x = (
        slice((side - length) // 2, (side - length) // 2 + length)
        for side in image.shape[1:]
        for length in (min(side, _MEASURED_SIDE),)
    )
    return image[0, y, x]


def _detail(fine: Tensor, ratio: float) -> Tensor:
    """Return what of ``fine`` is finer than working pixels of ``ratio`` fine ones."""
    side = max(2, math.ceil(ratio))  # one pixel alone would have no detail
    height, width = fine.shape[1:]
    blocks = functional.avg_pool2d(fine[None], side, ceil_mode=True, count_include_pad=False)
    coarse = functional.interpolate(blocks, scale_factor=float(side), mode="nearest")
    return without_outliers(fine - coarse[0, :, :height, :width])


def _amplitude(spectrum: Rings, working_shape: tuple[int, int], ratio: float) -> Tensor:
    """Return the root of ``spectrum``, given per fine pixel, on the grid of a working spectrum."""
    rings = RingSums(*working_shape, torch.device("cpu"))
    # Cycles per working pixel, at the middle of each ring; per fine pixel it is k / ratio.
    k = (np.arange(len(rings.waves)) + 0.5) * RING
    fine_k = (np.arange(len(spectrum)) + 0.5) * RING
    return rings.spread(np.sqrt(np.interp(k / ratio, fine_k, spectrum)))
