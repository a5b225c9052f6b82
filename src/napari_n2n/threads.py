"""Work that threads do side by side, each with its share of torch's threads.

torch shares every operation out among its threads, which wait for each other at its end. A small
network's step is some hundred operations of less than a millisecond; on a machine that does other
things as well, there is nearly always one thread that is not being run, and all wait for it.
Threads that take a whole crop, or strips of a frame, wait once a step, and run faster alone, too.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

_CPU = torch.device("cpu")


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], device: torch.device = _CPU
) -> list[Result]:
    """Return what ``work`` makes of each of ``items``, in their order.

    On a CPU as many are worked on at the same time as torch has threads in the thread that calls,
    which takes its part too; another ``device`` is given one after the other. ``work`` must be safe
    to run so. What it does side by side in turn, it does one after the other.

    Raises
    ------
    Exception
        Whatever ``work`` raised, once none of it is running any more.
    """
    threads = torch.get_num_threads()
    crew = min(threads, len(items))
    if crew < 2 or device.type != "cpu" or _here.is_part:
        return [work(item) for item in items]
    share = threads // crew

    def part(first: int) -> list[Result]:
        _here.is_part = True
        try:
            with torch_threads(share):
                return [work(item) for item in items[first::crew]]
        finally:
            _here.is_part = False

    others: list[Future[list[Result]]] = []
    try:
        others += (_pool(crew - 1).submit(part, first) for first in range(1, crew))
        parts = [part(0)]
    finally:
        wait(others)
    parts += (other.result() for other in others)
    return [parts[i % crew][i // crew] for i in range(len(items))]


def in_strips(
    work: Callable[[slice], Result], length: int, width: int, device: torch.device
) -> list[Result]:
    """Return what ``work`` makes of strips ``width`` wide of ``length`` places, from the first on.

    They are worked on side by side: for what is worth it, such as transforms.
    """
    return side_by_side(work, _strips(length, width), device)


def strip_by_strip(work: Callable[[slice], Result], length: int, width: int) -> list[Result]:
    """Do the same by one thread: for what waits for memory, where a second one gains nothing."""
    with torch_threads(1):
        return [work(strip) for strip in _strips(length, width)]


def _strips(length: int, width: int) -> list[slice]:
    return [slice(start, min(start + width, length)) for start in range(0, length, width)]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads for what the calling thread gives it.

    `torch.set_num_threads` would change it for threads that begin meanwhile as well, for good.
    """
    torch.get_num_threads()  # the first question makes ready a thread that torch does not know yet
    with _controller().limit(limits=count, user_api="openmp"):
        yield


class _Here(threading.local):
    """Whether the thread that asks is at a part of what is done side by side."""

    is_part = False


_here = _Here()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, thread_name_prefix="napari-n2n side by side")
