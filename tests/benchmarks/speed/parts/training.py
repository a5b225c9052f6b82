"""How fast trainings go, and how soon they reach a given correlation with the truth."""

from collections.abc import Callable, Iterator
from typing import Any

from speed.bench import Bench
from speed.figures import interleave
from speed.processes import ProcessFailed

TARGETS = (0.89, 0.94, 0.945)


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield steps/s and MP/s round by round, then quality against time for either start.

    Each budget is a training of its own, with its learning rate falling to the end of it: what a
    user gets who trains that long.
    """
    folder = bench.pairs()
    seconds = 3.0 if bench.quick else 30.0
    steps = 2 if bench.quick else 3
    crop = 160 if bench.quick else 640
    common = {"folder": folder}
    contenders: dict[str, Callable[[], dict[str, Any]]] = {
        "quick": lambda: bench.child(
            "training.speed", name="quick", steps=None, max_seconds=seconds, **common
        ),
        "paper": lambda: bench.child(
            "training.speed", name="paper", epochs=None, steps=steps, crop=crop, **common
        ),
        "paper, plain": lambda: bench.child(
            "training.paper_plain", seconds=seconds, crop=crop, **common
        ),
    }
    answer: dict[str, Any] = {"targets": TARGETS, "curves": {}, "notes": []}
    for rounds in interleave(contenders, bench.rounds):
        answer["rounds"] = rounds
        yield answer
    starts = {"from nothing": True, "from the general model": False}
    for budget in bench.budgets:
        for start, from_scratch in starts.items():
            try:
                point = bench.child(
                    "training.budget", seconds=budget, from_scratch=from_scratch, **common
                )
            except ProcessFailed as problem:
                note = f"Training {start} failed: {str(problem).splitlines()[-1]}"
                answer["notes"] = [*{*answer["notes"], note}]
                continue
            answer["curves"].setdefault(start, []).append({"budget": budget, **point})
            yield answer
