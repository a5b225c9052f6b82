"""Camera, grid and scale bar of a viewer, wherever this version of napari keeps them.

napari 0.9 moved them to ``viewer.canvas`` and ``viewer.scene`` and warns about the old places.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel

_SHARE = 0.95
"""Of the canvas that is filled, as napari does it."""


def camera_of(viewer: "ViewerModel") -> Any:
    """Return the camera: ``center`` (z, y, x in world units) and ``zoom``."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def grid_of(viewer: "ViewerModel") -> Any:
    """Return the grid: ``enabled``, ``stride`` and ``shape``."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def fit_view(viewer: "ViewerModel") -> None:
    """Fit what is to be seen to the canvas: what is hidden may be many times as large."""
    shown = [layer for layer in viewer.layers if layer.visible]
    if not shown or viewer.dims.ndisplay == 3 or max(one.ndim for one in shown) == viewer.dims.ndim:
        viewer.reset_view(layers=shown or None)
        return
    # napari cannot fit images (y, x) alone where a hidden layer has more axes.
    ends = np.array([layer.extent.world[:, -2:] for layer in shown])  # (layer, end, axis)
    half = np.array([layer.extent.step[-2:] for layer in shown]) / 2
    low, high = np.nanmin(ends[:, 0] - half, axis=0), np.nanmax(ends[:, 1] + half, axis=0)
    camera = camera_of(viewer)
    camera.center = (0.0, *(low + high) / 2)
    camera.zoom = _SHARE * float(np.min(viewer.canvas.viewbox_size(viewer.layers) / (high - low)))


def scale_bar_of(viewer: "ViewerModel") -> Any:
    """Return the scale bar, which has a ``visible``."""
    return viewer.canvas.overlays.scale_bar if hasattr(viewer, "canvas") else viewer.scale_bar
