"""What a network has to multiply, by its config alone, and how fast the card multiplies."""

import torch

from card.bench import Bench
from card.timing import timed
from napari_n2n.denoising.config import NetworkConfig


def forward_multiply_adds(config: NetworkConfig) -> float:
    """Return the multiplications of one forward pass per pixel (voxel) of the image."""
    return sum(per_pixel for per_pixel, _ in _convolutions(config))


def step_multiply_adds(config: NetworkConfig) -> float:
    """Return those of a training step per pixel: results, gradients of weights, and of inputs.

    The first convolution's input is the image, which needs no gradient.
    """
    layers = _convolutions(config)
    return 3 * sum(per_pixel for per_pixel, _ in layers) - sum(
        per_pixel for per_pixel, first in layers if first
    )


def _convolutions(config: NetworkConfig) -> list[tuple[float, bool]]:
    """Return multiplications per pixel of every convolution, and whether it is the first."""
    shrink, kernel = 2**config.ndim, 3**config.ndim
    layers: list[tuple[float, bool]] = []

    def add(inputs: int, outputs: int, level: int) -> None:
        layers.append((inputs * outputs * kernel / shrink**level, not layers))

    channels, skips = config.in_channels, []
    for level, widths in enumerate(config.encoder):
        before = channels
        for width in widths:
            add(channels, width, level)
            channels = width
        skips.append(before if config.skips == "inputs" else channels)
    for i, widths in enumerate(config.decoder):
        level = len(config.decoder) - 1 - i
        if config.upsampling == "transposed":
            # Every pixel of the small image meets every weight.
            add(channels, channels, level + 1)
        channels += skips[level]
        for width in widths:
            add(channels, width, level)
            channels = width
    add(channels, config.out_channels, 0)
    return layers


def matrix_rate(bench: Bench, kind: torch.dtype) -> dict[str, float]:
    """Measure the multiply-adds a second of a large product of random matrices."""
    device, side = bench.on, bench.matrix_side
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    measured = timed(
        lambda: a @ b, device, repeats=bench.repeats, window_seconds=bench.window_seconds
    )
    return {**measured, "multiply_adds_per_second": side**3 / measured["seconds"]}
