"""The circle that is drawn to measure a particle, in every pane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_n2n.particles.palette import LABEL_COLOURS

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_n2n.plugin.shared.compare import Comparison

_CORNERS = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])


class MeasuringCircle:
    """A circle over each of the images of one micrograph, while the mouse is dragged.

    One in every pane: napari fills a pane by counting layers, and one more in one pane alone would
    be drawn in the other.
    """

    def __init__(
        self, viewer: "ViewerModel", comparison: "Comparison", images: Sequence["Image"]
    ) -> None:
        self._viewer = viewer
        self._comparison = comparison
        self._images = images
        self._layers: list[Shapes] = []
        self.diameter_px = 0.0

    def draw(self, first_px: NDArray[np.float64], second_px: NDArray[np.float64]) -> None:
        """Draw it from edge to edge, y and x in px of the micrograph."""
        self.diameter_px = float(np.hypot(*(second_px - first_px)))
        corners = (first_px + second_px) / 2 + self.diameter_px / 2 * _CORNERS
        active = self._viewer.layers.selection.active
        for image in self._images[len(self._layers) :]:
            layer = Shapes(
                name="diameter",
                ndim=2,
                scale=image.scale[-2:],
                units=image.units[-2:],
                translate=image.translate[-2:],
                axis_labels=("y", "x"),
            )
            self._viewer.add_layer(layer)
            self._comparison.attach(layer, image)
            self._layers.append(layer)
        for layer in self._layers:
            layer.data = []
            layer.add_ellipses(
                corners,
                edge_width=max(self.diameter_px / 20, 1.0),
                edge_color=LABEL_COLOURS["unlabelled"],
                face_color="transparent",
            )
        self._viewer.layers.selection.active = active

    def remove(self) -> None:
        """Take it away."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = []
