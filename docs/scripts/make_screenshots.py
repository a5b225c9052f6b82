"""Drives the Denoise widget as a user would, and photographs it for the documentation.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python docs/scripts/make_screenshots.py
"""

import tempfile
from pathlib import Path

import napari
import platformdirs
from photographing import IMAGES, photograph, wait

from napari_n2n.plugin.denoise.widget import DenoiseWidget


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        platformdirs.user_data_path = lambda *_, **__: Path(folder)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window._qt_window.resize(1600, 1000)
        viewer.open_sample("napari-n2n", "apoferritin")
        _, widget = viewer.window.add_plugin_dock_widget("napari-n2n", "Denoise")
        assert isinstance(widget, DenoiseWidget)
        viewer.window._qt_window.resize(1600, 1000)
        wait(lambda: not widget._device_runner.busy)  # it says then what the fastest device is
        photograph(viewer, "denoise-start.png")
        widget.data.more.expand(animate=False)
        photograph(viewer, "denoise-recorded.png")
        widget.data.more.collapse(animate=False)
        widget.main_button.big.click()
        wait(lambda: not widget.runner.busy and "apoferritin movie denoised" in shown(viewer), 900)
        photograph(viewer, "denoise-general.png")
        widget.model.choose("new")
        widget.main_button.big.click()
        wait(lambda: widget.plot.points()[0][-1:] > [150] and "preview" in shown(viewer), 600)
        photograph(viewer, "denoise-training.png")
        wait(lambda: not widget.runner.busy and "preview" not in shown(viewer), 900)
        photograph(viewer, "denoise-result.png")
        viewer.close()
        show_photographs()


def show_photographs() -> None:
    """Take noise off a photograph with the model in the box, then with one trained on it."""
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.window._qt_window.resize(1600, 1000)
    viewer.open_sample("napari-n2n", "astronaut")
    _, widget = viewer.window.add_plugin_dock_widget("napari-n2n", "Denoise")
    viewer.window._qt_window.resize(1600, 1000)
    viewer.reset_view()
    widget.main_button.big.click()
    wait(lambda: not widget.runner.busy and "denoised" in shown(viewer), 300)
    photograph(viewer, "photographs-denoised.png")
    widget.model.choose("new")
    widget.main_button.big.click()
    wait(lambda: widget.progress.bar.value() > 800, 300)
    photograph(viewer, "photographs-training.png")
    wait(lambda: not widget.runner.busy and "trained here" in widget.progress.status.text(), 300)
    viewer.close()


def shown(viewer: napari.Viewer) -> str:
    return " ".join(layer.name for layer in viewer.layers)


if __name__ == "__main__":
    main()
