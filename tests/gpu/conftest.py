import pytest
import torch

from .card import CARD, CPU


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Return the first card, or the CPU where there is none."""
    return torch.device("cuda:0") if CARD else CPU


# Before what a module trains once: sums of another number of threads differ in their last digits.
@pytest.fixture(autouse=True, scope="module")
def _one_thread_without_a_card(threads):
    if not CARD:
        threads(1)
