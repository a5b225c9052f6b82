"""The arithmetic floor: what a network has to multiply, and what this machine can."""

import time
from collections.abc import Callable

import torch
from torch import nn

from napari_n2n.denoising.config import NETWORKS
from napari_n2n.denoising.unet import UNet
from speed.tasks.models import denoiser_of

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def networks(model: str | None) -> dict[str, object]:
    """Count multiply-adds per pixel of the named networks and of the model's."""
    denoiser = denoiser_of(model)
    counted = {name: multiply_adds_per_pixel(UNet(config)) for name, config in NETWORKS.items()}
    return {
        "multiply_adds_per_pixel": counted,
        "model": {
            "multiply_adds_per_pixel": multiply_adds_per_pixel(denoiser.network),
            "working_pixel_size_angstrom": denoiser.working_pixel_size_angstrom,
            "parameters": denoiser.network.parameter_count,
        },
    }


@torch.no_grad()
def multiply_adds_per_pixel(network: UNet) -> float:
    """Count by hooks what the convolutions multiply in one forward pass, per pixel of the image."""
    side = 8 * network.config.size_multiple
    counts: list[int] = []

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        # A transposed convolution meets every pixel of its input with every weight.
        seen = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        counts.append(layer.weight.numel() * seen.shape[-1] * seen.shape[-2])

    handles = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, _CONVOLUTIONS)
    ]
    network(torch.zeros(1, network.config.in_channels, side, side))
    for handle in handles:
        handle.remove()
    return sum(counts) / side**2


@torch.no_grad()
def machine(side: int, seconds: float) -> dict[str, float]:
    """Measure multiply-adds a second (1e9) of matrix products and of a large convolution."""
    answers = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a, b = (torch.randn(side, side).to(kind) for _ in range(2))
        answers[f"{name}_matrix"] = _rate(lambda a=a, b=b: torch.mm(a, b), side**3, seconds)
    channels, field = 64, min(512, side)
    layer = nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
    image = torch.randn(1, channels, field, field).to(memory_format=torch.channels_last)
    answers["float32_convolution"] = _rate(
        lambda: layer(image), channels**2 * 9 * field**2, seconds
    )
    return {f"{name}_giga": round(rate / 1e9, 1) for name, rate in answers.items()}


def _rate(work: Callable[[], object], multiply_adds: int, seconds: float) -> float:
    work()
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return multiply_adds / best
