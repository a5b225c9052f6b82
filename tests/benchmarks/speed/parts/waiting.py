"""How torch's threads wait for each other: training beside nothing and beside busy processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from speed.bench import Bench
from speed.figures import interleave

WAYS = {
    "spin for long (OMP_WAIT_POLICY=ACTIVE)": {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": ""},
    "spin for 100,000 turns": {"GOMP_SPINCOUNT": "100000"},
    "spin for 1,000 turns (what napari-n2n sets)": {"GOMP_SPINCOUNT": "1000"},
    "sleep at once (OMP_WAIT_POLICY=PASSIVE)": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": ""},
}
_BUSY = "while True: pass"


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield steps/s of ``quick`` for each way of waiting, on a quiet and on a busy machine."""
    contenders = {
        f"{state}: {way}": lambda busy=busy, environment=environment: _steps(
            bench, busy, environment
        )
        for way, environment in WAYS.items()
        for state, busy in (("quiet", 0), ("busy", bench.threads))
    }
    for rounds in interleave(contenders, bench.rounds):
        yield {"rounds": rounds, "ways": list(WAYS), "busy_processes": bench.threads}


def _steps(bench: Bench, busy: int, environment: dict[str, str]) -> dict[str, Any]:
    with ExitStack() as others:
        for _ in range(busy):
            other = subprocess.Popen([sys.executable, "-c", _BUSY])
            others.callback(other.wait)
            others.callback(other.kill)
        done = bench.child(
            "training.speed",
            folder=bench.pairs(),
            name="quick",
            steps=None,
            max_seconds=1.0 if bench.quick else 10.0,
            threads=bench.threads,
            environment=environment,
        )
    return {"steps_per_second": done["steps_per_second"]}
