"""Files that wait to be screened: threads add, the screening takes, and a person has a say."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Queue:
    """Files in the order in which they will be taken. Any thread may call any method.

    Parameters
    ----------
    paths
        To begin with. Links among the folders are followed, as a session does: a file that the
        session names is found again.
    open
        How many may still bring some, so that `screen` waits for them when there are none; until
        each of them calls `close`.
    """

    def __init__(self, paths: Iterable[Path | str] = (), *, open: int = 0) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._open = open
        self._paused = False
        self.add(paths)

    def add(self, paths: Iterable[Path | str]) -> int:
        """Put files at the end, and return how many were not waiting yet.

        A file that was taken before may come again: if nothing has changed, it is done at once.
        """
        added = _named(paths)
        with self._changed:
            before = len(self._waiting)
            for path in added:
                self._waiting.setdefault(path)
            self._changed.notify_all()
            return len(self._waiting) - before

    def prefer(self, path: Path | str) -> bool:
        """Let a file be the next to be taken; False if it does not wait."""
        (path,) = _named([path])
        with self._changed:
            if path not in self._waiting:
                return False
            self._waiting.move_to_end(path, last=False)
            return True

    def remove(self, paths: Iterable[Path | str]) -> int:
        """Let files wait no longer, and return how many did."""
        removed = _named(paths)
        with self._changed:
            before = len(self._waiting)
            for path in removed:
                self._waiting.pop(path, None)
            return before - len(self._waiting)

    def waiting(self) -> tuple[Path, ...]:
        """Return the files that wait, the next one first."""
        with self._changed:
            return tuple(self._waiting)

    def __len__(self) -> int:
        """How many files wait."""
        with self._changed:
            return len(self._waiting)

    def pause(self) -> None:
        """Let the work rest, also on the file that is in hand."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Let the work go on."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    @property
    def is_paused(self) -> bool:
        """Whether the work rests."""
        with self._changed:
            return self._paused

    def close(self) -> None:
        """Say that no more will come from one of those: after the last, it ends with the queue."""
        with self._changed:
            self._open = max(0, self._open - 1)
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and no more will come."""
        with self._changed:
            return not self._open and not self._waiting

    def take(self) -> Path | None:
        """Take the next file; None while there is none or the work rests."""
        with self._changed:
            if self._paused or not self._waiting:
                return None
            return self._waiting.popitem(last=False)[0]

    def wait(self, seconds: float) -> None:
        """Wait until there is something to do, for so long at the most."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._paused and (bool(self._waiting) or not self._open), seconds
            )


def _named(paths: Iterable[Path | str]) -> list[Path]:
    """Name files as a session names them, asking for each folder once only."""
    folders: dict[Path, Path] = {}
    named = []
    for path in paths:
        file = Path(path).absolute()
        if file.parent not in folders:
            folders[file.parent] = Path(os.path.realpath(file.parent))
        named.append(folders[file.parent] / file.name)
    return named
