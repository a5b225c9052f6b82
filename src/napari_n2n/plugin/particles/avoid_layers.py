"""The area to avoid as Labels layers, one for each pane, painted in together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_n2n.plugin.shared.layers import KEY, LayerMemory

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_n2n.plugin.shared.compare import Comparison

_OPACITY = 0.35


class AvoidLayers(QObject):
    """Shows where not to look for particles; the user may paint in it, erase, or delete it.

    The layers share one array, so that what is painted in one pane is in the other as well.
    """

    def __init__(
        self, viewer: "ViewerModel", comparison: "Comparison", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._comparison = comparison
        self._layers: list[Labels] = []
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def area(self) -> NDArray[np.bool_] | None:
        """Where not to look, (y, x), as the user left it; None if nothing is shown."""
        return np.asarray(self._layers[0].data) > 0 if self._layers else None

    def show(self, images: Sequence["Image"], area: NDArray[np.bool_]) -> None:
        """Show ``area``, (y, x), over each of ``images``; an empty one is not shown."""
        self.clear()
        if not area.any():
            return
        active = self._viewer.layers.selection.active
        shared = area.astype(np.uint8)
        for image in images:
            layer = Labels(
                shared,
                name=f"avoid ({image.name})" if len(images) > 1 else "avoid",
                scale=image.scale,
                units=image.units,
                translate=image.translate,
                axis_labels=("y", "x"),
                opacity=_OPACITY,
                metadata={KEY: LayerMemory("avoid", made_from=image.name)},
            )
            self._layers.append(layer)
            self._viewer.layers.insert(self._viewer.layers.index(image) + 1, layer)
            self._comparison.attach(layer, image, below=True)
            layer.events.paint.connect(self._on_paint)
        self._viewer.layers.selection.active = active

    def clear(self) -> None:
        """Take the layers away."""
        layers, self._layers = self._layers, []
        for layer in layers:
            layer.events.paint.disconnect(self._on_paint)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def disconnect_layers(self) -> None:
        """Follow the viewer no longer; the layers go."""
        self.clear()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _on_paint(self, event: Any) -> None:
        for layer in self._layers:
            if layer is not event.source:
                layer.refresh()

    def _on_removed(self, event: Any) -> None:
        if event.value in self._layers:
            self._layers.remove(event.value)
            self.clear()  # one area: it goes from both panes
