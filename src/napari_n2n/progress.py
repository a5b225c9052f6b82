"""The seam between long work and whoever watches it.

Long work is a generator: it yields small frozen `Progress` objects and *returns* its result. Such
a function is called ``x_steps``; where people use it by hand, an ``x`` beside it runs to the end
and returns the result. The command line, the worker thread, a notebook and the tests all consume
the same generator.

To stop it, long work takes a `Stop`, asks it often, and raises `Interrupted`.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

P = TypeVar("P", bound="Progress")
Q = TypeVar("Q", bound="Progress")
R = TypeVar("R")

Stop = Callable[[], bool]
"""Whether to stop. It is asked many times a second, from any thread."""


def never() -> bool:
    """Do not stop: what `Stop` is where nobody may ask for it."""
    return False


class Interrupted(Exception):
    """Someone asked to stop, and there is no result; the step under way counts as not begun."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``done`` of ``total`` units of ``stage``.

    ``seconds_left`` is None until it can be said.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """The share that is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def text(self) -> str:
        """What goes on, in a few words."""
        return self.stage

    @property
    def sentence(self) -> str:
        """What goes on, as a sentence that stands alone."""
        stage = self.stage[:1].upper() + self.stage[1:]
        return f"{stage} ({self.done} of {self.total})" if self.total > 1 else f"{stage}…"


Steps = Generator[Progress, None, R]
"""Long work that returns an ``R``: ``Steps[Halves]``."""


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


def require_going(stop: Stop) -> None:
    """Go on, unless somebody wants to stop.

    Raises
    ------
    Interrupted
        ``stop()`` is true.
    """
    if stop():
        raise Interrupted


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
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            if on_progress is not None:
                on_progress(step)
    finally:
        steps.close()


def stoppable(steps: Generator[P, None, R], stop: Stop) -> Generator[P, None, R]:
    """Run ``steps``, and close them as soon as ``stop()`` is true.

    Raises
    ------
    Interrupted
        They were closed before their end.
    """

    def told(step: P) -> Iterator[P]:
        yield step
        require_going(stop)

    try:
        require_going(stop)
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
