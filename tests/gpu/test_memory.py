"""When memory runs out: smaller tiles, or a sentence; and nothing is kept of what failed."""

import gc

import numpy as np
import pytest
import torch

from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.inference.faster_unet import ready
from napari_n2n.denoising.inference.tile_size import largest_tile
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.devices import free_bytes
from napari_n2n.errors import DeviceProblem
from napari_n2n.progress import run_to_end

from ..denoising.conftest import noisy_pair
from .card import CARD, assert_alike, filled, needs_card, no_memory_beyond, sized
from .recipes import made_up, pairs, short

NEAR = 0.01 if CARD else 1e-5


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return noisy_pair(6, side=sized(2000, 300)).input


def taken(device: torch.device) -> int:
    gc.collect()
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def test_tiles_are_halved_until_they_fit(image, device):
    denoiser = made_up("light")
    expected = denoise(image, denoiser, device=device)
    # Less than the whole image needs, more than the smallest tile and what it sees around itself.
    with no_memory_beyond(16 * sized(600, 290) ** 2):
        result = denoise(image, denoiser, device=device, tile=2048)
    assert_alike(result, expected, within=NEAR)


def test_too_little_for_anything_is_told_and_nothing_is_kept(image, device):
    denoiser = made_up("light")
    denoise(image, denoiser, device=device)  # what libraries take for good is taken now
    before = taken(device)
    with no_memory_beyond(100), pytest.raises(DeviceProblem, match="not enough memory"):
        denoise(image, denoiser, device=device)
    assert taken(device) == before
    denoise(image, denoiser, device=device)


def test_a_training_without_memory_says_so_and_nothing_is_kept(device):
    run_to_end(train_steps(pairs(), short(2), device=device))
    before = taken(device)
    with no_memory_beyond(100), pytest.raises(DeviceProblem, match="ran out of memory"):
        run_to_end(train_steps(pairs(), short(2), device=device))
    assert taken(device) == before
    run_to_end(train_steps(pairs(), short(1), device=device))


def test_memory_that_torch_keeps_counts_as_free(device):
    network = ready(made_up("paper").network, device)
    before = largest_tile(network, device)
    block = torch.empty(sized(2**33, 2**10), dtype=torch.uint8, device=device)
    del block
    assert free_bytes(device) > 0
    assert largest_tile(network, device) == pytest.approx(before, rel=0.2)


@needs_card
@pytest.mark.parametrize("tile", [None, 2048])
def test_a_card_that_is_really_full(image, device, tile):
    denoiser = made_up("paper")
    expected = denoise(image, denoiser, device=device, tile=512)
    with filled(device, leaving=300 * 2**20):
        result = denoise(image, denoiser, device=device, tile=tile)
    assert_alike(result, expected, within=NEAR)


@needs_card
def test_a_card_without_room_for_the_image_is_explained(image, device):
    denoise(image[:512, :512], made_up("paper"), device=device)
    before = taken(device)
    with filled(device, leaving=2**21), pytest.raises(DeviceProblem, match="memory"):
        denoise(image, made_up("paper"), device=device)
    assert taken(device) == before


@needs_card
def test_a_training_on_a_full_card_is_explained(device):
    config = preset("paper").replaced(steps=2, epochs=None, crop=512)
    run_to_end(train_steps(pairs(), config, device=device))
    before = taken(device)
    with filled(device, leaving=2**26), pytest.raises(DeviceProblem, match="out of memory"):
        run_to_end(train_steps(pairs(), config, device=device))
    assert taken(device) == before
