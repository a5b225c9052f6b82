"""The end of the demo: napari with the result side by side."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_n2n.particles.palette import LABEL_COLOURS
from napari_n2n.plugin.denoise.widget import DenoiseWidget
from napari_n2n.plugin.particles.finding_form import FindingChoice
from napari_n2n.plugin.particles.widget import ParticlesWidget
from napari_n2n.plugin.shared.canvas import fit_view
from napari_n2n.plugin.shared.layers import Kind, LayerMemory, calibration, image_layer

if TYPE_CHECKING:
    from napari.layers import Layer

_RING_ANGSTROM = 150.0
_PARTICLE_ANGSTROM = 124.0
_LAID_OUT_MS = 500


def open_result(
    raw: NDArray[np.float32],
    denoised: NDArray[np.float32],
    pixel_size_angstrom: float | None,
    points: NDArray[np.float64] | None = None,
    path: Path | None = None,
) -> None:
    """Open napari with ``raw`` and ``denoised``, (y, x) each, and wait until it is closed.

    ``points`` are particle centres in px, (n, 2) y and x; they become a hidden layer. Marks are
    kept beside ``path``, the movie both were made of.
    """
    viewer = napari.Viewer(title="napari-n2n demo")
    show_result(viewer, raw, denoised, pixel_size_angstrom, points, path)
    napari.run()


def open_tomogram(raw: Path, denoised: Path) -> None:
    """Open napari with a tomogram and what was denoised of it, and wait until it is closed."""
    viewer = napari.Viewer(title="napari-n2n demo")
    show_tomogram(viewer, raw, denoised)
    napari.run()


def show_tomogram(viewer: napari.Viewer, raw: Path, denoised: Path) -> None:
    """Put a tomogram, its denoised one and the widget that denoises into ``viewer``."""
    viewer.open([raw, denoised], stack=False, plugin="napari-n2n")
    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Denoise (napari-n2n)", area="right")


def show_result(
    viewer: napari.Viewer,
    raw: NDArray[np.float32],
    denoised: NDArray[np.float32],
    pixel_size_angstrom: float | None,
    points: NDArray[np.float64] | None = None,
    path: Path | None = None,
) -> ParticlesWidget:
    """Put a result and this plugin's widgets into ``viewer``; see `open_result`."""
    described: list[tuple[Any, dict[str, Any], str]] = []
    if points is not None:
        rings = {
            "name": "true particles",
            "size": _RING_ANGSTROM / (pixel_size_angstrom or 1.0),
            "face_color": "transparent",
            "border_color": LABEL_COLOURS["intact"],
            "border_width": 0.04,
            "visible": False,
            **calibration(pixel_size_angstrom),
        }
        described.append((points, rings, "points"))
    images: tuple[tuple[NDArray[np.float32], str, Kind], ...] = (
        (raw, "raw", "sum"),
        (denoised, "denoised", "denoised"),
    )
    for pixels, name, kind in images:
        memory = LayerMemory(kind, pixel_size_angstrom, path=path, raw_layer="raw")
        described.append(image_layer(pixels, name, memory))
    for one in described:
        _add(viewer, one)
    denoise = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(denoise, name="Denoise (napari-n2n)", area="right")
    particles = ParticlesWidget(viewer)
    dock = viewer.window.add_dock_widget(
        particles, name="Particles (napari-n2n)", area="right", tabify=True
    )
    dock.raise_()
    denoise.progress.say(
        "Raw on the left, denoised on the right. Open a movie of your own and press Denoise."
    )
    _pick_at_once(particles)
    # Once the window has laid itself out: until then the panes have another size.
    fitting = QTimer(particles)
    fitting.setSingleShot(True)
    fitting.timeout.connect(partial(fit_view, viewer))
    fitting.start(_LAID_OUT_MS)
    return particles


def _pick_at_once(widget: ParticlesWidget) -> None:
    """Press the big button for the user, who can then mark what is found."""
    if len(widget.marking.view.ids):
        return  # the demo was here before: its marks are shown

    def pick() -> None:
        widget.finder.finished.disconnect(pick)
        widget.pick()

    # The size is known here, so it need not be guessed; the guess that has begun must end first.
    widget.finding.setValue(FindingChoice(_PARTICLE_ANGSTROM))
    if widget.finder.busy:
        widget.finder.finished.connect(pick)
    else:
        widget.pick()


def _add(viewer: napari.Viewer, described: tuple[Any, dict[str, Any], str]) -> "Layer":
    from napari.layers import Layer

    return viewer.add_layer(Layer.create(*described))
