from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.plugin.files import sample_data

pytest.importorskip("napari", reason="the GUI is not installed")

import itertools

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QCursor, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from .driving import presser

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier

# Enough to train for a moment: 128 px at the working pixel size, 8 frames.
SIZE, FRAMES = 256, 8


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """Every notification, as the user reads it."""
    from napari.utils.notifications import notification_manager

    messages: list[str] = []
    note = lambda event: messages.append(event.message)  # noqa: E731
    notification_manager.notification_ready.connect(note)
    yield messages
    notification_manager.notification_ready.disconnect(note)


@pytest.fixture
def short() -> TrainingConfig:
    return TrainingConfig(steps=6, crop=32, batch=2, working_pixel_size_angstrom=2.0)


@pytest.fixture
def endless(short) -> TrainingConfig:
    return short.replaced(steps=1_000_000)


@pytest.fixture
def add_sample():
    """Add a small sample to a viewer."""

    def add(viewer, which: str = "apoferritin_movie") -> None:
        from napari.layers import Layer

        for described in getattr(sample_data, which)(size=SIZE, frames=FRAMES):
            viewer.add_layer(Layer.create(*described))

    return add


@pytest.fixture
def docked(make_napari_viewer, qtbot, add_sample, short) -> Iterator[Callable]:
    """Open a viewer with a small sample in it and the Denoise widget docked, set to train."""
    from napari_n2n.plugin.denoise.widget import DenoiseWidget

    def dock(
        config: TrainingConfig = short, sample: str | None = "apoferritin_movie", kind: str = "new"
    ):
        viewer = make_napari_viewer()
        if sample:
            add_sample(viewer, sample)
        widget = DenoiseWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Denoise")
        widget.model.settings.setValue(config)
        widget.model.choose(kind)
        widget.model.set_device("cpu")
        qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=180_000)
        return viewer, widget

    yield dock
    await_workers(qtbot)


@pytest.fixture
def sitting(make_napari_viewer, qtbot, workers_end):
    """Open a window with the widget docked: gives (viewer, widget, press a key on the canvas)."""
    from napari_n2n.plugin.screening.widget import ScreeningWidget

    opened = []

    def sit():
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.resize(1400, 900)
        widget = ScreeningWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Screen micrographs", area="right")
        opened.append(widget)
        canvas = viewer.window._qt_viewer.canvas.native
        return viewer, widget, presser(qtbot, widget, canvas)

    yield sit
    for widget in opened:
        widget.leave()


def await_workers(qtbot) -> None:
    """End whatever a test left running, or it would run into the next test."""
    from napari.qt.threading import WorkerBase

    WorkerBase.await_workers(20_000)
    qtbot.wait(50)


@pytest.fixture
def workers_end(qtbot) -> Iterator[None]:
    yield
    await_workers(qtbot)


@pytest.fixture
def hand_on() -> type["Hand"]:
    return Hand


class Hand:
    """A hand on the mouse and the keys of a viewer; ``pane`` counts grid panes from the left."""

    def __init__(self, viewer, layer) -> None:
        self._canvas = viewer.window._qt_viewer.canvas
        self.native = self._canvas.native
        self._layer = layer

    def spot(self, centre_px: Sequence[float], pane: int = 0) -> QPoint:
        """Return where on the canvas a pixel (y, x) of the micrograph is drawn."""
        views = self._canvas.grid_views
        view = views[pane] if views else self._canvas.view
        world = self._layer.data_to_world(centre_px)[-2:]
        x, y = (view.transform * view.scene.transform).map(list(world[::-1]))[:2]
        return QPoint(round(x), round(y))

    def click(self, centre_px: Sequence[float], pane: int = 0, modifiers=PLAIN) -> None:
        spot = self.spot(centre_px, pane)
        QTest.mouseMove(self.native, spot)
        QTest.mouseClick(self.native, LEFT, modifiers, spot)
        QTest.qWait(10)

    def drag(self, path_px: Sequence[Sequence[float]], pane: int = 0) -> None:
        """Press at the first place, move along the others, let go at the last."""
        spots = [self.spot(place, pane) for place in path_px]
        # Qt sends a move of its own, to where the screen's pointer really is, whenever something
        # is laid out beneath it; in mid-drag that would be a detour over other particles.
        QCursor.setPos(self.native.mapToGlobal(spots[0]))
        QTest.qWait(20)
        self._send(QEvent.Type.MouseButtonPress, spots[0], LEFT, LEFT)
        for start, end in itertools.pairwise(spots):
            for share in np.linspace(0.2, 1, 5):
                between = start + (end - start) * float(share)
                self._send(QEvent.Type.MouseMove, between, Qt.MouseButton.NoButton, LEFT)
        self._send(QEvent.Type.MouseButtonRelease, spots[-1], LEFT, Qt.MouseButton.NoButton)

    def press(self, key, modifiers=PLAIN) -> None:
        QTest.keyClick(self.native, key, modifiers)
        QTest.qWait(10)

    def _send(self, kind, spot, button, buttons) -> None:
        place = QPointF(spot)
        everywhere = QPointF(self.native.mapToGlobal(spot))
        event = QMouseEvent(kind, place, everywhere, button, buttons, PLAIN)
        QApplication.sendEvent(self.native, event)
        QTest.qWait(5)
