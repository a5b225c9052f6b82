"""The large view: raw beside denoised, with the particles if there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points
from qtpy.QtCore import QObject

from napari_n2n.particles.palette import BORDER, LABEL_COLOURS, filling_rgba, label_rgba
from napari_n2n.plugin.shared.canvas import fit_view
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.layers import KEY, LayerMemory, calibration

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_n2n.workflow.screening.pictures import ImagePyramid, MicrographPicture

_NAMES = ("raw", "denoised")
_DIAMETER_PX = 60.0  # of particles whose diameter nobody has told


class MicrographView(QObject):
    """Two image layers whose data change, and their particles; made when they are needed."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.comparison = Comparison.of(viewer)
        self._images: list[Image] = []
        self._particles: list[Points] = []
        self._are_plain = True  # no particle has a label
        self._extent: tuple[float, ...] = ()
        self.picture: MicrographPicture | None = None

    @property
    def layers(self) -> list[Layer]:
        """The layers of this view that are in the viewer."""
        return [x for x in (*self._images, *self._particles) if x in self._viewer.layers]

    def show(self, picture: MicrographPicture, name: str, diameter_px: float | None) -> None:
        """Show a micrograph in the place of the last one.

        Parameters
        ----------
        name
            What the layers are called after.
        diameter_px
            Of its particles; None if nobody has told.
        """
        if self.picture is picture and len(self.layers) == len(self._images) + len(self._particles):
            self._set_visible(True)
            return
        self.picture = picture
        calibrated = calibration(picture.pixel_size_angstrom)
        both = (picture.raw, picture.denoised)
        if len([x for x in self._images if x in self._viewer.layers]) < len(_NAMES):
            self.clear()
            self.picture = picture
            self._images = [
                _image(shown, kind, calibrated) for shown, kind in zip(both, _NAMES, strict=True)
            ]
            for image in self._images:
                self._viewer.add_layer(image)
            self.comparison.show(*self._images)
        else:
            for layer, shown in zip(self._images, both, strict=True):
                _replace(layer, shown, calibrated)
        for layer, kind in zip(self._images, _NAMES, strict=True):
            layer.name = f"{name} {kind}"
        if self._are_compared:
            self.comparison.show_others()
        self._show_particles(picture, calibrated, diameter_px or _DIAMETER_PX)
        self._set_visible(True)
        extent = tuple(np.multiply(picture.raw.levels[0].shape, calibrated["scale"]))
        if extent != self._extent:
            self._extent = extent
            fit_view(self._viewer)

    def hide(self) -> None:
        """Show nothing, where there is nothing of a micrograph yet."""
        self.picture = None
        self._set_visible(False)

    def clear(self) -> None:
        """Take the layers away."""
        layers, self._images, self._particles = self.layers, [], []
        self.picture = None
        self._extent = ()
        for layer in reversed(layers):
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _set_visible(self, visible: bool) -> None:
        if self._are_compared:
            self.comparison.set_shown(visible)
            return
        for layer in self.layers:
            if layer.visible != visible:
                layer.visible = visible

    @property
    def _are_compared(self) -> bool:
        """Whether nothing else has taken the two's place beside each other."""
        return self.comparison.pair == tuple(self._images)

    def _show_particles(
        self, picture: MicrographPicture, calibrated: dict[str, Any], diameter_px: float
    ) -> None:
        particles = picture.particles
        there = [layer for layer in self._particles if layer in self._viewer.layers]
        if not there and not len(particles):
            return
        if len(there) < len(self._images):
            for layer in there:
                self._viewer.layers.remove(layer)
            self._particles = []
            self._are_plain = True
            for image in self._images:
                layer = Points(
                    np.empty((0, 2)),
                    ndim=2,
                    size=diameter_px,
                    face_color="transparent",
                    border_color=LABEL_COLOURS["unlabelled"],
                    border_width=BORDER,
                    metadata={KEY: LayerMemory("particles", made_from=image.name)},
                    **calibrated,
                )
                self._viewer.add_layer(layer)
                layer.editable = False
                self._particles.append(layer)
                self.comparison.attach(layer, image)
        labels = particles.labels
        plain = bool((labels == "unlabelled").all())
        for layer, image in zip(self._particles, self._images, strict=True):
            layer.name = f"particles ({image.name})"
            if layer.current_size != diameter_px:
                layer.current_size = diameter_px
                layer.size = diameter_px
                layer.size = diameter_px
            _rescale(layer, calibrated)
            layer.data = particles.centres_px
            # Each colour that is set sends all points to the screen anew.
            if len(particles) and not (plain and self._are_plain):
                layer.face_color = filling_rgba(labels)
                layer.border_color = label_rgba(labels)
        self._are_plain = plain
        # Its contrast is what one may want to change, and not the particles.
        self._viewer.layers.selection.active = self._images[-1]


def _image(shown: ImagePyramid, kind: str, calibrated: dict[str, Any]) -> Image:
    return Image(
        list(shown.levels),
        multiscale=True,
        name=kind,
        contrast_limits=shown.limits,
        colormap="gray",
        metadata={KEY: LayerMemory("screening")},
        **calibrated,
    )


def _rescale(layer: Layer, calibrated: dict[str, Any]) -> None:
    if tuple(layer.scale) != calibrated["scale"]:
        layer.scale = calibrated["scale"]
        layer.units = calibrated["units"]


def _replace(layer: Image, shown: ImagePyramid, calibrated: dict[str, Any]) -> None:
    layer.data = list(shown.levels)
    _rescale(layer, calibrated)
    layer.contrast_limits_range = shown.limits
    layer.contrast_limits = shown.limits
