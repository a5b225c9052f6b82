"""From a file's pixels to what the network sees, and back: working pixel size and normalisation."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.resampling import rescale

__all__ = ["Intensities", "from_channels", "rescale", "to_channels", "working_shape"]

# Pixels looked at to measure an image's range; more changes nothing and sorting is slow.
_SAMPLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Intensities:
    """The scale of one image: ``normalised = (pixels - offset) / scale``."""

    offset: float
    scale: float

    @classmethod
    def of(cls, image: Tensor, kind: Literal["standard", "unit_range"]) -> "Intensities":
        """Measure ``image``, any shape; extreme pixels (hot ones, gold) have no say.

        ``standard`` makes mean 0 and standard deviation 1 of the pixels within the 0.05th and
        99.95th percentile; ``unit_range`` maps those percentiles to 0 and 1.
        """
        flat = image.flatten()
        flat = flat[:: max(1, flat.numel() // _SAMPLE)].float().cpu()
        low, high = np.percentile(flat.numpy(), (0.05, 99.95))
        if kind == "unit_range":
            offset, scale = float(low), float(high - low)
        else:
            inside = flat[(flat >= low) & (flat <= high)]
            offset, scale = float(inside.mean()), float(inside.std(correction=0))
        return cls(offset, scale if scale > 0 else 1.0)

    def normalise(self, image: Tensor) -> Tensor:
        """Return ``image`` on the network's scale."""
        return (image - self.offset) / self.scale

    def restore(self, image: Tensor) -> Tensor:
        """Return a network's result on the image's own scale."""
        return image * self.scale + self.offset


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
