"""Driving the Screening widget as a person does."""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

STANDSTILL_MS = 120_000
"""Nothing that is alive stands still for so long, however busy the machine."""


def as_long_as_it_goes_on(
    qtbot, done: Callable[[], bool], how_far: Callable[[], object], standstill_ms=STANDSTILL_MS
) -> None:
    """Wait until ``done()``; fail only when ``how_far()`` has not changed for so long."""
    while not done():
        before = how_far()
        qtbot.waitUntil(lambda: done() or how_far() != before, timeout=standstill_ms)  # noqa: B023


def presser(qtbot, widget, target):
    """Return what presses a key on ``target``, and waits until it has done its work."""

    def press(key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(target, key, modifiers)
        settled(qtbot, widget)

    return press


def settled(qtbot, widget) -> None:
    """Wait until the current micrograph is on the screen, and the next ones are read."""
    qtbot.waitUntil(
        lambda: (
            not widget.current.reader.busy
            and not widget.dock.overview.spectrum.busy
            and (widget.verdicts.current is None or widget.current.is_shown)
        ),
        timeout=STANDSTILL_MS,
    )
