"""Between an image's own grid and the working grid, by cropping or padding its Fourier transform.

A Fourier transform takes opposite edges for neighbours. Where they differ, by a slope of brightness
or because an image just ends, that jump would come out as waves along both, so each axis is
transformed together with its mirror image, as a cosine transform does it. The edges of both grids
lie on each other, and so the mirror images do: what was made coarser comes back where it was.
"""

import torch
from torch import Tensor

# Pixels transformed at once: fewer, and planning a transform costs more than doing it.
_PIXELS_AT_ONCE = 1 << 22


def rescale(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resample ``image``, (..., y, x), to ``shape``; values stay on the same scale.

    The outer edges of both grids lie on each other.
    """
    height, width = image.shape[-2:]
    if (height, width) == shape:
        return image
    # The axis that shrinks first, or grows last, leaves less work for the other.
    if shape[1] * height <= shape[0] * width:
        return _rows(rescale_last(image, shape[1]), shape[0])
    return rescale_last(_rows(image, shape[0]), shape[1])


def _rows(image: Tensor, height: int) -> Tensor:
    """Resample the last axis but one of ``image`` to ``height``."""
    if image.shape[-2] == height:
        return image
    return rescale_last(image.transpose(-1, -2), height).transpose(-1, -2).contiguous()


def rescale_last(values: Tensor, length: int) -> Tensor:
    """Resample the last axis of ``values`` (..., n) alone to ``length``, as `rescale` does."""
    side = values.shape[-1]
    if side == length:
        return values
    kept = min(side, length)
    turns = _turns(side, length, kept).to(values.device)
    result = values.new_empty((*values.shape[:-1], length))
    lines, made = values.reshape(-1, side), result.view(-1, length)
    several = max(1, _PIXELS_AT_ONCE // max(side, length))
    for first in range(0, len(lines), several):
        part = lines[first : first + several]
        mirrored = torch.cat((part, part.flip(-1)), dim=-1)
        spectrum = torch.fft.rfft(mirrored, norm="forward")[:, : kept + 1] * turns
        made[first : first + several] = torch.fft.irfft(spectrum, n=2 * length, norm="forward")[
            :, :length
        ]
    return result


def _turns(side: int, length: int, kept: int) -> Tensor:
    """Return by how much each wave is turned, (kept + 1,); the last one, half of a pair, is 0.

    Pixel j of the new ones lies at (j + ½) side / length - ½ of the old, which is j side / length
    and a constant: that, as a share of the 2 side pixels, is by how much the first wave is turned.
    """
    from_first = (1 / length - 1 / side) / 4
    turns = torch.arange(kept + 1, dtype=torch.float64) * from_first
    phase = torch.polar(torch.ones_like(turns), 2 * torch.pi * turns).to(torch.complex64)
    phase[-1] = 0
    return phase
