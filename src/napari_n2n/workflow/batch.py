"""Doing one job for many files: a bad file is reported and the rest go on."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from napari_n2n.background import BackgroundTask
from napari_n2n.errors import N2NError, told_of
from napari_n2n.progress import Progress, Steps, Stop, passed_on

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class FileOutcome(Generic[R]):
    """How the job for ``path`` ended: with a ``result``, or with an ``error`` that says why not."""

    path: Path
    result: R | None = None
    error: N2NError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress(Progress):
    """``step`` of the job for ``path``, the ``number``-th (from 1) of ``count`` files.

    The last of each file has its ``outcome``.
    """

    path: Path
    number: int
    count: int
    step: Progress
    outcome: FileOutcome[Any] | None = None

    @classmethod
    def of(
        cls,
        step: Progress,
        path: Path,
        number: int,
        count: int,
        outcome: FileOutcome[Any] | None = None,
    ) -> "FileProgress":
        """Return ``step``, with whose it is."""
        return cls(
            step.stage,
            step.done,
            step.total,
            step.seconds_left,
            path=path,
            number=number,
            count=count,
            step=step,
            outcome=outcome,
        )

    @property
    def text(self) -> str:
        """Which file of how many, and what goes on with it."""
        of_all = f" ({self.number} of {self.count})" if self.count > 1 else ""
        return f"{self.path.name}{of_all}: {self.step.text}"


class Stages(Protocol[R_co]):
    """A job in three parts, of which the outer two run in threads beside other files' middles."""

    def load(self, path: Path) -> Any:
        """Read what there is to read; whatever it returns is given to `compute`."""
        ...

    def compute(self, path: Path, loaded: Any) -> Steps[Any]:
        """Do the work, yielding progress; whatever it returns is given to `store`."""
        ...

    def store(self, path: Path, computed: Any) -> R_co:
        """Write the result, whole or not at all."""
        ...


def for_each_steps(
    paths: Sequence[Path], job: Callable[[Path], Steps[R]]
) -> Generator[FileProgress, None, list[FileOutcome[R]]]:
    """Run ``job`` for each of ``paths``; yields whose progress it is, returns all outcomes.

    Errors we can explain end one file's job; any other error is a bug and ends them all.
    """
    outcomes: list[FileOutcome[R]] = []
    for number, path in enumerate(paths, 1):
        try:
            result = yield from _reported(job(path), path, number, len(paths))
            outcome = FileOutcome(path, result=result)
        except N2NError as error:
            outcome = FileOutcome(path, error=told_of(path, error))
        outcomes.append(outcome)
        yield FileProgress.of(_DONE, path, number, len(paths), outcome)
    return outcomes


def for_each_overlapped_steps(
    paths: Sequence[Path], job: Stages[R], *, stop: Stop
) -> Generator[FileProgress, None, list[FileOutcome[R]]]:
    """Do as `for_each_steps`, but read the next file and write the last one beside the work.

    No more than one file is read ahead and no more than one waits to be written, so that memory
    does not grow with the list. Outcomes come in the order of ``paths``. However this ends, no
    write is left half done: one that has begun is finished first.

    Raises
    ------
    Interrupted
        ``stop`` became true while a thread was waited for, or as the job raises it.
    """
    outcomes: list[FileOutcome[R]] = []
    readers = (BackgroundTask(partial(job.load, path), daemon=True) for path in paths)
    reading = next(readers, None)
    writing: tuple[Path, BackgroundTask[R]] | None = None

    def ended(outcome: FileOutcome[R]) -> FileProgress:
        outcomes.append(outcome)
        return FileProgress.of(_DONE, outcome.path, len(outcomes), len(paths), outcome)

    try:
        for number, path in enumerate(paths, 1):
            assert reading is not None
            current = reading
            current.wait(stop)
            reading = next(readers, None)  # not earlier: one ahead is enough
            outcome: FileOutcome[R] | None = None
            try:
                steps = job.compute(path, current.result())
                computed = yield from _reported(steps, path, number, len(paths))
            except N2NError as error:
                outcome = FileOutcome(path, error=told_of(path, error))
            if writing is not None:
                written = _written(*writing, stop)
                writing = None
                yield ended(written)
            if outcome is not None:
                yield ended(outcome)
            else:
                writing = path, BackgroundTask(partial(job.store, path, computed))
                del computed  # the writer's alone
        if writing is not None:
            written = _written(*writing, stop)
            writing = None
            yield ended(written)
        return outcomes
    finally:
        if writing is not None:
            writing[1].finish()


_DONE = Progress("done", 1, 1)


def _written(path: Path, writing: "BackgroundTask[R]", stop: Stop) -> FileOutcome[R]:
    writing.wait(stop)
    try:
        return FileOutcome(path, result=writing.result())
    except N2NError as error:
        return FileOutcome(path, error=told_of(path, error))


def _reported(
    steps: Steps[R], path: Path, number: int, count: int
) -> Generator[FileProgress, None, R]:
    """Run ``steps`` to their end and return their result, saying whose they are."""
    return passed_on(steps, lambda step: (FileProgress.of(step, path, number, count),))
