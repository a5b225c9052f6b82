"""Choosing the micrograph whose particles are marked: its denoised and its raw image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from magicgui.widgets import ComboBox, Container
from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_n2n.plugin.shared.controls import Underway, aligned_labels
from napari_n2n.plugin.shared.layers import memory_of, raw_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True)
class MicrographChoice:
    """Names of the layers of one micrograph; without a denoised one, the raw one is used."""

    denoised: str | None = None
    raw: str | None = None


class MicrographForm(QWidget):
    """Edits a `MicrographChoice` over the layers of a viewer, and keeps up with them.

    The newest denoised image is chosen, with the raw one it was made from, until the user chooses.
    """

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._denoised = ComboBox(label="Denoised", nullable=True, choices=())
        self._denoised.tooltip = "Particles are found and thumbnails cut in this image."
        self._raw = ComboBox(label="Raw", nullable=True, choices=())
        self._raw.tooltip = "Shown beside it, with the same marks."
        container = Container(widgets=[self._denoised, self._raw], labels=True)
        aligned_labels(container)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(container.native)
        self._container = container
        self._settling = Underway()
        self._known: WeakSet[Layer] = WeakSet()
        self._chosen: tuple[Layer | None, Layer | None] = (None, None)
        self._told = MicrographChoice()
        self._denoised.changed.connect(self._on_denoised)
        self._raw.changed.connect(self._tell)
        for event in self._layer_events():
            event.connect(self.refresh)
        self.refresh()

    def value(self) -> MicrographChoice:
        """Return what is chosen."""
        return MicrographChoice(self._denoised.value, self._raw.value)

    def setValue(self, choice: MicrographChoice) -> None:  # noqa: N802
        """Choose layers; those that are not there are left open."""
        with self._settling:
            for field, name in ((self._denoised, choice.denoised), (self._raw, choice.raw)):
                field.value = name if name in field.choices else None
        self._tell()

    def images(self) -> "tuple[Image | None, Image | None]":
        """Return the layers that are chosen: the one to look for particles in, and the raw one.

        A raw image of another size does not belong to the denoised one and is left out.
        """
        denoised, raw = self._chosen_layers()
        if denoised is None:
            return raw, None
        if raw is None or raw is denoised or raw.data.shape != denoised.data.shape:
            return denoised, None
        return denoised, raw

    def _chosen_layers(self) -> "tuple[Image | None, Image | None]":
        choice, layers = self.value(), self._viewer.layers
        found = {layer.name: layer for layer in layers if isinstance(layer, Image)}
        denoised, raw = (
            None if name is None else found.get(name) for name in (choice.denoised, choice.raw)
        )
        return denoised, raw

    def refresh(self, *_: object) -> None:
        """Offer the layers that are there now."""
        offered = [layer for layer in self._viewer.layers if _is_micrograph(layer)]
        names = [layer.name for layer in offered]
        made = [layer.name for layer in offered if _is_denoised(layer)]
        new = [layer.name for layer in offered if _is_denoised(layer) and layer not in self._known]
        # By what they are, not by what they were called: a layer may be renamed.
        kept = [layer.name if layer and layer in offered else None for layer in self._chosen]
        with self._settling:
            self._denoised.choices = made + [name for name in names if name not in made]
            self._raw.choices = [name for name in names if name not in made]
            if new:
                self._denoised.value = new[-1]
                self._raw.value = self._origin(new[-1])
            else:
                for field, name in zip((self._denoised, self._raw), kept, strict=True):
                    field.value = name if name in field.choices else None
                # A raw image alone may be what the user wants.
                lost = self._chosen[0] is not None or self._raw.value is None
                if self._denoised.value is None and made and lost:
                    self._denoised.value = made[-1]
                    self._raw.value = self._origin(made[-1])
            if self._denoised.value is None and self._raw.value is None and names:
                self._raw.value = names[-1]
        self._known = WeakSet(layer for layer in offered if _is_denoised(layer))
        self._tell()

    def disconnect_layers(self) -> None:
        """Follow the viewer's layers no longer."""
        for event in self._layer_events():
            event.disconnect(self.refresh)

    def _layer_events(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.renamed

    def _origin(self, denoised: str) -> str | None:
        """Return the raw image that a denoised one was made from, if it is there."""
        layer = self._viewer.layers[denoised]
        raw = raw_of(layer, [other for other in self._viewer.layers if _is_micrograph(other)])
        if raw is None or raw.data.shape != layer.data.shape:
            return None
        return raw.name if raw.name in self._raw.choices else None

    def _on_denoised(self, *_: object) -> None:
        if not self._settling and self._denoised.value is not None:
            origin = self._origin(self._denoised.value)
            if origin is not None:
                with self._settling:
                    self._raw.value = origin
        self._tell()

    def _tell(self, *_: object) -> None:
        if self._settling:
            return
        chosen = self._chosen_layers()
        if chosen != self._chosen or self.value() != self._told:
            self._chosen, self._told = chosen, self.value()
            self.valueChanged.emit()


def _is_denoised(layer: "Layer") -> bool:
    return memory_of(layer).kind == "denoised"


def _is_micrograph(layer: "Layer") -> bool:
    plain = isinstance(layer, Image) and layer.ndim == 2 and not layer.rgb and not layer.multiscale
    return plain and memory_of(layer).kind not in ("preview", "odd", "even", "removed")
