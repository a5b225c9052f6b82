"""New files of a folder, taken once they are complete, in the order in which they arrive.

The operating system tells of changes through the library watchfiles. It does not tell of what
another computer writes to a network disk, and forgets what comes in too great a rush, so the
folder is also looked through every second: what the system tells only makes that sooner.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io import inspect_file
from napari_n2n.io.finding import IMAGES, files_in
from napari_n2n.progress import Stop, never

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

REST_SECONDS = 3.0
"""How long a file must not have changed to count as written."""

PATIENCE_SECONDS = 60.0
"""How long a file whose header does not agree with its size may lie still before it is given up."""

_LOOK_SECONDS = 1.0

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in ns."""


def watch(
    folder: Path | str,
    patterns: Sequence[str] = IMAGES,
    stop: Stop = never,
    *,
    rest_seconds: float = REST_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Generator[Path, None, None]:
    """Yield the files of a folder as they are complete; those that are there already come first.

    A file is complete when its size and time have not changed for `rest_seconds` and its header
    agrees with its size. Until then it waits, and others go ahead of it; among complete ones the
    first to arrive is the first to be taken. One that lies still for `patience_seconds` and is
    not sound even so is yielded as well: it is torn, and whoever opens it will say so. One that
    changes after it was yielded is yielded again, where the system tells of it.

    Waiting is silent: consume this in a thread of its own.

    Parameters
    ----------
    folder
        Its files, not those of folders within.
    patterns
        Of names, as ``"*.tif"``; small and capital letters are the same. Names that begin with a
        dot are files being written, and never taken.
    stop
        Once true, this ends within a tenth of a second.
    rest_seconds, patience_seconds
        See above.

    Raises
    ------
    UnreadableFile
        There is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fault = "is a file, not a folder" if folder.exists() else "does not exist"
        raise UnreadableFile(folder, fault, "Give the folder that the files are written to.")
    arrivals = Arrivals(rest_seconds, patience_seconds)
    last_seen = time.monotonic()
    for changed in _changes(folder, stop, min(_LOOK_SECONDS, max(rest_seconds / 2, 0.05))):
        arrivals.reconsider(changed)
        try:
            files = files_in(folder, patterns, by_age=True, but=arrivals.taken)
        except UnreadableFile:
            # A network disk may be away for a while.
            if time.monotonic() - last_seen > patience_seconds:
                raise
            continue
        last_seen = time.monotonic()
        arrivals.look(files, last_seen)
        for path in arrivals.complete(last_seen):
            yield path
            if stop():
                return


@dataclass
class _File:
    """A file that is not complete yet: its stamp, and since when that has stood still."""

    stamp: Stamp
    still_since: float


class Arrivals:
    """Decides which files are complete; knows no clock of its own.

    Parameters
    ----------
    rest_seconds, patience_seconds
        See `watch`.
    """

    def __init__(self, rest_seconds: float, patience_seconds: float) -> None:
        self._rest = rest_seconds
        self._patience = max(patience_seconds, rest_seconds)
        self._waiting: dict[Path, _File] = {}  # in the order of their arrival
        self._given: dict[Path, Stamp] = {}
        self._given_up: set[Path] = set()

    @property
    def waiting(self) -> tuple[Path, ...]:
        """Files that are not complete yet, first to arrive first."""
        return tuple(self._waiting)

    @property
    def taken(self) -> Mapping[Path, Stamp]:
        """Files that were complete, as they were then."""
        return self._given

    def look(self, files: Iterable[Path], now: float) -> None:
        """Take note of the files that are there, in the order of their arrival, at `now` in s."""
        # Of files that were given up unfinished nothing else may tell that they go on.
        for path in [*self._given_up]:
            if _stamp(path) != self._given.get(path):
                self._given_up.discard(path)
                self._given.pop(path, None)
                files = (path, *files)
        there = [path for path in dict.fromkeys(files) if path not in self._given]
        for path in self._waiting.keys() - set(there):
            del self._waiting[path]
        for path in there:
            stamp = _stamp(path)
            known = self._waiting.get(path)
            if stamp is None:
                self._waiting.pop(path, None)
            elif known is None:
                self._waiting[path] = _File(stamp, now)
            elif known.stamp != stamp:
                known.stamp, known.still_since = stamp, now

    def complete(self, now: float) -> list[Path]:
        """Return the files that can be taken now, each once, the first to arrive first."""
        taken = []
        for path, file in [*self._waiting.items()]:
            still = now - file.still_since
            if still < self._rest:
                continue
            sound = _is_sound(path)
            if not sound and still < self._patience:
                continue
            if _stamp(path) != file.stamp:  # it was touched while its header was read
                continue
            del self._waiting[path]
            self._given[path] = file.stamp
            if not sound:
                self._given_up.add(path)
            taken.append(path)
        return taken

    def reconsider(self, changed: Iterable[Path]) -> None:
        """Let files that were taken and have changed since wait once more."""
        for path in changed:
            given = self._given.get(path)
            if given is not None and _stamp(path) != given:
                del self._given[path]


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _is_sound(path: Path) -> bool:
    """Whether the header can be read and agrees with the file's size."""
    try:
        inspect_file(path)
    except N2NError:
        return False
    return True


class _Stop:
    """``stop`` as watchfiles wants it."""

    def __init__(self, stop: Stop) -> None:
        self.is_set = stop


def _changes(folder: Path, stop: Stop, every_seconds: float) -> Generator[set[Path], None, None]:
    """Yield what has changed, at least `every_seconds`; nothing changed is an empty set."""
    from watchfiles import watch as watch_changes

    yield set()
    milliseconds = round(every_seconds * 1000)
    try:
        for changes in watch_changes(
            folder,
            watch_filter=None,
            debounce=milliseconds,
            stop_event=_Stop(stop),
            rust_timeout=milliseconds,
            yield_on_timeout=True,
            recursive=False,
        ):
            yield {folder / Path(name).name for _, name in changes}
    except (OSError, RuntimeError):  # the latter is how watchfiles tells of its own faults
        # The system has no more watches to give, or the folder has gone: looking still works,
        # and tells what is wrong if it does not.
        while not stop():
            time.sleep(min(every_seconds, 0.1))
            yield set()
