"""The screening in the background: a queue that can rest, be added to, and prefer what is seen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.workflow.screening import (
    Feed,
    Inputs,
    Queue,
    ScreeningSummary,
    ScreenProgress,
    screen_steps,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.plugin.screening.form import ScreenChoice
    from napari_n2n.progress import Steps, Stop
    from napari_n2n.session import Session


class SharedSession:
    """A session that is closed when asked to, but not while a job writes to it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._lock = threading.Lock()
        self._users = 0
        self._unwanted = False

    def __enter__(self) -> Session:
        with self._lock:
            self._users += 1
        return self.session

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._unwanted and not self._users:
                self.session.close()

    def close(self) -> None:
        """Close the file as soon as nobody writes to it."""
        with self._lock:
            self._unwanted = True
            if not self._users:
                self.session.close()


class HeldSession:
    """The one session that a window holds open."""

    def __init__(self) -> None:
        self.shared: SharedSession | None = None

    def close(self, *_: object) -> None:
        """Let go of it."""
        shared, self.shared = self.shared, None
        if shared is not None:
            shared.close()


class ScreeningJob(QObject):
    """Screens files in a thread, and those that come into a folder if that is wanted.

    Signals
    -------
    progressed, outcome
        A `ScreenProgress`; a `ScreenOutcome` of one file.
    ended
        All is done, or was stopped: a `ScreeningSummary`.
    failed
        It cannot go on: a sentence.
    finished
        Always the last.
    """

    progressed = Signal(object)
    outcome = Signal(object)
    ended = Signal(object)
    failed = Signal(str)
    finished = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.queue = Queue()
        self._runner = Runner(self)
        self._runner.progressed.connect(self._on_step)
        self._runner.succeeded.connect(self.ended)
        self._runner.failed.connect(self.failed)
        self._runner.finished.connect(self.finished)

    @property
    def busy(self) -> bool:
        """Whether it runs."""
        return self._runner.busy

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to stop."""
        return self._runner.stopping

    def start(
        self,
        shared: SharedSession,
        inputs: Inputs,
        choice: ScreenChoice,
    ) -> bool:
        """Screen files, or a folder as it fills; False if it runs already."""
        if self._runner.busy:
            return False
        folder = choice.folder if choice.watch else None
        # A folder that is watched gives those that are there as well, once they are whole.
        queue = self.queue = Queue(
            inputs.paths if folder is None else (), open=int(folder is not None)
        )

        def steps(stop: Stop) -> Steps[ScreeningSummary]:
            with shared as session:
                settings = choice.settings(inputs.pixel_sizes)
                inputs.keep_origins(session)
                if folder is None:
                    return (yield from screen_steps(session, queue, settings, stop))
                with Feed(queue, folder, gain=choice.movies.gain) as feed:
                    result = yield from screen_steps(session, queue, settings, stop)
                if feed.error is not None:
                    raise feed.error
                return result

        return self._runner.start("Screening", steps, show=False)

    def prefer(self, path: Path | None) -> None:
        """Take a file next, if it waits."""
        if path is not None and self.busy:
            self.queue.prefer(path)

    def set_paused(self, paused: bool) -> None:
        """Let the work rest, or go on."""
        (self.queue.pause if paused else self.queue.resume)()

    def stop(self) -> None:
        """End within a second; what is done stays, the rest can be taken up later."""
        self._runner.stop()

    def _on_step(self, step: ScreenProgress) -> None:
        if step.outcome is None:
            self.progressed.emit(step)
        else:
            self.outcome.emit(step.outcome)


def summary_of(result: ScreeningSummary) -> str:
    """Say what came of it."""
    why = " The table tells why: Show, Failed." if result.failed else ""
    if result.stopped:
        return f"Stopped: {result.summary}{why} Press Screen to go on."
    return f"{result.summary}{why}"
