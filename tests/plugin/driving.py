"""Driving the Screening widget as a person does."""

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest


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
        timeout=20_000,
    )
