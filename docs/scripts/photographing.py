"""A user's patience and a camera, for the scripts that photograph napari for the documentation."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import napari
from qtpy.QtTest import QTest

IMAGES = Path(__file__).resolve().parents[1] / "images"
_SETTLED_MS = 1200


def wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Let the window live until ``condition()`` is true."""
    end = monotonic() + seconds
    while not condition():
        if monotonic() > end:
            raise TimeoutError("the window did not get there")
        QTest.qWait(50)


def photograph(viewer: napari.Viewer, name: str) -> None:
    """Save the window, once it has settled, as ``name`` among the documentation's images."""
    QTest.qWait(_SETTLED_MS)
    viewer.window._qt_window.grab().save(str(IMAGES / name))
