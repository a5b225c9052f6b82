"""What all layers of the Denoise widget have in common: a preview, and raw beside denoised."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, QTimer

from napari_n2n.plugin.shared.canvas import camera_of, grid_of
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.controls import Underway
from napari_n2n.plugin.shared.layers import LayerData, layer_called, memory_of
from napari_n2n.workflow.train_and_denoise import Region

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

PREVIEW = "denoising preview"
_LOOK_MS = 400
SMALLEST_VIEW_PX = 64
# Who sees this share of either side has not zoomed in: a dock that was opened took the rest.
_ALL_OF_IT = 0.8


class ShownLayers:
    """Layers of raw and denoised, and a preview for as long as work goes on.

    While it does, where the user looks is asked again and again.
    """

    def __init__(
        self, viewer: "ViewerModel", comparison: Comparison, parent: QObject | None = None
    ) -> None:
        self._viewer = viewer
        self.comparison = comparison
        self._preview_wanted = False
        self._removing = Underway()
        self._looking = QTimer(parent)
        self._looking.setInterval(_LOOK_MS)
        self._looking.timeout.connect(self.look)
        viewer.layers.events.removed.connect(self._on_removed)

    def look(self) -> None:
        """Store what is on screen, for the work to denoise."""
        raise NotImplementedError

    def end_preview(self) -> None:
        """Make no more previews."""
        self._looking.stop()
        self._preview_wanted = False

    def disconnect_layers(self) -> None:
        """Follow the viewer's layers no longer."""
        self._looking.stop()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _start_preview(self) -> None:
        self._preview_wanted = True
        self._remove(self._ours(PREVIEW))
        self.look()
        self._looking.start()

    def _on_removed(self, event: Any) -> None:
        if event.value.name == PREVIEW and not self._removing:
            self.end_preview()  # the user does not want to see it

    def _compare(self, raw: Image, layer: Image) -> None:
        """Show both side by side; who had zoomed in goes on looking at the same place."""
        camera, grid = camera_of(self._viewer), grid_of(self._viewer)
        center, zoom, was_divided = camera.center, camera.zoom, grid.enabled
        seen = min(
            (span.stop - span.start) / length
            for span, length in zip(visible_part(raw), _shape(raw), strict=True)
        )
        self.comparison.show(raw, layer)
        if grid.enabled and not was_divided and seen < _ALL_OF_IT:
            camera.center = center
            camera.zoom = zoom / 2  # a pane is half the canvas

    def _show_alone(self, layer: Image) -> None:
        """Compare no longer; other images step back."""
        self.comparison.end()
        for other in self._images():
            other.visible = other == layer

    def _images(self) -> list[Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]

    def _add(self, described: LayerData, **more: Any) -> Image:
        pixels, description, _ = described
        image = Image(pixels, **description, **more)
        self._viewer.add_layer(image)
        return image

    def _ours(self, name: str) -> "Layer | None":
        """Return a layer we made; one of the user's that bears the name is left alone."""
        layer = layer_called(self._viewer, name)
        return None if layer is None or memory_of(layer).kind is None else layer

    def _remove(self, layer: "Layer | None") -> None:
        if layer is not None and layer in self._viewer.layers:
            with self._removing:
                self._viewer.layers.remove(layer)


def visible_part(layer: Image) -> Region:
    """Return what of an image layer is on screen, as slices of its pixels (y, x)."""
    (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:].astype(int)
    height, width = _shape(layer)
    spans = []
    for low, high, length in ((top, bottom + 1, height), (left, right + 1, width)):
        low, high = max(0, low), min(length, high)
        if high - low < SMALLEST_VIEW_PX:
            low, high = 0, length
        spans.append(slice(int(low), int(high)))
    return spans[0], spans[1]


def _shape(layer: Image) -> tuple[int, int]:
    """Return how many pixels (y, x) an image layer has."""
    height, width = layer.data.shape[:2] if layer.rgb else layer.data.shape[-2:]
    return int(height), int(width)
