"""Between an image's own grid and the working grid, by cropping or padding its Fourier transform.

A Fourier transform takes opposite edges for neighbours. Where they differ, by a slope of brightness
or because an image just ends, that jump would come out as waves along both, so each axis is
transformed together with its mirror image, as a cosine transform does it. (What
torch-fourier-rescale's ``fourier_rescale_2d`` makes of the mirrored image, 0.6.0, to rounding.)
"""

import torch
from torch import Tensor

# Pixels transformed at once: fewer, and planning a transform costs more than doing it.
_PIXELS_AT_ONCE = 1 << 22


def rescale(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resample ``image``, (..., y, x), to ``shape``; values stay on the same scale.

    The pixels at half the sides, rounded up, lie on each other, as in torch-fourier-rescale.
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
    """Return by how much each wave is turned, (kept + 1,); the last one, half of a pair, is 0."""
    # Twice as many pixels: their first ones match, and the middle one moves by half that share.
    share = _shift(side, length) / 2
    turns = torch.arange(kept + 1, dtype=torch.float64) * share
    phase = torch.polar(torch.ones_like(turns), 2 * torch.pi * turns).to(torch.complex64)
    phase[-1] = 0
    return phase


def _shift(side: int, new_side: int) -> float:
    """How far the middle pixel moves, as a share of the side, when both first pixels match."""
    return (side - side // 2) / side - (new_side - new_side // 2) / new_side
