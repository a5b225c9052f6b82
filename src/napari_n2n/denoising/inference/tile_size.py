"""How much of an image a network is given at once."""

import torch

from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import free_bytes

_LARGEST_TILE = 2048
# Multiplications a CPU is given at once: about a second's, so that a stop need not wait longer.
_CPU_LAYER_OPERATIONS = 5e10


def largest_tile(network: UNet, device: torch.device) -> int:
    """Side of the largest tile that fits into half of the free memory and can be stopped soon."""
    # At the finest level the joined features, the convolutions' results and their workspace
    # exist at once, as float32; coarser levels add a third.
    config = network.config
    channels = 2 * (sum(config.encoder[0]) + sum(config.decoder[-1]) + config.decoder[-1][0])
    pixels = free_bytes(device) / 2 / (channels * 4 * 4 / 3)
    if device.type == "cpu":
        finest = (*network.encoder[0].parameters(), *network.decoder[-1].parameters())
        pixels = min(pixels, _CPU_LAYER_OPERATIONS / max(weights.numel() for weights in finest))
    return max(config.size_multiple, min(_LARGEST_TILE, int(pixels**0.5) - 2 * network.halo))
