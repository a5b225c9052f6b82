"""From a click on Denoise to seeing the result, in a real window."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

from napari_n2n.plugin.denoise.data_form import DataChoice
from napari_n2n.plugin.denoise.widget import DenoiseWidget

_LONGEST_SECONDS = 600


def denoise(path: str, model: str | None, zoom: float) -> dict[str, Any]:
    """Open a micrograph, zoom in, press Denoise; watch for the first region and for the whole.

    A result counts as seen when the canvas was drawn with it. Where no region is shown on its own,
    the first that is seen is the whole.
    """
    viewer = napari.Viewer()
    (raw,) = viewer.open(path, plugin="napari-n2n")
    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Denoise")
    widget.data.setValue(DataChoice(kind="image", image=raw.name))
    _settle(lambda: not widget._device_runner.busy)
    if model is not None:
        widget.model.setValue(replace(widget.model.value(), kind="saved", file=Path(model)))
        widget.load(Path(model))
        _settle(lambda: not widget.runner.busy)
    viewer.reset_view()
    viewer.camera.zoom *= zoom
    first_seen: dict[str, float] = {}

    def drawn(_event: object) -> None:
        for layer in viewer.layers:
            if layer.visible and _kind(layer) in ("denoised", "preview"):
                first_seen.setdefault(_kind(layer), time.perf_counter())

    viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(drawn)
    _settle(lambda: True)
    started = time.perf_counter()
    widget.denoise()
    answered = time.perf_counter()
    _settle(lambda: not widget.runner.busy)
    if not any(_kind(layer) == "denoised" for layer in viewer.layers):
        raise RuntimeError("nothing was denoised; what the widget said is above")
    viewer.window._qt_viewer.canvas.native.update()
    _settle(lambda: "denoised" in first_seen)
    answer = {
        "click_returns_seconds": answered - started,
        "first_region_seconds": min(first_seen.values()) - started,
        "seconds": first_seen["denoised"] - started,
        "region_shown": "preview" in first_seen,
        "side": int(raw.data.shape[-1]),
    }
    viewer.close()
    return answer


def _kind(layer: Any) -> str | None:
    return layer.metadata.get("napari_n2n", {}).get("kind")


def _settle(done: Callable[[], bool]) -> None:
    """Let the window work until ``done()``, and give it a moment to draw."""
    application = QApplication.instance()
    until = time.perf_counter() + _LONGEST_SECONDS
    while not done():
        if time.perf_counter() > until:
            raise RuntimeError(f"nothing happened within {_LONGEST_SECONDS} s")
        application.processEvents()
        time.sleep(0.001)
