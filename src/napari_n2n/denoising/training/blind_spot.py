"""Training on one noisy image by hiding pixels of it, where their noise cannot be told otherwise.

Some pixels of the input are replaced by others from around them, and only there is the result
compared with the image: what surrounds a pixel tells of its signal but not of its noise (A. Krull,
T.-O. Buchholz and F. Jug, Noise2Void, CVPR 2019). Where the noise of neighbours is alike, they are
hidden too (C. Broaddus et al., Structured Noise2Void, ISBI 2020).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.inference.noise_spectrum import noise_spectrum
from napari_n2n.denoising.spectral_rings import RingSums
from napari_n2n.denoising.tiling import Window
from napari_n2n.denoising.training.examples import WorkingPair

# One pixel is hidden in each square of so many pixels a side; wider where neighbours are too.
_CELL = 6
# Noise that is alike by more than this is hidden as well, but not further than this many pixels.
_ALIKE, _FURTHEST = 0.1, 2
# Hidden pixels are replaced by ones that are not further than so many pixels beyond.
_BEYOND = 2
# A network is judged on this many choices of hidden pixels.
_CHOICES = 4


@dataclass(frozen=True, eq=False)
class BlindSpot:
    """A normalised image, (channel, y, x), whose noise reaches over ``reach`` pixels."""

    image: Tensor
    reach: int = 0

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
        return int(self.image.nbytes)

    def moved(self, device: torch.device) -> "BlindSpot":
        """Return it in the memory of ``device``."""
        return BlindSpot(self.image.to(device), self.reach)

    def rows(self, part: slice) -> "BlindSpot":
        """Return what lies in some of the rows."""
        return BlindSpot(self.image[:, part], self.reach)

    def drawn(self, window: Window, swap: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the image with pixels hidden, and those pixels alone."""
        image = self.image[(slice(None), *window)]
        height, width = image.shape[1:]
        y, x = (torch.from_numpy(i) for i in _one_a_cell(height, width, self._cell, rng))
        target = torch.full_like(image, torch.nan)
        target[:, y, x] = image[:, y, x]
        offsets = _square(self.reach)
        hidden_y = (y[:, None] + offsets[:, 0]).flatten()
        hidden_x = (x[:, None] + offsets[:, 1]).flatten()
        inside = (hidden_y >= 0) & (hidden_y < height) & (hidden_x >= 0) & (hidden_x < width)
        around = _square(self.reach + _BEYOND)
        around = around[around.abs().amax(dim=1) > self.reach]
        chosen = around[torch.from_numpy(rng.integers(len(around), size=len(inside)))]
        from_y = _mirrored(y.repeat_interleave(len(offsets)), chosen[:, 0], height)
        from_x = _mirrored(x.repeat_interleave(len(offsets)), chosen[:, 1], width)
        source = image.clone()
        source[:, hidden_y[inside], hidden_x[inside]] = image[:, from_y[inside], from_x[inside]]
        return source, target

    def fixed(self, rng: np.random.Generator) -> list[WorkingPair]:
        """Return the whole image with some choices of hidden pixels."""
        whole = (slice(0, self.shape[0]), slice(0, self.shape[1]))
        drawn = [self.drawn(whole, False, rng) for _ in range(_CHOICES)]
        return [WorkingPair(*pair, swappable=False, blind=True) for pair in drawn]

    @property
    def _cell(self) -> int:
        return _CELL + 2 * self.reach


def known_error(results: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared difference of each pair of images where the target is known."""
    known = ~targets.isnan()
    squared = torch.where(known, results - targets, 0).square()
    return squared.flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1).clamp(min=1)


def noise_reach(image: Tensor) -> int:
    """Return over how many pixels the noise of ``image``, (1, y, x), is alike; 0: it is white."""
    rings = RingSums(image.shape[1], image.shape[2], image.device)
    power = rings.mean_power(torch.fft.rfft2(image[0] - image.mean()))
    noise = noise_spectrum(power, rings.waves)
    if noise[0] <= 0:
        return 0
    likeness = torch.fft.irfft2(rings.spread(noise).to(torch.complex64), s=image.shape[1:])
    along = (likeness[0, 1 : _FURTHEST + 1] / likeness[0, 0]).abs() > _ALIKE
    return int(along.nonzero().max()) + 1 if along.any() else 0


def _one_a_cell(
    height: int, width: int, cell: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose one pixel in each whole square of ``cell`` px; the squares lie anywhere."""
    corner = rng.integers(cell, size=2)
    tops = np.arange(corner[0], height - cell + 1, cell)
    lefts = np.arange(corner[1], width - cell + 1, cell)
    shape = (len(tops), len(lefts))
    y = tops[:, None] + rng.integers(cell, size=shape)
    x = lefts[None, :] + rng.integers(cell, size=shape)
    return y.ravel(), x.ravel()


def _square(reach: int) -> Tensor:
    """Return all offsets (y, x) up to ``reach`` pixels, (n, 2)."""
    steps = torch.arange(-reach, reach + 1)
    return torch.cartesian_prod(steps, steps).reshape(-1, 2)


def _mirrored(start: Tensor, offset: Tensor, side: int) -> Tensor:
    """Return ``start + offset``, or ``start - offset`` where that lies outside of ``side``."""
    moved = start + offset
    return torch.where((moved < 0) | (moved >= side), start - offset, moved)
