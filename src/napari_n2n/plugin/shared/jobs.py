"""Long work in a thread of its own: started, watched, stopped, and never silent about failure."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import QObject, Qt, Signal

from napari_n2n.errors import N2NError
from napari_n2n.plugin.shared.activity import ActivityBar
from napari_n2n.progress import Interrupted, Progress, Steps, Stop, format_seconds, run_to_end

_log = logging.getLogger(__name__)

Job = Callable[[Stop], Steps[Any]]
"""What runs in the thread: it is given what tells it to stop."""

_SECONDS_BETWEEN_REPORTS = 0.05


class _Signals(WorkerBaseSignals):
    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(str)
    stopped = Signal()
    done = Signal()


class _Worker(WorkerBase[None]):
    """Runs a generator to its end and closes it itself.

    superqt's own generator worker says nothing when a RuntimeError is raised, and leaves closing
    the generator to the garbage collector. Being one of its workers, this one too is waited for
    when napari quits.
    """

    signals: _Signals

    def __init__(self, steps: Job) -> None:
        super().__init__(SignalsClass=_Signals)
        self._steps = steps
        self.stop = threading.Event()
        self._reported = 0.0
        self._stage = ""

    def quit(self) -> None:
        """Ask the work to stop; napari calls this when it quits."""
        self.stop.set()
        super().quit()

    def work(self) -> None:
        signals = self.signals
        try:
            result = run_to_end(self._steps(self.stop.is_set), self._report)
        except Interrupted:
            _emit(signals, "stopped")
        except N2NError as problem:
            _emit(signals, "failed", str(problem))
        except MemoryError:
            _emit(
                signals,
                "failed",
                "There is not enough memory. Close other programs, or use a larger working pixel "
                "size.",
            )
        except Exception as problem:  # whatever it is, the user must hear of it
            _log.exception("a job failed")
            _emit(signals, "failed", _in_words(problem))
        else:
            _emit(signals, "succeeded", result)
        finally:
            # Images and layers are not kept alive by a worker that somebody still holds.
            del self._steps
            _emit(signals, "done")

    def _report(self, step: Progress) -> None:
        """Pass on what the window can show: every result, but not every tick."""
        now = monotonic()
        is_tick = type(step) is Progress and step.stage == self._stage and step.done < step.total
        if is_tick and now - self._reported < _SECONDS_BETWEEN_REPORTS:
            return
        self._stage = step.stage
        self._reported = now
        _emit(self.signals, "progressed", step)


def _emit(signals: WorkerBaseSignals, name: str, *args: object) -> None:
    """Emit a signal, unless Qt is gone already because the program ends."""
    with suppress(RuntimeError):
        getattr(signals, name).emit(*args)


def _in_words(problem: Exception) -> str:
    if isinstance(problem, RuntimeError):
        from napari_n2n.devices import is_out_of_memory

        if is_out_of_memory(problem):
            return (
                "The device ran out of memory. Close other programs that use it, choose a smaller "
                "crop or batch, a larger working pixel size, or the CPU."
            )
    return (
        f"Something went wrong that should not have ({type(problem).__name__}: {problem}). "
        "What was trained is saved. Please report it."
    )


class Runner(QObject):
    """Runs one job at a time; its signals arrive in the window's thread.

    Signals
    -------
    progressed
        What the job yields.
    succeeded, failed, stopped
        How it ended: with its result, with a sentence for the user, or because it was asked to.
    finished
        Always the last.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(str)
    stopped = Signal()
    finished = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: _Worker | None = None
        self._bar: ActivityBar | None = None
        self._title = ""
        # However the window goes, the work behind it must end.
        self._stop_all = _StopAll()
        self.destroyed.connect(self._stop_all)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._worker is not None

    @property
    def stopping(self) -> bool:
        """Whether the running job has been asked to stop."""
        return self._worker is not None and self._worker.stop.is_set()

    def start(self, title: str, steps: Job, *, show: bool = True) -> bool:
        """Run ``steps(stop)`` in a thread; False if a job is running already.

        ``steps`` is given a callable that is true once the job should end. Its progress is shown
        in napari's activity dock, unless ``show`` is False.
        """
        if self._worker is not None:
            return False
        worker = _Worker(steps)
        self._worker = worker
        self._title = title
        self._stop_all.event = worker.stop
        self._bar = ActivityBar(title, self) if show else None
        told = worker.signals
        for signal, slot in (
            (told.progressed, self._on_progress),
            (told.succeeded, self.succeeded),
            (told.failed, self.failed),
            (told.stopped, self.stopped),
            (told.done, self._on_done),
        ):
            # PyQt's stub leaves out how it is connected.
            signal.connect(slot, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        worker.start()
        return True

    def stop(self) -> None:
        """Ask the running job to end, which it does within a second."""
        if self._worker is not None:
            self._worker.stop.set()

    def _on_progress(self, step: Progress) -> None:
        if self._bar is not None:
            left = step.seconds_left
            said = step.text if left is None else f"{step.text}, {format_seconds(left)} left"
            self._bar.show(step.fraction, said)
        self.progressed.emit(step)

    def _on_done(self) -> None:
        self._worker = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.finished.emit()


class _StopAll:
    """Sets the running job's stop when Qt destroys its runner; holds neither of them."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self, *_: object) -> None:
        # Where the garbage collector takes runner and this at once, this may be empty already.
        event = getattr(self, "event", None)
        if event is not None:
            event.set()
