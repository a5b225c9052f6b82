"""Sums over rings of an image's spectrum: waves of about one length, whatever their direction."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rings = NDArray[np.float64]

# Cycles per pixel. Rings must tell the zeros of a contrast transfer function from its peaks.
RING = 0.01


class RingSums:
    """Sums over rings of the half spectrum of a real image of ``height`` × ``width``."""

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        ky = torch.fft.fftfreq(height, device=device)[:, None]
        kx = torch.fft.rfftfreq(width, device=device)[None, :]
        self._position = torch.hypot(ky, kx) / RING
        # Apple's GPUs know no float64, which sums of millions of values need.
        self._home = torch.device("cpu") if device.type == "mps" else device
        self._ring = self._position.long().flatten().to(self._home)
        self._pixels = height * width
        # Each column but the first, and the last of an even width, stands for two of the whole.
        twice = torch.full((1, kx.shape[1]), 2.0, device=device)
        twice[:, 0] = 1
        if width % 2 == 0:
            twice[:, -1] = 1
        self._twice = twice
        self.waves = self._sums(twice.expand(height, -1))

    def product(self, a: Tensor, b: Tensor) -> Rings:
        """Return the inner product of two spectra in each ring."""
        return self._sums((a.real * b.real + a.imag * b.imag) * self._twice)

    def mean_power(self, a: Tensor) -> Rings:
        """Return the mean power in each ring; that of white noise is its variance."""
        return self.product(a, a) / np.maximum(self.waves, 1) / self._pixels

    def spread(self, values: Rings) -> Tensor:
        """Return ``values`` of the rings as an image of the spectrum, with lines between them."""
        table = torch.from_numpy(values).float().to(self._position.device)
        at = (self._position - 0.5).clamp(0, len(values) - 1)
        below = at.long()
        above = (below + 1).clamp(max=len(values) - 1)
        share = at - below
        return table[below] * (1 - share) + table[above] * share

    def _sums(self, values: Tensor) -> Rings:
        weights = values.flatten().to(self._home).double()
        sums = torch.bincount(self._ring, weights=weights)
        result: Rings = sums.cpu().numpy()
        return result
