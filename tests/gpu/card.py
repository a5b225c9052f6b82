"""The device that the tests of this folder compare with the CPU, and how large they are on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

CARD = torch.cuda.is_available()
"""Without one, all that can be is run on the CPU, with images so small that it takes seconds."""

needs_card = pytest.mark.skipif(not CARD, reason="there is no card whose memory could be filled")

CPU = torch.device("cpu")


def sized(on_card: int, on_cpu: int) -> int:
    """Return how large or how many something is here."""
    return on_card if CARD else on_cpu


def assert_alike(result, reference, within: float) -> None:
    """Compare by the root mean square of the difference, in deviations of the reference."""
    ours, theirs = (
        np.asarray(a.detach().float().cpu() if isinstance(a, torch.Tensor) else a, np.float64)
        for a in (result, reference)
    )
    assert ours.shape == theirs.shape
    difference = np.sqrt(np.mean((ours - theirs) ** 2)) / theirs.std()
    assert difference <= within, f"{difference:.2e} of a deviation, more than {within:.0e}"


def assert_same_weights(first, second) -> None:
    theirs = second.network.state_dict()
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor.cpu(), theirs[name].cpu()), name


@contextmanager
def no_memory_beyond(numbers: int) -> Iterator[None]:
    """Let memory run out in every convolution that is given more than so many numbers."""

    def refuse(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, nn.Conv2d) and inputs[0].numel() > numbers:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.99 GiB.")

    handle = nn.modules.module.register_module_forward_pre_hook(refuse)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def filled(device: torch.device, leaving: int) -> Iterator[None]:
    """Take all memory of the card but ``leaving`` bytes, in blocks that stay where they are."""
    torch.cuda.empty_cache()
    blocks = []
    for size in (2**30, 2**26, 2**21):
        while torch.cuda.mem_get_info(device)[0] - leaving >= size:
            blocks.append(torch.empty(size, dtype=torch.uint8, device=device))
    try:
        yield
    finally:
        blocks.clear()
        torch.cuda.empty_cache()
