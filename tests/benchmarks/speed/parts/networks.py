"""How good other networks and other ways of training are after the same time, from nothing."""

from collections.abc import Iterator
from typing import Any

from speed.bench import Bench
from speed.processes import ProcessFailed

# Each differs from the preset `quick` in these settings alone; "width" and "levels" are of the
# light network, "loss" is tried here only.
VARIANTS: dict[str, dict[str, object]] = {
    "`quick`": {},
    "half as wide (8 to 32)": {"width": 0.5},
    "half again as wide (24 to 96)": {"width": 1.5},
    "4 levels, as the prototype had": {"levels": 4},
    "6 levels": {"levels": 6},
    "3 Å/px": {"working_pixel_size_angstrom": 3.0},
    "6 Å/px": {"working_pixel_size_angstrom": 6.0},
    "crops of 64²": {"crop": 64},
    "crops of 256²": {"crop": 256},
    "1 crop a step": {"batch": 1},
    "4 crops a step": {"batch": 4},
    "constant learning rate": {"schedule": "constant"},
    "learning rate halved": {"learning_rate": 1e-3},
    "no weight averaging": {"ema_decay": 0.0},
    "absolute error": {"loss": "absolute"},
    "the paper's network at 4 Å/px": {"network": "paper"},
}
SECONDS = (10.0, 60.0)


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield steps and correlation with the truth of each variant, a training for each length."""
    folder = bench.pairs()
    lengths = (3.0,) if bench.quick else SECONDS
    answer: dict[str, Any] = {"lengths": lengths, "variants": {}, "notes": []}
    for seconds in lengths:  # all of one length after each other, in case the machine changes
        for name, changes in VARIANTS.items():
            try:
                point = bench.child(
                    "training.variant", folder=folder, seconds=seconds, changes=changes
                )
            except ProcessFailed as problem:
                answer["notes"].append(f"{name}: {str(problem).splitlines()[-1]}")
                continue
            answer["variants"].setdefault(name, []).append({"budget": seconds, **point})
            yield answer
