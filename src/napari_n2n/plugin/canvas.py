"""Grid and scale bar of a viewer, wherever this version of napari keeps them.

napari 0.9 moved both to ``viewer.canvas`` and warns about the old place.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel


def grid_of(viewer: "ViewerModel") -> Any:
    """Return the grid: ``enabled``, ``stride`` and ``shape``."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def scale_bar_of(viewer: "ViewerModel") -> Any:
    """Return the scale bar, which has a ``visible``."""
    return viewer.canvas.overlays.scale_bar if hasattr(viewer, "canvas") else viewer.scale_bar
