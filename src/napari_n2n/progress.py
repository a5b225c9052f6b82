"""The seam between long work and whoever watches it.

Long work is a generator: it yields small frozen progress objects and *returns* its result.
The command line, the worker thread and the tests all consume the same generator.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

P = TypeVar("P")
Q = TypeVar("Q")
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


def passed_on(
    steps: Generator[P, None, R], told: Callable[[P], Iterable[Q]]
) -> Generator[Q, None, R]:
    """Run ``steps`` and return their result, yielding what is to be ``told`` of each."""
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            yield from told(step)
    finally:
        steps.close()


def run_to_end(steps: Generator[P, None, R], on_progress: Callable[[P], object] | None = None) -> R:
    """Consume ``steps``, hand each progress object to ``on_progress``, return the result."""
    quiet = passed_on(steps, lambda step: () if on_progress is None else (on_progress(step),))
    while True:
        try:
            next(quiet)
        except StopIteration as end:
            result: R = end.value
            return result


def stoppable(
    steps: Generator[P, None, R], stop: Callable[[], bool], stopped: type[Exception]
) -> Generator[P, None, R]:
    """Run ``steps``, and close them with the error ``stopped`` as soon as ``stop()`` is true."""

    def require_going() -> None:
        if stop():
            raise stopped

    def told(step: P) -> Iterator[P]:
        yield step
        require_going()

    try:
        require_going()
        return (yield from passed_on(steps, told))
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
