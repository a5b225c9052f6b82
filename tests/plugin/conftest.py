from collections.abc import Callable, Iterator

import pytest

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.plugin import preferences, sample_data

pytest.importorskip("napari", reason="the GUI is not installed")

# Enough to train for a moment: 128 px at the working pixel size, 8 frames.
SIZE, FRAMES = 256, 8


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "user data"
    monkeypatch.setattr(preferences, "data_folder", lambda: folder)
    return folder


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
    """Open a viewer with a small sample in it and the Denoise widget docked."""
    from napari_n2n.plugin.denoise_widget import DenoiseWidget

    def dock(config: TrainingConfig = short, sample: str | None = "apoferritin_movie"):
        viewer = make_napari_viewer()
        if sample:
            add_sample(viewer, sample)
        widget = DenoiseWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Denoise")
        widget.model.settings.setValue(config)
        widget.model.set_device("cpu")
        qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=60_000)
        return viewer, widget

    yield dock
    await_workers(qtbot)


def await_workers(qtbot) -> None:
    """End whatever a test left running, or it would run into the next test."""
    from napari.qt.threading import WorkerBase

    WorkerBase.await_workers(20_000)
    qtbot.wait(50)
