"""What the Denoise widget shows of a tomogram: the section that is looked at, then all of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject

from napari_n2n.io.pictures import contrast_limits
from napari_n2n.plugin.denoise.shown_layers import PREVIEW, SMALLEST_VIEW_PX, ShownLayers
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer, layer_called, memory_of
from napari_n2n.workflow.tomogram_views import (
    DenoisedSection,
    SectionInView,
    TomogramSource,
    WatchedSection,
)
from napari_n2n.workflow.tomograms import TomogramResult

if TYPE_CHECKING:
    from napari.components import ViewerModel


class TomogramLayers(ShownLayers):
    """The layers this widget makes of tomograms; used in the window's thread only.

    Raw and denoised have one scale and one shape, so that napari's slider moves both.
    """

    def __init__(
        self, viewer: "ViewerModel", comparison: Comparison, parent: QObject | None = None
    ) -> None:
        super().__init__(viewer, comparison, parent)
        self.watched = WatchedSection()
        self._source: TomogramSource | None = None

    def begin_preview(self, source: TomogramSource) -> None:
        """Let the next sections of ``source`` make a layer."""
        self._source = source
        self._start_preview()

    def look(self) -> None:
        """Store which section is on screen, for the work to denoise."""
        raw = None if self._source is None else self.raw_of(self._source)
        seen = None if raw is None or not self._preview_wanted else _in_view(self._viewer, raw)
        self.watched.look_at(seen)

    def end_preview(self) -> None:
        """Make no more previews."""
        super().end_preview()
        self.watched.look_at(None)

    def show_section(self, section: DenoisedSection) -> None:
        """Show a denoised part of a section where it lies, beside the raw tomogram."""
        raw = None if self._source is None else self.raw_of(self._source)
        if self._source is None or raw is None or not self._preview_wanted:
            return
        size = self._source.voxel_size_angstrom
        place = tuple(at * (size or 1.0) for at in section.origin)
        like = section.voxels.reshape(-1, section.voxels.shape[-1])
        layer = layer_called(self._viewer, PREVIEW)
        if isinstance(layer, Image):
            layer.data, limits = section.voxels, contrast_limits(like)
            layer.translate = place
            layer.contrast_limits_range = limits
            layer.contrast_limits = limits
        else:
            memory = LayerMemory("preview", size)
            described = image_layer(section.voxels, PREVIEW, memory, like=like, leading_axis="z")
            layer = self._add(described, translate=place)
        if self.comparison.pair != (raw, layer):
            self._compare(raw, layer)

    def show_result(self, result: TomogramResult, seconds: float, *, in_view: bool = True) -> Image:
        """Show a denoised tomogram beside its raw one, with where it comes from.

        Not ``in_view``, it waits unseen until what it was made of is chosen again.
        """
        source = result.source
        raw = self.raw_of(source)
        name = f"{source.name} denoised"
        memory = LayerMemory(
            "denoised",
            source.voxel_size_angstrom,
            path=source.files[0] if source.files else None,
            files=source.files,
            notes=result.notes,
            made_from=source.name,
            raw_layer=None if raw is None else raw.name,
            made_from_id=None if raw is None else raw.unique_id,
            raw_id=None if raw is None else raw.unique_id,
            model=result.summary,
            working_voxel_size_angstrom=result.working_voxel_size_angstrom,
            labels=result.labels,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(seconds, 1),
            frc_resolution_angstrom=result.resolution_angstrom,
            frc=result.fsc,
        )
        described = image_layer(result.voxels, name, memory, like=result.typical, leading_axis="z")
        before = self._ours(name)
        if before is not None:
            before.name = f"{name} before"
        layer = self._add(described, visible=in_view)
        if in_view and raw is not None:
            self._compare(raw, layer)
            self._viewer.layers.selection.active = layer
        # Only now: were one of a pair removed, the comparison would end and the view be reset.
        for old in (before, self._ours(PREVIEW)):
            self._remove(old)
        return layer

    def raw_of(self, source: TomogramSource) -> Image | None:
        """Return the layer that shows a tomogram; None if the user has deleted it."""
        return next((one for one in self._images() if one.data is source.shown), None)

    def denoised_of(self, raw: Image) -> Image | None:
        """Return the newest denoised layer that was made of ``raw``."""
        for layer in reversed(self._images()):
            memory = memory_of(layer)
            if memory.kind == "denoised" and memory.raw_id == raw.unique_id:
                return layer
        return None


def _in_view(viewer: "ViewerModel", layer: Image) -> SectionInView | None:
    """Return what of a tomogram's layer is on screen; of one that is rendered, its section in z."""
    dims = viewer.dims
    shape = layer.data.shape
    point = layer.world_to_data(dims.point[-3:])
    hidden = [axis - (dims.ndim - 3) for axis in dims.not_displayed]
    axis = next((each for each in hidden if each >= 0), 0)
    spans = [slice(0, length) for length in shape]
    corners = np.asarray(layer.corner_pixels).astype(int)
    for each in range(3):
        low, high = max(0, corners[0, each]), min(shape[each], corners[1, each] + 1)
        if dims.ndisplay == 2 and high - low >= SMALLEST_VIEW_PX:
            spans[each] = slice(int(low), int(high))
    index = round(float(point[axis]))
    if not 0 <= index < shape[axis]:
        return None
    spans[axis] = slice(index, index + 1)
    return SectionInView(axis, (spans[0], spans[1], spans[2]))
