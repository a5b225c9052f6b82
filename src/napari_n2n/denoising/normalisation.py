"""From a file's pixels to what the network sees, and back: working pixel size and normalisation."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_n2n.denoising.config import Normalisation
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.tiling import Window
from napari_n2n.io.faults import Faults, find_faults
from napari_n2n.io.photographs import WHITE

__all__ = ["Intensities", "faults_of", "from_channels", "rescale", "to_channels", "working_shape"]

# Pixels looked at to measure an image's range; more changes nothing and sorting is slow.
_SAMPLE = 1_000_000

# The slow part of an image: a Gaussian of this many working pixels (it halves waves of 210 px,
# 850 Å at 4 Å/px), found on blocks of so many.
_SLOW_PX = 40.0
_BLOCK = 8


@dataclass(frozen=True, eq=False)
class Intensities:
    """The scale of one image: ``normalised = (pixels - offset) / scale``.

    ``offset`` is a number, or an image (channel, y, x) where the brightness that changes slowly
    is left out of what the network sees.
    """

    offset: float | Tensor
    scale: float

    @classmethod
    def of(cls, image: Tensor, kind: Normalisation) -> "Intensities":
        """Measure ``image``, (channel, y, x); extreme pixels (hot ones, gold) have no say.

        ``standard`` makes mean 0 and standard deviation 1 of the pixels within the 0.05th and
        99.95th percentile; ``unit_range`` maps those percentiles to 0 and 1. ``flat`` first takes
        off what changes slowly, which is ice and illumination: it is known well enough without a
        network, and would otherwise be all that a network looks for in a faint image.
        ``photograph`` maps 0 to 255 to -0.5 to 0.5 whatever the image holds: how strong the noise
        is has to be seen on the scale it was added on.
        """
        if kind == "photograph":
            return cls(WHITE / 2, WHITE)
        slow = slow_part(_without_extremes(image)) if kind == "flat" else None
        flat = (image if slow is None else image - slow).flatten()
        flat = flat[:: max(1, flat.numel() // _SAMPLE)].float().cpu()
        low, high = np.percentile(flat.numpy(), (0.05, 99.95))
        if kind == "unit_range":
            offset, scale = float(low), float(high - low)
        else:
            inside = flat[(flat >= low) & (flat <= high)]
            offset, scale = float(inside.mean()), float(inside.std(correction=0))
        return cls(offset if slow is None else slow + offset, scale if scale > 0 else 1.0)

    def within(self, window: Window) -> "Intensities":
        """Return the scale of a part of the image, (y, x) slices."""
        offset = self.offset
        if isinstance(offset, Tensor):
            offset = offset[(slice(None), *window)]
        return Intensities(offset, self.scale)

    def normalise(self, image: Tensor) -> Tensor:
        """Return ``image`` on the network's scale."""
        return (image - self.offset) / self.scale

    def restore(self, image: Tensor) -> Tensor:
        """Return a network's result on the image's own scale."""
        return image * self.scale + self.offset


def faults_of(image: NDArray[np.float32], kind: Normalisation) -> Faults:
    """Return the camera's faults in ``image``, (y, x); photographs are taken to have none."""
    if kind == "photograph":
        none = np.zeros(image.shape[:2], bool)
        return Faults(none, none)
    return find_faults(image)


def _without_extremes(image: Tensor) -> Tensor:
    """Return ``image`` with its outliers (dead rows, gold, hot pixels) at the edge of the rest."""
    sample = image.flatten()[:: max(1, image.numel() // _SAMPLE)].float().cpu().numpy()
    low, high = np.percentile(sample, (1, 99))
    return image.clamp(float(low), float(high))


def slow_part(image: Tensor) -> Tensor:
    """Return what of ``image``, (channel, y, x), changes over hundreds of pixels only."""
    height, width = image.shape[-2:]
    blocks = functional.avg_pool2d(
        image[None], _BLOCK, ceil_mode=True, count_include_pad=False
    ).float()
    # A slope would be cut off at the edges: it is set aside as a plane.
    plane = _plane(blocks)
    blocks = blocks - plane
    sigma = _SLOW_PX / _BLOCK
    reach = math.ceil(3 * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2).to(blocks)
    weights = (weights / weights.sum()).expand(len(image), 1, 1, -1)
    for _ in range(2):  # along x, then along y
        padded = functional.pad(blocks, (reach, reach, 0, 0), mode="replicate")
        blocks = functional.conv2d(padded, weights, groups=len(image)).transpose(-1, -2)
    smooth = functional.interpolate(
        blocks + plane, scale_factor=_BLOCK, mode="bilinear", align_corners=False
    )
    return smooth[0, :, :height, :width]


def _plane(images: Tensor) -> Tensor:
    """Return the plane that fits each of ``images``, (1, channel, y, x), best."""
    y, x = (
        torch.linspace(-1, 1, side, device=images.device) if side > 1 else images.new_zeros(1)
        for side in images.shape[-2:]
    )
    # The three are orthogonal on a grid, so that each is found by itself.
    plane = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    for axis in (y[:, None], x[None, :]):
        power = axis.expand(images.shape[-2:]).square().sum().clamp(min=1e-12)
        plane = plane + axis * (images * axis).sum(dim=(2, 3), keepdim=True) / power
    return plane


def to_channels(image: NDArray[np.float32]) -> Tensor:
    """(y, x) → (1, y, x) and RGB (y, x, 3) → (3, y, x)."""
    tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
    return tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)


def from_channels(image: Tensor) -> NDArray[np.float32]:
    """(1, y, x) → (y, x) and (3, y, x) → (y, x, 3)."""
    array = cast("NDArray[np.float32]", image.cpu().numpy())
    return array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0))


def working_shape(
    shape: tuple[int, int], pixel_size_angstrom: float, working_pixel_size_angstrom: float
) -> tuple[int, int]:
    """Shape (y, x) of an image of ``shape`` once it is at the working pixel size."""
    factor = pixel_size_angstrom / working_pixel_size_angstrom
    height, width = (max(1, round(side * factor)) for side in shape)
    return height, width
