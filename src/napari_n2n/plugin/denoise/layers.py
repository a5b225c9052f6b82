"""What the Denoise widget puts on show: the sum, the live preview, the denoised result."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject

from napari_n2n.io.photographs import WHITE
from napari_n2n.plugin.denoise.shown_layers import PREVIEW, ShownLayers, visible_part
from napari_n2n.plugin.shared.canvas import fit_view, grid_of
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.layers import (
    LayerData,
    LayerMemory,
    colour_layer,
    image_layer,
    layer_called,
    memory_of,
    noisy_layer,
    raw_of,
)
from napari_n2n.workflow.fields_of_view import FieldOfView
from napari_n2n.workflow.fields_of_view import Image as Pixels
from napari_n2n.workflow.photograph_training import NoisyCopy
from napari_n2n.workflow.sources import Source
from napari_n2n.workflow.train_and_denoise import DenoisingResult, RegionOfInterest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.components import ViewerModel


class DenoiseLayers(ShownLayers):
    """The layers this widget makes of images; used in the window's thread only.

    The user may delete any of them at any time: a deleted preview stays away for as long as the
    work goes on, a deleted sum is put back when it is needed.
    """

    def __init__(
        self, viewer: "ViewerModel", comparison: Comparison, parent: QObject | None = None
    ) -> None:
        super().__init__(viewer, comparison, parent)
        self.region_of_interest = RegionOfInterest()
        self._field: FieldOfView | None = None
        self._source_data: tuple[Any, ...] = ()
        self._source_id: Hashable | None = None

    def show_chosen(self, layer: Image) -> None:
        """Show what was chosen beside what was made of it, if that is there; else alone."""
        for made in reversed(self._images()):
            memory = memory_of(made)
            raw = raw_of(made, self._viewer.layers) if memory.kind == "denoised" else None
            if isinstance(raw, Image) and _is_of(memory, raw, layer):
                if self.comparison.pair != (raw, made):
                    self._compare(raw, made)
                return
        shown = [other for other in self._images() if other.visible]
        was_alone = not grid_of(self._viewer).enabled and shown == [layer]
        self._show_alone(layer)
        if not was_alone:
            fit_view(self._viewer)

    def show_field(self, field: FieldOfView) -> Image:
        """Show the raw sum, under what comes later; other images step back.

        If it is compared with something already, it stays so until there is something newer.
        """
        self._field = field
        layer = self._raw_layer(field)
        if self.comparison.pair is not None and self.comparison.pair[0] == layer:
            return layer
        self._show_alone(layer)
        return layer

    def show_noisy(self, copy: NoisyCopy) -> Image:
        """Show a photograph with noise, which remembers the clean one; other images step back."""
        layer = self._add(noisy_layer(copy))
        self._show_alone(layer)
        self._viewer.layers.selection.active = layer
        return layer

    def begin_preview(self, source: Source, field: FieldOfView | None) -> None:
        """Let the next previews make a layer.

        ``field`` is what ``source`` shows, if it is known by now; until then a layer that
        shows the source tells what is looked at.
        """
        self._field = field
        parts = ("data", "odd", "even", "pixels")
        self._source_data = tuple(getattr(source, part) for part in parts if hasattr(source, part))
        shown = [x for x in self._images() if any(x.data is one for one in self._source_data[:1])]
        self._source_id = shown[0].unique_id if shown else None
        self._start_preview()

    def look(self) -> None:
        """Store which part of the field is on screen, for the work to denoise."""
        layer = self._layer_looked_at()
        if layer is None or not self._preview_wanted:
            self.region_of_interest.look_at(None)
        else:
            self.region_of_interest.look_at(visible_part(layer), self._field)

    def show_part(self, pixels: Pixels, origin: tuple[int, int]) -> None:
        """Show a denoised part of the field, (y, x) from ``origin`` (px) on, beside the sum."""
        field = self._field
        if field is None or not self._preview_wanted:
            return
        size = field.pixel_size_angstrom or 1.0
        place = (origin[0] * size, origin[1] * size)
        memory = LayerMemory("preview", field.pixel_size_angstrom)
        described = _described(pixels, PREVIEW, memory)
        layer = layer_called(self._viewer, PREVIEW)
        if isinstance(layer, Image):
            layer.data, limits = described[0], described[1]["contrast_limits"]
            layer.translate = place
            layer.contrast_limits_range = limits
            layer.contrast_limits = limits
        else:
            layer = self._add(described, translate=place)
        raw = self._find(field)
        if raw is not None and self.comparison.pair != (raw, layer):
            self._compare(raw, layer)

    def end_preview(self) -> None:
        """Make no more previews."""
        super().end_preview()
        self.region_of_interest.look_at(None)

    def show_result(
        self, result: DenoisingResult, seconds: float, *, in_view: bool = True
    ) -> Image:
        """Show a denoised image beside its raw one, with where it comes from.

        Not ``in_view``, it waits unseen until what it was made of is chosen again.
        """
        field = result.field
        raw = self._raw_layer(field)
        removed = result.denoised.removed
        name = f"{field.name} denoised"
        memory = LayerMemory(
            "denoised",
            field.pixel_size_angstrom,
            path=field.path or memory_of(raw).path,
            notes=(*field.notes, *result.notes),
            dose=field.dose,
            made_from=field.name,
            raw_layer=raw.name,
            made_from_id=self._source_id,
            raw_id=raw.unique_id,
            model=result.summary,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(seconds, 1),
            frc_resolution_angstrom=dict(result.resolution_angstrom),
            frc=dict(result.frc),
            psnr_db=dict(result.psnr_db),
            removed={} if removed is None else removed.as_json(),
            contrast=result.denoised.contrast,
        )
        described = _described(result.pixels, name, memory)
        before = self._ours(name)
        if before is not None:
            before.name = f"{name} before"
        layer = self._add(described, visible=in_view)
        if in_view:
            self._compare(raw, layer)
            self._viewer.layers.selection.active = layer
        # Only now: were one of a pair removed, the comparison would end and the view be reset.
        for old in (before, self._ours(PREVIEW)):
            self._remove(old)
        return layer

    def _raw_layer(self, field: FieldOfView) -> Image:
        """Return the layer of the field's sum; it is made if it is not there."""
        layer = self._find(field)
        if layer is not None:
            return layer
        whole = field.halves is not None
        name = f"{field.name} sum" if whole else f"{field.name} raw"
        self._remove(self._ours(name))
        shift = None if field.halves is None else field.halves.first_frame_shift_px
        memory = LayerMemory(
            "sum",
            field.pixel_size_angstrom,
            path=field.path,
            notes=field.notes,
            dose=field.dose,
            first_frame_shift_px=shift,
        )
        _, description, layer_type = _described(field.full, name, memory)
        return self._add((field.shown, description, layer_type))

    def _find(self, field: FieldOfView | None) -> Image | None:
        """Return the layer that shows this very field; an opened micrograph's is the user's."""
        for layer in self._images():
            if field is not None and layer.data is field.shown:
                return layer
        return None

    def _layer_looked_at(self) -> Image | None:
        if self._field is not None:
            return self._find(self._field)
        for layer in self._images():
            if layer.visible and any(layer.data is data for data in self._source_data):
                return layer
        return None


def _is_of(memory: LayerMemory, raw: Image, layer: Image) -> bool:
    """Whether ``memory`` is of a result, with a ``raw`` layer, that was made of ``layer``."""
    if raw == layer:
        return True
    path = memory_of(layer).path
    return memory.path == path if path is not None else memory.made_from_id == layer.unique_id


def _described(pixels: Pixels, name: str, memory: LayerMemory) -> LayerData:
    """Describe the layer of an image: grey (y, x), or a photograph (y, x, 3) from 0 to 255."""
    if pixels.ndim == 2:
        return image_layer(pixels, name, memory)
    return colour_layer(pixels / np.float32(WHITE), name, memory)
