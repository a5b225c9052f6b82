"""What can be measured, by name; each part yields its figures so far, whenever there are more."""

from collections.abc import Callable, Iterator
from typing import Any

from speed.bench import Bench
from speed.parts import (
    aligning,
    clicks,
    denoising,
    floor,
    growth,
    networks,
    opening,
    training,
    waiting,
)

Part = Callable[[Bench], Iterator[dict[str, Any]]]

PARTS: dict[str, Part] = {
    "opening": opening.measure,
    "denoising": denoising.measure,
    "aligning": aligning.measure,
    "training": training.measure,
    "networks": networks.measure,
    "floor": floor.measure,
    "growth": growth.measure,
    "clicks": clicks.measure,
    "waiting": waiting.measure,
}
