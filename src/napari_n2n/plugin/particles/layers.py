"""Particles as points over the micrograph: one layer for each pane, kept equal."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Points
from napari.layers.base import ActionType
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_n2n.particles.palette import BORDER, filling_rgba, label_rgba
from napari_n2n.plugin.shared.controls import Underway
from napari_n2n.plugin.shared.layers import KEY, LayerMemory

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_n2n.io import Label
    from napari_n2n.plugin.particles.marking import MarkedParticles
    from napari_n2n.plugin.shared.compare import Comparison
    from napari_n2n.session.shown_particles import ShownParticles

_PENDING_BORDER = 0.09  # of the diameter
_SELECTED_BORDER = 0.18
_DESCRIBING_MS = 400


class ParticleLayers(QObject):
    """Shows a `MarkedParticles` as points layers, and passes on what the user does to them.

    A label that was given is a filled disc; a pending suggestion is an outline in the suggested
    colour; an unlabelled particle is a thin ring; the selected ones have a thick rim. napari's own
    tools to add, move and delete points work in either layer. A layer the user deletes stays away
    until the next `show`.
    """

    def __init__(
        self,
        viewer: "ViewerModel",
        marking: "MarkedParticles",
        comparison: "Comparison",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._marking = marking
        self._comparison = comparison
        self._layers: list[Points] = []
        self._images: list[Image] = []
        self._diameter_px = 20.0
        self._updating = Underway()
        self._drawn: ShownParticles | None = None
        self._coloured: WeakKeyDictionary[Points, ShownParticles] = WeakKeyDictionary()
        self.label_of_new: Label = "intact"
        # It takes longer than drawing, and nobody waits for it.
        self._describing = QTimer(self)
        self._describing.setSingleShot(True)
        self._describing.setInterval(_DESCRIBING_MS)
        self._describing.timeout.connect(self.describe)
        marking.changed.connect(self.draw)
        marking.selectionChanged.connect(self._draw_selection)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> tuple[Points, ...]:
        """The points layers that are in the viewer."""
        return tuple(self._layers)

    @property
    def images(self) -> "tuple[Image, ...]":
        """The images the layers lie over, as far as they are in the viewer."""
        return tuple(image for image in self._images if image in self._viewer.layers)

    @property
    def diameter_px(self) -> float:
        """Diameter of the symbols, in pixels of the micrograph."""
        return self._diameter_px

    def show(self, images: Sequence["Image"], diameter_px: float) -> None:
        """Make a points layer over each of ``images``, all of one micrograph."""
        self.clear()
        self._images = list(images)
        self._diameter_px = diameter_px
        with self._updating:
            for image in images:
                layer = Points(
                    np.empty((0, 2)),
                    name=f"particles ({image.name})" if len(images) > 1 else "particles",
                    ndim=2,
                    scale=image.scale[-2:],
                    units=image.units[-2:],
                    translate=image.translate[-2:],
                    axis_labels=("y", "x"),
                    size=diameter_px,
                    face_color="transparent",
                    border_color="white",
                    border_width=BORDER,
                    metadata={KEY: LayerMemory("particles", made_from=image.name)},
                )
                self._viewer.add_layer(layer)
                self._layers.append(layer)
                self._comparison.attach(layer, image)
                layer.events.data.connect(self._on_data)
                layer.selected_data.events.items_changed.connect(
                    partial(self._on_selected, ref(layer))
                )
        self.draw()
        if self._layers:
            self._viewer.layers.selection.active = self._layers[-1]

    def clear(self) -> None:
        """Take the layers away."""
        layers, self._layers, self._images = self._layers, [], []
        for layer in layers:
            layer.events.data.disconnect(self._on_data)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._drawn = None

    def set_diameter(self, diameter_px: float) -> None:
        """Draw the symbols with another diameter."""
        self._diameter_px = diameter_px
        for layer in self._layers:
            layer.size = diameter_px
            layer.current_size = diameter_px

    def preview_move(self, ids: Sequence[int], centres_px: NDArray[np.float64]) -> None:
        """Draw particles at (n, 2) y, x while they are dragged; nothing is kept of it."""
        if self._drawn is None:
            return
        rows = np.searchsorted(self._drawn.ids, ids)
        with self._updating:
            for layer in self._layers:
                places = self._drawn.particles.centres_px.copy()
                places[rows] = centres_px
                layer.data = places

    def disconnect_layers(self) -> None:
        """Follow neither the viewer nor the marking any longer; the layers go."""
        self._describing.stop()
        self.clear()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._marking.changed.disconnect(self.draw)
        self._marking.selectionChanged.disconnect(self._draw_selection)

    def draw(self) -> None:
        """Draw what the marking shows."""
        view = self._marking.view
        before, self._drawn = self._drawn, view
        with self._updating:
            for layer in self._layers:
                # What has not changed is not sent again: ten thousand points take their time.
                if (
                    before is None
                    or len(layer.data) != len(view.ids)
                    or not np.array_equal(layer.data, view.particles.centres_px)
                ):
                    layer.selected_data.clear()
                    self._coloured.pop(layer, None)
                    layer.current_size = self._diameter_px
                    # Sent to the screen with the colours. Nobody else need know: particles lie
                    # within the image, so that the viewer's ranges stay as they are.
                    with layer.events.blocker_all():
                        layer.data = view.particles.centres_px.copy()
        self._draw_selection()
        self._describing.start()

    def _colour(self, layer: Points, view: "ShownParticles", rows: NDArray[np.intp]) -> None:
        """Give each point its colours and the width of its rim; ``rows`` are selected."""
        pending = view.suggested != ""
        width = np.where(pending, _PENDING_BORDER, BORDER)
        width[rows] = _SELECTED_BORDER
        wanted = {"border_width": width}
        moved = layer not in self._coloured
        if self._coloured.get(layer) is not view:
            labels = view.particles.labels
            wanted["face_color"] = filling_rgba(labels)
            wanted["border_color"] = label_rgba(np.where(pending, view.suggested, labels))
            self._coloured[layer] = view
        different = {
            name: value
            for name, value in wanted.items()
            if not np.array_equal(getattr(layer, name), value)
        }
        if different or moved:
            with _sent_at_once(layer):
                for name, value in different.items():
                    setattr(layer, name, value)

    def _draw_selection(self) -> None:
        view = self._marking.view
        rows = view.rows(self._marking.selected)
        with self._updating:
            for layer in self._layers:
                self._colour(layer, view, rows)
                if set(layer.selected_data) != set(rows.tolist()):
                    # Not by assignment, which would look up the features of all points.
                    layer.selected_data.replace_selection(rows.tolist())

    def describe(self) -> None:
        """Let the layers' features tell label, score and the rest, for whoever reads them."""
        view = self._marking.view
        for layer in self._layers:
            if len(layer.data) == len(view.ids):
                layer.features = {
                    "label": view.particles.labels,
                    "score": view.particles.scores,
                    "given_by": view.particles.given_by,
                    "suggested": view.suggested,
                    "probability": view.probabilities,
                }

    def _on_data(self, event: Any) -> None:
        """Keep what the user did with napari's own tools."""
        if self._updating or self._drawn is None:
            return
        layer, ids = event.source, self._drawn.ids
        rows = np.asarray(event.data_indices, dtype=np.intp)
        if event.action == ActionType.ADDED:
            for centre in np.array(layer.data[rows]):
                self._marking.add(centre, self.label_of_new)
        elif event.action == ActionType.REMOVED:
            self._marking.delete(ids[rows].tolist())
        elif event.action == ActionType.CHANGED and len(layer.data) == len(ids):
            moved = rows[_differ(layer.data[rows], self._drawn.particles.centres_px[rows])]
            self._marking.move(ids[moved].tolist(), np.array(layer.data[moved]))

    def _on_selected(self, selected_in: "ref[Points]", *_: object) -> None:
        layer = selected_in()
        if self._updating or self._drawn is None or layer is None or layer not in self._layers:
            return
        if len(layer.data) == len(self._drawn.ids):
            rows = sorted(layer.selected_data)
            self._marking.select(self._drawn.ids[rows].tolist())

    def _on_removed(self, event: Any) -> None:
        if event.value in self._layers:
            self._layers.remove(event.value)


@contextmanager
def _sent_at_once(layer: Points) -> Iterator[None]:
    """Send what is changed in the block to the screen once, not once for each change.

    napari uploads all points anew for each colour and width that is set.
    """
    managers = (getattr(layer, "_face", None), getattr(layer, "_border", None))
    with ExitStack() as stack:
        for emitter in (layer, *managers):
            if emitter is not None:
                stack.enter_context(emitter.events.blocker_all())
        yield
    layer.events.border_width()


def _differ(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    different: NDArray[np.bool_] = (a != b).any(axis=1)
    return different
