"""Doing one job for many files: a bad file is reported and the rest go on."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from napari_n2n.errors import N2NError

P = TypeVar("P")
R = TypeVar("R")


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


def for_each(
    paths: Sequence[Path], job: Callable[[Path], Generator[P, None, R]]
) -> Generator[FileProgress[P] | FileOutcome[R], None, list[FileOutcome[R]]]:
    """Run ``job`` for each of ``paths``; yields progress and outcomes, returns all outcomes.

    Errors we can explain end one file's job; any other error is a bug and ends them all.
    """
    outcomes: list[FileOutcome[R]] = []
    for number, path in enumerate(paths, 1):
        steps = job(path)
        outcome: FileOutcome[R]
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as done:
                    outcome = FileOutcome(path, result=done.value)
                    break
                yield FileProgress(path, number, len(paths), step)
        except N2NError as error:
            outcome = FileOutcome(path, error=error)
        finally:
            steps.close()
        outcomes.append(outcome)
        yield outcome
    return outcomes
