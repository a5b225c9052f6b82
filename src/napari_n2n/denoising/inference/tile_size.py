"""How much of an image a network is given at once."""

import torch

from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import free_bytes

_LARGEST_TILE = 2048
# Of volumes: 1.6 GB for the light network.
_LARGEST_TILE_VOXELS = 8_000_000
# Sections that a tile of a volume has if it reaches from end to end.
_DEEPEST_TILE = 400
# Multiplications a CPU is given at once: about a second's, so that a stop need not wait longer.
_CPU_LAYER_OPERATIONS = 5e10


def largest_tile(network: UNet, device: torch.device) -> int:
    """Side of the largest tile that fits into half of the free memory and can be stopped soon."""
    config = network.config
    pixels = _affordable(network, device)
    return max(config.size_multiple, min(_LARGEST_TILE, int(pixels**0.5) - 2 * network.halo))


def largest_volume_tile(
    network: UNet, shape: tuple[int, int, int], device: torch.device
) -> tuple[int, int, int]:
    """Sides (z, y, x) of the tiles of a volume of ``shape``, as even as can be.

    Along z they reach from end to end where that fits: most tomograms are flat, and what lies
    around a tile is worked on more than once.
    """
    multiple, halo = network.config.size_multiple, network.halo
    voxels = min(_LARGEST_TILE_VOXELS, _affordable(network, device))
    depth = shape[0] if shape[0] <= _DEEPEST_TILE else voxels ** (1 / 3) - 2 * halo
    read = min(shape[0], depth + 2 * halo)
    side = (voxels / read) ** 0.5
    # All of it at once needs nothing around it.
    side = max(shape[1:]) if side * side >= shape[1] * shape[2] else side - 2 * halo

    def even(length: int, most: float) -> int:
        pieces = max(1, -(-length // max(multiple, int(most))))
        return -(-length // (pieces * multiple)) * multiple

    z, y, x = even(shape[0], depth), even(shape[1], side), even(shape[2], side)
    return z, y, x


def _affordable(network: UNet, device: torch.device) -> float:
    """Return how many pixels or voxels can be given to ``network`` at once."""
    # At the finest level the joined features, the convolutions' results and their workspace
    # exist at once, as float32; coarser levels add a third.
    config = network.config
    channels = 2 * (sum(config.encoder[0]) + sum(config.decoder[-1]) + config.decoder[-1][0])
    pixels = free_bytes(device) / 2 / (channels * 4 * 4 / 3)
    if device.type == "cpu":
        pixels = min(pixels, _CPU_LAYER_OPERATIONS / network.heaviest_layer)
    return float(pixels)
