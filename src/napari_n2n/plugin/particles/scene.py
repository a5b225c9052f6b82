"""The micrograph in hand: its images, marks, mouse, keys and thumbnails, shown together."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_n2n.plugin.particles.avoid_layers import AvoidLayers
from napari_n2n.plugin.particles.gallery_dock import GalleryDock
from napari_n2n.plugin.particles.layers import ParticleLayers
from napari_n2n.plugin.particles.mouse_tools import MouseTools
from napari_n2n.plugin.shared.canvas import camera_of
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.keys import KeyMap
from napari_n2n.plugin.shared.layers import memory_of, pixel_size_of
from napari_n2n.workflow.contrast import BRIGHT
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_n2n.plugin.particles.marking import MarkedParticles

_KEEP_FRACTION = 0.5  # of the diameter
_JUDGED_AT_PX = 60  # on the screen: a smaller particle tells nothing of being whole


class ParticlesScene(QObject):
    """Puts the images of one micrograph side by side, with all that works on their particles.

    Parameters
    ----------
    act
        Is called with the action of a key that was pressed over the micrograph.
    """

    def __init__(
        self,
        viewer: "ViewerModel",
        marking: "MarkedParticles",
        act: Callable[[str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._marking = marking
        self.comparison = Comparison.of(viewer)
        self.particles = ParticleLayers(viewer, marking, self.comparison, self)
        self.avoid = AvoidLayers(viewer, self.comparison, self)
        self.mouse = MouseTools(viewer, marking, self.particles, self.comparison, self)
        self.gallery = GalleryDock(viewer, marking, self)
        self.keys = KeyMap(act)
        self.image: Image | None = None
        self.raw: Image | None = None
        self.field: DenoisedMicrograph | None = None
        self._diameter_angstrom = 1.0

    @property
    def images(self) -> "list[Image]":
        """The images of the micrograph, raw before denoised."""
        return [layer for layer in (self.raw, self.image) if layer is not None]

    @property
    def diameter_px(self) -> float:
        """Diameter of a particle in pixels of the micrograph."""
        size = 1.0 if self.field is None else self.field.unit_size
        return self._diameter_angstrom / size

    @property
    def diameter_angstrom(self) -> float:
        """Diameter of a particle in Å, or in px where the pixel size is unknown."""
        return self._diameter_angstrom

    @property
    def keep_px(self) -> float:
        """How near a pick must be to a marked particle to be that one, in px."""
        return _KEEP_FRACTION * self.diameter_px

    def choose(self, image: "Image | None", raw: "Image | None") -> None:
        """Take another micrograph in hand, its particles not yet shown; None: none."""
        self.keys.release()
        self.particles.clear()
        self.avoid.clear()
        self.image, self.raw = image, raw
        self.field = None
        if image is not None:
            recorded = None if raw is None else np.asarray(raw.data)
            memory = memory_of(image)
            self.field = DenoisedMicrograph(
                np.asarray(image.data),
                pixel_size_of(image),
                recorded,
                # What the image told then it tells again, with a note.
                contrast="auto" if BRIGHT in memory.notes else memory.contrast,
            )

    def show(self, diameter_angstrom: float) -> None:
        """Show the chosen images with the particles the marking has."""
        self._diameter_angstrom = diameter_angstrom
        self.particles.show(self.images, self.diameter_px)
        if self.raw is not None and self.image is not None:
            self.comparison.show(self.raw, self.image)
        self.keys.bind(self._viewer)
        self.mouse.take("select")
        if self.field is not None:
            shown = self.field
            self.gallery.set_images(
                shown.pixels, shown.raw, shown.pixel_size_angstrom, self.diameter_px
            )

    def set_diameter(self, diameter_angstrom: float) -> bool:
        """Show particles of another diameter; False if it is what it was."""
        if self.field is None or diameter_angstrom == self._diameter_angstrom:
            return False
        self._diameter_angstrom = diameter_angstrom
        self.particles.set_diameter(self.diameter_px)
        self.mouse.show_cursor()
        self.gallery.set_diameter(self.diameter_px)
        return True

    def show_avoided(self, area: NDArray[np.bool_] | None) -> None:
        """Show where no particles were looked for, unless the user has drawn it already."""
        if area is not None and self.avoid.area is None:
            self.avoid.show(self.images, area)

    def look_at(self, particle: int) -> None:
        """Centre the camera on a particle, near enough to judge it."""
        if self.image is not None:
            camera = camera_of(self._viewer)
            place = self.image.data_to_world(self._marking.centre_of(particle))
            camera.center = (*camera.center[:-2], *place[-2:])
            on_screen = self.diameter_px * float(self.image.scale[-1])
            camera.zoom = max(camera.zoom, _JUDGED_AT_PX / on_screen)

    def leave(self) -> None:
        """Give back mouse, keys and layers; the images stay."""
        self.keys.release()
        self.mouse.disconnect_viewer()
        self.gallery.leave()
        self.particles.disconnect_layers()
        self.avoid.disconnect_layers()
        self.comparison.rest()
