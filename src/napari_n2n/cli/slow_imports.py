"""Importing large libraries without looking for garbage in them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Spare what is imported inside from garbage collection, now and for good.

    torch makes a million objects that stay to the end. Looking through them again and again while
    it is imported, and once more at exit, takes half a second of a command that takes two.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
