import pytest
import torch

from .card import CARD, CPU


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Return the first card, or the CPU where there is none."""
    return torch.device("cuda:0") if CARD else CPU


@pytest.fixture(autouse=True)
def _one_thread_without_a_card():
    before = torch.get_num_threads()
    if not CARD:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
