"""Running one part after the other, each in its own process and only for so long."""

import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from card.bench import Bench, Note

# Forked processes need not import torch again.
CONTEXT = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
# The next part needs not wait for what has ended long ago.
_SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Part:
    """Something that is measured; it may take ``limit_seconds`` at most."""

    name: str
    work: Callable[[Bench, Note], None]
    limit_seconds: float


class Record:
    """The figures of a run, on disk after every one that is told."""

    def __init__(self, path: Path, frame: dict[str, object]) -> None:
        self._path = path
        self.content: dict[str, object] = {**frame, "complete": False, "parts": {}}
        self.write()

    def part(self, name: str) -> dict[str, object]:
        """Return what is known of a part; whoever changes it calls `write`."""
        parts = self.content["parts"]
        assert isinstance(parts, dict)
        found: dict[str, object] = parts.setdefault(
            name, {"complete": False, "seconds": None, "problem": None, "figures": {}}
        )
        return found

    def write(self) -> None:
        """Write everything, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part")
        beside.write_text(json.dumps(self.content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        beside.replace(self._path)


def run_part(part: Part, bench: Bench, record: Record, most_seconds: float) -> bool:
    """Run one part, keep what it tells as it tells it; returns whether it came to its end."""
    entry = record.part(part.name)
    figures = entry["figures"]
    assert isinstance(figures, dict)
    limit = min(part.limit_seconds * bench.patience, most_seconds)
    started = time.monotonic()
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(part.work, bench, sender), name=part.name)
    process.start()
    sender.close()
    try:
        while True:
            left = limit - (time.monotonic() - started)
            if not receiver.poll(max(0.0, left)):
                entry["problem"] = f"ended after {limit:.0f} s"
                break
            kind, told = receiver.recv()
            if kind == "figures":
                figures.update(told)
                record.write()
                continue
            entry["complete"], entry["problem"] = kind == "end", told
            break
    except EOFError:
        entry["problem"] = "ended by itself, without a word"
    finally:
        if entry["complete"]:
            process.join(_SECONDS_TO_END)
        process.kill()
        process.join()
        entry["seconds"] = round(time.monotonic() - started, 2)
        record.write()
    return bool(entry["complete"])


def _work(work: Callable[[Bench, Note], None], bench: Bench, sender: Connection) -> None:
    # An interruption is the parent's to hear of.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(bench, Note(lambda figures: sender.send(("figures", _rounded(figures)))))
        sender.send(("end", None))
    except BaseException:
        sender.send(("problem", traceback.format_exc(limit=-6)))
    finally:
        sender.close()
        sys.stdout.flush()
        os._exit(0)  # what CUDA and threads still have to say is not waited for


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {str(key): _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
