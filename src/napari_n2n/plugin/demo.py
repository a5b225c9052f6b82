"""The end of the demo: napari with the result side by side."""

from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from numpy.typing import NDArray

from napari_n2n.plugin.denoise_widget import DenoiseWidget
from napari_n2n.plugin.layers import calibration, image_layer

if TYPE_CHECKING:
    from napari.layers import Layer

_RING_ANGSTROM = 150.0


def open_result(
    raw: NDArray[np.float32],
    denoised: NDArray[np.float32],
    pixel_size_angstrom: float | None,
    points: NDArray[np.float64] | None = None,
) -> None:
    """Open napari with ``raw`` and ``denoised``, (y, x) each, and wait until it is closed.

    ``points`` are particle centres in px, (n, 2) y and x; they become a hidden layer.
    """
    show_result(napari.Viewer(title="napari-n2n demo"), raw, denoised, pixel_size_angstrom, points)
    napari.run()


def show_result(
    viewer: napari.Viewer,
    raw: NDArray[np.float32],
    denoised: NDArray[np.float32],
    pixel_size_angstrom: float | None,
    points: NDArray[np.float64] | None = None,
) -> DenoiseWidget:
    """Put a result and the Denoise widget into ``viewer``; see `open_result`."""
    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Denoise (napari-n2n)", area="right")
    described: list[tuple[Any, dict[str, Any], str]] = []
    if points is not None:
        rings = {
            "name": "true particles",
            "size": _RING_ANGSTROM / (pixel_size_angstrom or 1.0),
            "face_color": "transparent",
            "border_color": "#4caf50",
            "border_width": 0.04,
            **calibration(pixel_size_angstrom),
        }
        described.append((points, rings, "points"))
    described += [
        image_layer(raw, "raw", pixel_size_angstrom, kind="sum"),
        image_layer(denoised, "denoised", pixel_size_angstrom, kind="denoised"),
    ]
    layers = [_add(viewer, one) for one in described]
    widget.comparison.show(layers[-2], layers[-1])
    widget.progress.say(
        "Raw on the left, denoised on the right. Open a movie of your own and press Train."
    )
    return widget


def _add(viewer: napari.Viewer, described: tuple[Any, dict[str, Any], str]) -> "Layer":
    from napari.layers import Layer

    return viewer.add_layer(Layer.create(*described))
