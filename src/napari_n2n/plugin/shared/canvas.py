"""Camera, grid and scale bar of a viewer, wherever this version of napari keeps them.

napari 0.9 moved them to ``viewer.canvas`` and ``viewer.scene`` and warns about the old places.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel


def camera_of(viewer: "ViewerModel") -> Any:
    """Return the camera: ``center`` (z, y, x in world units) and ``zoom``."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def grid_of(viewer: "ViewerModel") -> Any:
    """Return the grid: ``enabled``, ``stride`` and ``shape``."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def scale_bar_of(viewer: "ViewerModel") -> Any:
    """Return the scale bar, which has a ``visible``."""
    return viewer.canvas.overlays.scale_bar if hasattr(viewer, "canvas") else viewer.scale_bar
