"""What the Denoise widget puts on show: the sum, the live preview, the denoised result."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_n2n.plugin.compare import Comparison
from napari_n2n.plugin.layers import KEY, LayerData, contrast_limits, image_layer, knowledge_of
from napari_n2n.plugin.sources import Exposure
from napari_n2n.plugin.steps import Result, Watched

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_n2n.denoising.training import Preview

PREVIEW = "denoising preview"
_SMALLEST_VIEW_PX = 64


class Stage:
    """The layers this widget makes; used in the window's thread only.

    The user may delete any of them at any time: a deleted preview stays away until the next
    training, a deleted sum is put back when it is needed.
    """

    def __init__(self, viewer: "ViewerModel", comparison: Comparison) -> None:
        self._viewer = viewer
        self.comparison = comparison
        self.watched = Watched()
        self._exposure: Exposure | None = None
        self._preview_wanted = False
        self._removing = False
        viewer.layers.events.removed.connect(self._on_removed)

    def show_exposure(self, exposure: Exposure) -> "Layer":
        """Show the raw sum, under what comes later; other images step back."""
        self._exposure = exposure
        layer = self._raw_layer(exposure)
        for other in self._viewer.layers:
            if isinstance(other, Image):
                other.visible = other is layer
        return layer

    def begin_preview(self) -> None:
        """Let the next previews make a layer."""
        self._preview_wanted = True
        self._remove(PREVIEW)
        self.look()

    def look(self) -> None:
        """Store which part of the sum is on screen, for the training to denoise."""
        exposure = self._exposure
        layer = self._find(exposure)
        if exposure is None or layer is None or not self._preview_wanted:
            self.watched.look_at(None, None, (0, 0))
            return
        y, x = _visible(layer, exposure.full.shape[:2])
        part = exposure.full[y, x]
        self.watched.look_at(part, exposure.pixel_size_angstrom, (y.start, x.start))

    def show_preview(self, preview: "Preview") -> None:
        """Show a part denoised by the network as it is now, beside the sum."""
        exposure = self._exposure
        if exposure is None or not self._preview_wanted:
            return
        size = exposure.pixel_size_angstrom or 1.0
        place = (preview.origin[0] * size, preview.origin[1] * size)
        limits = contrast_limits(preview.pixels)
        if PREVIEW in self._viewer.layers:
            layer = self._viewer.layers[PREVIEW]
            layer.data = preview.pixels
            layer.translate = place
            layer.contrast_limits_range = limits
            layer.contrast_limits = limits
            return
        described = image_layer(
            preview.pixels, PREVIEW, exposure.pixel_size_angstrom, kind="preview"
        )
        layer = self._add(described, translate=place)
        raw = self._find(exposure)
        if raw is not None:
            self.comparison.show(raw, layer)

    def end_preview(self) -> None:
        """Make no more previews."""
        self._preview_wanted = False
        self.watched.look_at(None, None, (0, 0))

    def disconnect_layers(self) -> None:
        """Follow the viewer's layers no longer."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def show_result(self, result: Result, seconds: float) -> "Layer":
        """Show a denoised image beside its raw one, with where it comes from."""
        exposure = result.exposure
        raw = self.show_exposure(exposure)
        self._remove(PREVIEW)
        name = f"{exposure.name} denoised"
        self._remove(name)
        described = image_layer(
            result.pixels,
            name,
            exposure.pixel_size_angstrom,
            kind="denoised",
            made_from=exposure.name,
            raw_layer=raw.name,
            path=str(exposure.path or knowledge_of(raw).get("path", "")),
            model=result.summary,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(seconds, 1),
            dose=exposure.dose,
            frc_resolution_angstrom=dict(result.resolution_angstrom),
            frc=dict(result.frc),
            notes=(*exposure.notes, *result.notes),
        )
        layer = self._add(described)
        self.comparison.show(raw, layer)
        self._viewer.layers.selection.active = layer
        return layer

    def _on_removed(self, event: Any) -> None:
        if event.value.name == PREVIEW and not self._removing:
            self.end_preview()  # the user does not want to see it

    def _raw_layer(self, exposure: Exposure) -> "Layer":
        """Return the layer of the exposure's sum; it is made if it is not there."""
        layer = self._find(exposure)
        if layer is not None:
            return layer
        whole = exposure.odd is not None
        name = f"{exposure.name} sum" if whole else f"{exposure.name} raw"
        self._remove(name)
        layer = self._add(
            image_layer(
                exposure.full,
                name,
                exposure.pixel_size_angstrom,
                kind="sum",
                path=str(exposure.path or ""),
                dose=exposure.dose,
                notes=exposure.notes,
            )
        )
        return layer

    def _find(self, exposure: Exposure | None) -> "Layer | None":
        """Return the layer that shows this very exposure; an opened micrograph's is the user's."""
        for layer in self._viewer.layers:
            if exposure is not None and layer.data is exposure.full:
                return layer
        return None

    def _add(self, described: LayerData, **more: Any) -> "Layer":
        pixels, description, _ = described
        return self._viewer.add_layer(Image(pixels, **description, **more))

    def _remove(self, name: str) -> None:
        """Remove a layer of ours; one of the user's that bears the name is left alone."""
        if name in self._viewer.layers and KEY in self._viewer.layers[name].metadata:
            self._removing = True
            try:
                self._viewer.layers.remove(name)
            finally:
                self._removing = False


def _visible(layer: "Layer", shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return what of an image of ``shape`` is on screen, as slices of its pixels."""
    (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:].astype(int)
    spans = []
    for low, high, length in ((top, bottom + 1, shape[0]), (left, right + 1, shape[1])):
        low, high = max(0, low), min(length, high)
        if high - low < _SMALLEST_VIEW_PX:
            low, high = 0, length
        spans.append(slice(int(low), int(high)))
    return spans[0], spans[1]
