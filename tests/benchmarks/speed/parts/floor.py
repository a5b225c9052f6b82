"""The arithmetic floor: what must be multiplied, over what this machine can multiply."""

from collections.abc import Iterator
from typing import Any

from speed.bench import Bench


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield counts, the machine's rates round by round, and the time of denoising in memory.

    The shares are computed where the page is made, from these and from the other parts.
    """
    (micrograph,) = bench.micrographs(1)
    answer: dict[str, Any] = bench.child("rates.networks", model=bench.model)
    side, seconds = (1024, 0.5) if bench.quick else (4096, 5.0)
    answer["rates"], answer["in_memory"] = [], []
    for _ in range(bench.rounds):
        answer["rates"].append(bench.child("rates.machine", side=side, seconds=seconds))
        answer["in_memory"].append(
            bench.child("denoising.in_memory", path=micrograph, model=bench.model)
        )
        yield answer
