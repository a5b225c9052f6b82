"""Doing one job for many files: a bad file is reported and the rest go on."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from napari_n2n.background import BackgroundTask
from napari_n2n.errors import N2NError
from napari_n2n.progress import passed_on

P = TypeVar("P")
R = TypeVar("R")
P_co = TypeVar("P_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class FileProgress(Generic[P]):
    """``step`` of the job for ``path``, the ``number``-th (from 1) of ``count`` files."""

    path: Path
    number: int
    count: int
    step: P


@dataclass(frozen=True)
class FileOutcome(Generic[R]):
    """How the job for ``path`` ended: with a ``result``, or with an ``error`` that says why not."""

    path: Path
    result: R | None = None
    error: N2NError | None = None


class Stages(Protocol[P_co, R_co]):
    """A job in three parts, of which the outer two run in threads beside other files' middles."""

    def load(self, path: Path) -> Any:
        """Read what there is to read; whatever it returns is given to `compute`."""
        ...

    def compute(self, path: Path, loaded: Any) -> Generator[P_co, None, Any]:
        """Do the work, yielding progress; whatever it returns is given to `store`."""
        ...

    def store(self, path: Path, computed: Any) -> R_co:
        """Write the result, whole or not at all."""
        ...


def for_each(
    paths: Sequence[Path], job: Callable[[Path], Generator[P, None, R]]
) -> Generator[FileProgress[P] | FileOutcome[R], None, list[FileOutcome[R]]]:
    """Run ``job`` for each of ``paths``; yields progress and outcomes, returns all outcomes.

    Errors we can explain end one file's job; any other error is a bug and ends them all.
    """
    outcomes: list[FileOutcome[R]] = []
    for number, path in enumerate(paths, 1):
        try:
            result = yield from _reported(job(path), path, number, len(paths))
            outcomes.append(FileOutcome(path, result=result))
        except N2NError as error:
            outcomes.append(FileOutcome(path, error=error))
        yield outcomes[-1]
    return outcomes


def for_each_overlapped(
    paths: Sequence[Path],
    job: Stages[P, R],
    *,
    stop: Callable[[], bool],
    stopped: type[Exception],
) -> Generator[FileProgress[P] | FileOutcome[R], None, list[FileOutcome[R]]]:
    """Do as `for_each`, but read the next file and write the last one beside the work.

    No more than one file is read ahead and no more than one waits to be written, so that memory
    does not grow with the list. Outcomes come in the order of ``paths``. Once ``stop()`` is true
    while a thread is waited for, ``stopped`` is raised. However this ends, no write is left half
    done: one that has begun is finished first.
    """
    outcomes: list[FileOutcome[R]] = []
    readers = (BackgroundTask(partial(job.load, path), daemon=True) for path in paths)
    reading = next(readers, None)
    writing: tuple[Path, BackgroundTask[R]] | None = None
    try:
        for number, path in enumerate(paths, 1):
            assert reading is not None
            current = reading
            current.wait(stop, stopped)
            reading = next(readers, None)  # not earlier: one ahead is enough
            outcome: FileOutcome[R] | None = None
            try:
                steps = job.compute(path, current.result())
                computed = yield from _reported(steps, path, number, len(paths))
            except N2NError as error:
                outcome = FileOutcome(path, error=error)
            if writing is not None:
                outcomes.append(_written(*writing, stop, stopped))
                writing = None
                yield outcomes[-1]
            if outcome is not None:
                outcomes.append(outcome)
                yield outcome
            else:
                writing = path, BackgroundTask(partial(job.store, path, computed))
                del computed  # the writer's alone
        if writing is not None:
            outcomes.append(_written(*writing, stop, stopped))
            writing = None
            yield outcomes[-1]
        return outcomes
    finally:
        if writing is not None:
            writing[1].finish()


def _written(
    path: Path, writing: "BackgroundTask[R]", stop: Callable[[], bool], stopped: type[Exception]
) -> FileOutcome[R]:
    writing.wait(stop, stopped)
    try:
        return FileOutcome(path, result=writing.result())
    except N2NError as error:
        return FileOutcome(path, error=error)


def _reported(
    steps: Generator[P, None, R], path: Path, number: int, count: int
) -> Generator[FileProgress[P], None, R]:
    """Run ``steps`` to their end and return their result, saying whose they are."""
    return passed_on(steps, lambda step: (FileProgress(path, number, count, step),))
