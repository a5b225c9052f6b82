"""Reading frames while the ones before them are being worked on."""

import queue
import threading
from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

FRAMES_ALIVE = 3
"""Frames in memory at once: the one in use, one that waits, one being read."""


def read_ahead(
    read: Callable[[int], NDArray[np.float32]], count: int
) -> Generator[NDArray[np.float32], None, None]:
    """Yield ``read(0)`` ... ``read(count - 1)``, read in order by one thread that runs ahead.

    Decoding and arithmetic in numpy leave the interpreter to others, so that reading costs next to
    nothing where a second core is free. At most ``FRAMES_ALIVE`` frames exist if the caller drops
    each before asking for the next. The thread starts with the first frame and has ended when the
    generator has: close it (``contextlib.closing``) when leaving early.

    Parameters
    ----------
    read
        Gives the frame of a number, (y, x). Only ever called by the one thread.
    count
        How many there are.

    Raises
    ------
    BaseException
        Whatever ``read`` raised, where its frame would have come.
    """
    ready: queue.SimpleQueue[NDArray[np.float32] | BaseException] = queue.SimpleQueue()
    room = threading.Semaphore(FRAMES_ALIVE)
    left = threading.Event()

    def work() -> None:
        for index in range(count):
            room.acquire()
            if left.is_set():
                return
            try:
                ready.put(read(index))
            except BaseException as error:
                ready.put(error)
                return

    thread = threading.Thread(target=work, name="reading frames", daemon=True)
    thread.start()
    try:
        for _ in range(count):
            result = ready.get()
            if isinstance(result, BaseException):
                raise result
            # Not kept here: the frame shall be gone as soon as the caller lets go of it.
            frames = [result]
            del result
            yield frames.pop()
            room.release()
    finally:
        left.set()
        room.release()
        thread.join()
