"""Every kind of training, short: what is true of one is tested of all."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import NETWORKS, TrainingConfig, preset
from napari_n2n.denoising.shipped_models.photographs import recipe
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.training.photograph_examples import PhotographNoise, Photographs
from napari_n2n.denoising.training.photographs import train_photographs_steps
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.denoising.unet import UNet
from napari_n2n.progress import Steps, Stop, never, run_to_end

from ..denoising.conftest import blobs, noisy_pair
from .card import sized

Recipe = Callable[[torch.device, int, Stop], Steps[Denoiser]]


@cache
def pairs() -> list[Pair]:
    return [noisy_pair(seed, side=sized(512, 64)) for seed in range(sized(4, 2))]


@cache
def photographs() -> Photographs:
    side = sized(512, 64)
    images = [
        (128 + 40 * np.stack([blobs(10 * n + c, side) for c in range(3)], axis=2))
        .clip(0, 255)
        .astype(np.uint8)
        for n in range(3)
    ]
    return Photographs(images, tuple(f"{n}.png" for n in range(3)))


def short(steps: int, **changes: object) -> TrainingConfig:
    """Return ``quick`` with few steps, of the network that is shipped."""
    size = {"crop": sized(128, 32), "working_pixel_size_angstrom": None, "from_scratch": True}
    # By steps alone: the learning rate would follow the clock as well.
    return preset("quick").replaced(steps=steps, max_seconds=None, **{**size, **changes})


def _halves(device: torch.device, steps: int, stop: Stop) -> Steps[Denoiser]:
    return train_steps(pairs(), short(steps), device=device, stop=stop)


def _paper(device: torch.device, steps: int, stop: Stop) -> Steps[Denoiser]:
    config = preset("paper").replaced(
        steps=steps, epochs=None, max_seconds=None, crop=sized(256, 32), batch=2
    )
    return train_steps(pairs(), config, device=device, stop=stop)


def _alone(pairing: str) -> Recipe:
    def steps_of(device: torch.device, steps: int, stop: Stop) -> Steps[Denoiser]:
        images = [SingleImage(pair.input, pair.pixel_size_angstrom) for pair in pairs()[:2]]
        config = short(steps, pairing=pairing)
        return train_steps(images, config, device=device, stop=stop)

    return steps_of


def _photographs(device: torch.device, steps: int, stop: Stop) -> Steps[Denoiser]:
    config = recipe("better", network="light", steps=steps, crop=sized(64, 32))
    return train_photographs_steps(
        photographs(), config, PhotographNoise(), device=str(device), stop=stop
    )


RECIPES: dict[str, Recipe] = {
    "halves": _halves,
    "paper": _paper,
    "subsets": _alone("subsets"),
    "blind_spot": _alone("blind_spot"),
    "photographs": _photographs,
}
"""Training on volumes becomes one more of these, as soon as there is one."""


def trained(name: str, device: torch.device, steps: int, stop: Stop = never) -> Denoiser:
    """Train so many steps and return what comes of them."""
    return run_to_end(RECIPES[name](device, steps, stop))


def made_up(network: str, seed: int = 3) -> Denoiser:
    """Return a denoiser with random weights."""
    torch.manual_seed(seed)
    return Denoiser(UNet(NETWORKS[network]).eval(), preset("quick"), None)
