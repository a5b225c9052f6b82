"""What the command line says: progress with time left, notes, errors in one sentence."""

import codecs
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars

from napari_n2n.progress import Progress, Stop, format_seconds, run_to_end

P = TypeVar("P", bound=Progress)
R = TypeVar("R")

errors = Console(stderr=True, soft_wrap=True, highlight=False)
results = Console(soft_wrap=True, highlight=False)


_SPELLED = {
    "Å": "A", "²": "^2", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "≈": "~", "σ": "sigma",
    "µ": "u", "μ": "u", "°": " deg", "…": "...", "–": "-", "—": "-", "−": "-", "·": ".",
    "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip


def write_to_any_terminal() -> None:
    """Spell what the terminal, or the file that stands for it, has no sign for."""
    codecs.register_error("spelled", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelled")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_SPELLED.get(sign, "?") for sign in signs), error.end


def silence_libraries() -> None:
    """Keep the warnings of libraries, which are for programmers, off the screen.

    ``python -W`` and PYTHONWARNINGS bring them back.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def say_error(message: str) -> None:
    """Report a failure, on standard error."""
    errors.print(f"[bold red]Error:[/] {_plain(message)}")


def say_note(message: str) -> None:
    """Report something worth knowing, on standard error."""
    errors.print(f"[yellow]Note:[/] {_plain(message)}")


def say(message: str) -> None:
    """Report a result, on standard output."""
    results.print(_plain(message))


def _plain(message: str) -> str:
    return message.replace("[", r"\[")


class Reporter:
    """Shows how far generators are, unless ``quiet``."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet

    def run(
        self, steps: Generator[P, None, R], on_step: Callable[[P], object] = lambda step: None
    ) -> R:
        """Consume ``steps``, show how far they are, hand each to ``on_step``, return the result."""
        with Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=errors,
            transient=True,
            disable=self._quiet,
        ) as bars:
            bar = bars.add_task("starting", total=1.0, left="")

            def show(step: P) -> None:
                left = step.seconds_left
                remaining = "" if left is None else f"{format_seconds(left)} left"
                bars.update(bar, description=step.text, completed=step.fraction, left=remaining)
                on_step(step)

            return run_to_end(steps, show)


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Turn the first Ctrl-C or SIGTERM into a polite stop; the second one ends at once."""
    asked = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, previous[number])
        errors.print("Stopping and saving; press Ctrl-C again to quit at once.")

    previous = {int(n): signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, ask)
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
