"""How torch's threads wait for each other: work beside nothing and beside busy processes."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from speed.bench import Bench
from speed.figures import interleave

_TOGETHER = "training, all threads at one operation, "
# What is measured, by its name: the environment, and whether threads share each operation.
TRAININGS: dict[str, tuple[Mapping[str, str], bool]] = {
    "training, a thread at each crop (what napari-n2n does)": ({"GOMP_SPINCOUNT": "1000"}, False),
    _TOGETHER + "waiting 1,000 turns (until 0.7)": ({"GOMP_SPINCOUNT": "1000"}, True),
    _TOGETHER + "waiting 100,000 turns": ({"GOMP_SPINCOUNT": "100000"}, True),
    _TOGETHER + "waiting for long (OMP_WAIT_POLICY=ACTIVE)": (
        {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": ""},
        True,
    ),
    _TOGETHER + "sleeping at once (OMP_WAIT_POLICY=PASSIVE)": (
        {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": ""},
        True,
    ),
}
_BUSY = "while True: pass"
_SIDE = 2048


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the rate of each kind of work, on a quiet and on a busy machine."""
    side = min(_SIDE, bench.side)
    micrograph = bench.micrographs(1, side)[0]
    movie = bench.movie(bending=False, side=side)
    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(_training, bench, environment, together)
        for name, (environment, together) in TRAININGS.items()
    }
    kinds[f"denoising a micrograph of {side}²"] = lambda: _per_minute(
        bench.child("denoising.in_memory", path=micrograph, model=None)["seconds"]
    )
    kinds[f"aligning a movie of {side}² × {bench.frames}"] = lambda: _per_minute(
        bench.child("aligning.ours", path=movie, output=bench.output("waiting") / "motion.npz")[
            "seconds"
        ]
    )
    contenders = {
        f"{state}: {name}": partial(_beside, busy, kind)
        for name, kind in kinds.items()
        for state, busy in (("quiet", 0), ("busy", bench.threads))
    }
    for rounds in interleave(contenders, bench.rounds):
        yield {"rounds": rounds, "kinds": list(kinds), "busy_processes": bench.threads}


def _training(bench: Bench, environment: Mapping[str, str], together: bool) -> dict[str, Any]:
    done = bench.child(
        "training.speed",
        folder=bench.pairs(),
        name="quick",
        steps=None,
        max_seconds=1.0 if bench.quick else 10.0,
        together=together,
        threads=bench.threads,
        environment=environment,
    )
    return _per_minute(1 / done["steps_per_second"])


def _per_minute(seconds: float) -> dict[str, Any]:
    return {"per_minute": 60 / seconds}


def _beside(busy: int, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    with ExitStack() as others:
        for _ in range(busy):
            other = subprocess.Popen([sys.executable, "-c", _BUSY])
            others.callback(other.wait)
            others.callback(other.kill)
        return work()
