"""Denoising that is not done by a command of its own: the plain way, and inside one process."""

import time
from pathlib import Path

import mrcfile
import numpy as np
import torch

from napari_n2n.denoising.config import PAPER_NETWORK
from napari_n2n.denoising.tiling import tiles
from napari_n2n.denoising.unet import UNet, pad_to_multiple

_TILE_PX = 640


@torch.no_grad()
def paper_plain(path: str, output: str) -> dict[str, float]:
    """Run the paper's network over a micrograph: float32, full resolution, a tile at a time.

    Its weights are random: time and memory do not depend on them.
    """
    network = UNet(PAPER_NETWORK).eval()
    with mrcfile.open(path) as file:
        image = torch.from_numpy(np.array(file.data, np.float32))
    image = (image - image.min()) / (image.max() - image.min())
    multiple = PAPER_NETWORK.size_multiple
    padded = pad_to_multiple(image[None, None], multiple)
    height, width = padded.shape[2:]
    result = torch.empty(height, width)
    for tile in tiles((height, width), _TILE_PX, network.halo, multiple):
        seen = network(padded[(slice(None), slice(None), *tile.read)])
        result[tile.write] = seen[(0, 0, *tile.inner)]
    with mrcfile.new(output, overwrite=True) as file:
        file.set_data(result[: image.shape[0], : image.shape[1]].numpy())
    return {"halo_px": network.halo}


def in_memory(path: str, model: str | None, times: int = 3) -> dict[str, object]:
    """Denoise a micrograph that is in memory with a network that is warm; the shortest counts."""
    from napari_n2n.denoising.inference.denoising import denoise
    from napari_n2n.io import read_micrograph
    from speed.tasks.models import denoiser_of

    denoiser = denoiser_of(model)
    micrograph = read_micrograph(Path(path))
    taken = []
    for _ in range(times + 1):
        started = time.perf_counter()
        denoise(
            micrograph.pixels,
            denoiser,
            pixel_size_angstrom=micrograph.pixel_size_angstrom,
            device="cpu",
        )
        taken.append(time.perf_counter() - started)
    return {"seconds": min(taken[1:]), "first_seconds": taken[0]}
