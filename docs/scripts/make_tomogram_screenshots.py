"""Drives the Denoise widget on the sample tomogram as a user would, and photographs it.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python docs/scripts/make_tomogram_screenshots.py
"""

import tempfile
from pathlib import Path

import napari
import platformdirs
from photographing import IMAGES, photograph, wait

from napari_n2n.plugin.denoise.widget import DenoiseWidget

_WIDTH, _HEIGHT = 1440, 900


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        platformdirs.user_data_path = lambda *_, **__: Path(folder)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window._qt_window.resize(_WIDTH, _HEIGHT)
        viewer.open_sample("napari-n2n", "tomogram")
        _, widget = viewer.window.add_plugin_dock_widget("napari-n2n", "Denoise")
        assert isinstance(widget, DenoiseWidget)
        viewer.window._qt_window.resize(_WIDTH, _HEIGHT)
        wait(lambda: not widget._device_runner.busy)
        photograph(viewer, "tomogram-start.png")
        widget.main_button.big.click()
        wait(lambda: not widget.runner.busy and "tomogram denoised" in shown(viewer), 600)
        photograph(viewer, "tomogram-denoised.png")
        widget.sections.buttons["xz"].click()
        widget.sections.slab.setValue(3)
        photograph(viewer, "tomogram-xz.png")
        widget.sections.slab.setValue(0)
        widget.sections.buttons["3D"].click()
        photograph(viewer, "tomogram-3d.png")
        viewer.close()


def shown(viewer: napari.Viewer) -> str:
    return " ".join(layer.name for layer in viewer.layers)


if __name__ == "__main__":
    main()
