"""Timing a device that answers before it has done the work."""

import statistics
import time
from collections.abc import Callable

import torch


def synchronise(device: torch.device) -> None:
    """Wait until ``device`` has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def once(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds from an idle device to an idle device."""
    synchronise(device)
    started = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - started


def timed(
    work: Callable[[], object],
    device: torch.device,
    *,
    repeats: int,
    window_seconds: float = 0.0,
    warm: int = 2,
) -> dict[str, float]:
    """Time ``work`` so many times, each time as often in a row as fills the window.

    Returns the median of the seconds of one call, the least and the most, and how many calls a
    time was the mean of.
    """
    for _ in range(warm):
        work()
    alone = once(work, device)
    count = max(1, round(window_seconds / max(alone, 1e-6)))

    def all_of_them() -> None:
        for _ in range(count):
            work()

    seconds = [once(all_of_them, device) / count for _ in range(repeats)]
    return {
        "seconds": statistics.median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "repeats": repeats,
        "calls": count,
    }
