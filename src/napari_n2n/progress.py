"""The seam between long work and whoever watches it.

Long work is a generator: it yields small frozen progress objects and *returns* its result.
The command line, the worker thread and the tests all consume the same generator.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``done`` of ``total`` units of ``stage``.

    ``seconds_left`` is None until it can be said.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


class Stopwatch:
    """Estimates the time left from the time taken so far."""

    def __init__(self) -> None:
        self._start = monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since this stopwatch was made."""
        return monotonic() - self._start

    def progress(self, stage: str, done: int, total: int) -> Progress:
        """``done`` of ``total`` units are behind us; the rest will take as long each."""
        left = self.elapsed_seconds / done * (total - done) if done else None
        return Progress(stage, done, total, left)


def run_to_end(steps: Generator[P, None, R], on_progress: Callable[[P], object] | None = None) -> R:
    """Consume ``steps``, hand each progress object to ``on_progress``, return the result."""
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: R = stop.value
                return result
            if on_progress is not None:
                on_progress(step)
    finally:
        steps.close()


def stoppable(
    steps: Generator[P, None, R], stop: Callable[[], bool], stopped: type[Exception]
) -> Generator[P, None, R]:
    """Run ``steps``, and close them with the error ``stopped`` as soon as ``stop()`` is true."""
    try:
        while True:
            if stop():
                raise stopped
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            yield step
    finally:
        steps.close()


def format_seconds(seconds: float) -> str:
    """Say a duration as a person would: ``45 s``, ``3 min 10 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
