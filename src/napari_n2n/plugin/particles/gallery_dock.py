"""The gallery in a dock of its own, below the micrograph; it comes and goes at a button."""

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.particles.gallery import Gallery
from napari_n2n.plugin.shared.docked import BottomDock
from napari_n2n.plugin.shared.keys import KEYS

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_n2n.plugin.particles.marking import MarkedParticles

_NOT_FORWARDED = ("Right", "Left")  # in the gallery they walk along the thumbnails
# Denoised and raw, (y, x), and their pixel size in Å.
_Images = tuple[np.ndarray | None, np.ndarray | None, float | None]
_CONTEXT = 1.5  # side of a thumbnail in particle diameters


class GalleryDock(BottomDock):
    """Keeps a `Gallery` equal to a `MarkedParticles`, while it is shown.

    Signals
    -------
    keyPressed
        A key that means something on the micrograph.
    particleOpened
        A thumbnail was double-clicked: the particle's id.
    """

    keyPressed = Signal(str)  # noqa: N815 - Qt's way to name signals
    particleOpened = Signal(object)  # noqa: N815

    def __init__(
        self, viewer: "ViewerModel", marking: "MarkedParticles", parent: QObject | None = None
    ) -> None:
        super().__init__(viewer, "Particle gallery", parent)
        self._marking = marking
        self.gallery: Gallery | None = None
        self._images: _Images = (None, None, None)
        self._diameter_px = 20.0
        marking.changed.connect(self._fill)
        marking.selectionChanged.connect(self._select)

    def set_images(
        self,
        denoised: np.ndarray | None,
        raw: np.ndarray | None,
        pixel_size_angstrom: float | None,
        diameter_px: float,
    ) -> None:
        """Cut thumbnails from these images, (y, x)."""
        self._images = (denoised, raw, pixel_size_angstrom)
        self._diameter_px = diameter_px
        if self.gallery is not None:
            self.gallery.set_images(*self._images)
            self._fill()

    def set_diameter(self, diameter_px: float) -> None:
        """Cut thumbnails that fit particles of another diameter."""
        self._diameter_px = diameter_px
        self._fill()

    def content(self) -> Gallery:
        """Make a gallery of the particles there are."""
        self.gallery = Gallery({key.key for key in KEYS if key.key not in _NOT_FORWARDED})
        self.gallery.selectionChanged.connect(self._marking.select)
        self.gallery.activated.connect(self.particleOpened)
        self.gallery.keyPressed.connect(self.keyPressed)
        self.gallery.set_images(*self._images)
        self._fill()
        self._select()
        return self.gallery

    def put_away(self) -> None:
        """Forget the gallery: there is a new one with the next dock."""
        self.gallery = None

    def leave(self) -> None:
        """Close the dock and follow the marking no longer."""
        self.show(False)
        self._marking.changed.disconnect(self._fill)
        self._marking.selectionChanged.disconnect(self._select)

    def _fill(self) -> None:
        if self.gallery is None:
            return
        view = self._marking.view
        pending = view.suggested != ""
        self.gallery.set_particles(
            view.ids,
            view.particles,
            _CONTEXT * self._diameter_px,
            suggested=view.suggested if pending.any() else None,
            probabilities=view.probabilities if pending.any() else None,
            uncertainty=np.where(pending, view.uncertainty, np.nan) if pending.any() else None,
        )

    def _select(self) -> None:
        if self.gallery is not None and self.gallery.selected_ids() != list(self._marking.selected):
            self.gallery.select(self._marking.selected)
