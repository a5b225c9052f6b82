"""Work in a thread of its own, for those who have to be stoppable meanwhile."""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from napari_n2n.progress import Interrupted, Progress, Steps, Stop

T = TypeVar("T")

# While a thread is waited for, whether to stop is asked this often.
_PATIENCE_SECONDS = 0.1


class BackgroundTask(Generic[T]):
    """A function's result, from a thread of its own.

    A ``daemon`` does not keep the program from ending, and is left to itself by who stops waiting:
    for reading and computing, never for writing.
    """

    def __init__(self, function: Callable[[], T], *, daemon: bool = False) -> None:
        self._results: list[T] = []
        self._error: BaseException | None = None

        def run() -> None:
            try:
                self._results.append(function())
            except BaseException as error:  # raised where the result is asked for
                self._error = error

        # What holds here, as `napari_n2n.io.outputs.overwriting`, holds there.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(run,), daemon=daemon)
        self._thread.start()

    def wait(self, stop: Stop) -> None:
        """Wait for the end, whatever it is.

        Raises
        ------
        Interrupted
            ``stop`` became true first.
        """
        while self._thread.is_alive():
            if stop():
                raise Interrupted
            self._thread.join(_PATIENCE_SECONDS)

    def is_going(self) -> bool:
        """Wait a moment, and say whether the end has not come yet."""
        self._thread.join(_PATIENCE_SECONDS)
        return self._thread.is_alive()

    def finish(self) -> None:
        """Wait for the end, whatever it is."""
        self._thread.join()

    def result(self) -> T:
        """Return the result, once, and let go of it; raise what the function raised."""
        if self._error is not None:
            raise self._error
        return self._results.pop()


def background_steps(work: Callable[[], T], stage: str) -> Steps[T]:
    """Compute in a thread and yield the ``stage``, at once and then ten times a second.

    So a listener can stop within what takes seconds and tells nothing; the thread is then left to
    itself, so ``work`` must write nothing.
    """
    running = BackgroundTask(work, daemon=True)
    yield Progress(stage, 0, 1)
    while running.is_going():
        yield Progress(stage, 0, 1)
    return running.result()
