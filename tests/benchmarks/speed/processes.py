"""Running a command as a process of its own: how long it took, and the most memory it held."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import psutil

# Looking costs a little of what is measured.
_SECONDS_BETWEEN_LOOKS = 0.25
_MEBIBYTE = 2**20


class ProcessFailed(Exception):
    """A measured command ended with an error; the message holds the end of what it said."""


@dataclass(frozen=True)
class Finished:
    """A command that ran to its end.

    ``peak_megabytes`` is the resident memory (MiB) of the process with all its descendants.
    """

    seconds: float
    peak_megabytes: float
    output: str
    errors: str

    @property
    def figures(self) -> dict[str, float]:
        """What goes into the results."""
        return {
            "seconds": round(self.seconds, 4),
            "peak_megabytes": round(self.peak_megabytes, 1),
        }


def run(command: Sequence[str | os.PathLike[str]], environment: Mapping[str, str]) -> Finished:
    """Run ``command`` to its end with ``environment`` added to this process's own.

    Raises
    ------
    ProcessFailed
        It could not be started, or did not end with 0.
    """
    words = [os.fspath(word) for word in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(
                words, stdout=output, stderr=errors, env={**os.environ, **environment}
            )
        except OSError as problem:
            raise ProcessFailed(f"{words[0]} cannot be run: {problem}") from None
        family = _Family(process.pid)
        family.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        # Popen must not wait again for a process that is gone.
        process.returncode = os.waitstatus_to_exitcode(status)
        family.end()
        said = [_text(stream) for stream in (output, errors)]
    if process.returncode:
        raise ProcessFailed(
            f"{' '.join(words)} ended with {process.returncode}:\n{said[1][-2000:]}"
        )
    own_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    peak = max(own_bytes, family.peak_bytes) / _MEBIBYTE
    return Finished(seconds, peak, *said)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


class _Family(threading.Thread):
    """Watches the memory of a process and its descendants together.

    The kernel's own figure is exact for one process; a family's sum has to be looked at again and
    again, and may miss a short peak.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        with suppress(psutil.Error):
            parent = psutil.Process(self._pid)
            while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
                total = 0
                for member in (parent, *parent.children(recursive=True)):
                    with suppress(psutil.Error):
                        total += member.memory_info().rss
                self.peak_bytes = max(self.peak_bytes, total)

    def end(self) -> None:
        self._over.set()
        self.join()
