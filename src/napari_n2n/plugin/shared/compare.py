"""Looking at raw and denoised: side by side, one over the other, blinking, or at what is gone."""

from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary, finalize, ref

from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, QTimer, Signal

from napari_n2n.plugin.shared.canvas import fit_view, grid_of
from napari_n2n.plugin.shared.controls import Underway
from napari_n2n.plugin.shared.layers import is_made_here
from napari_n2n.plugin.shared.removed_layer import removed_layer, show_anew

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

Mode = Literal["grid", "overlay", "blink", "removed"]
MODES: tuple[Mode, ...] = ("grid", "overlay", "blink", "removed")

_BLINK_MS = 700
_OVERLAY_OPACITY = 0.6
_NAME_PT = 8  # so that names of usual length fit into half the canvas of a small screen
_NOTHING_TO_SHOW = (
    "Denoise first: what was removed can be shown of what was denoised in this window."
)


class Comparison(QObject):
    """Shows two layers of a viewer together, in one of four ways and with one camera.

    Layers are remembered by themselves, not held against the user's will: if either is deleted
    the comparison ends. A viewer has one comparison, which its widgets share: `of`.

    What was removed is an image of its own that takes the denoised one's place, below its marks.
    It is computed when it is first asked for, and goes when the comparison ends.
    """

    modeChanged = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(self, viewer: "ViewerModel", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer_while_it_lives = ref(viewer)
        self._pair: tuple[Layer, Layer] | None = None
        self._removed: Layer | None = None
        # What is drawn over an image, in its pane, the lowest first.
        self._marks: WeakKeyDictionary[Layer, list[Layer]] = WeakKeyDictionary()
        self._mode: Mode = "grid"
        self._timer = QTimer(self)
        self._timer.setInterval(_BLINK_MS)
        self._timer.timeout.connect(self._blink)
        self._ordering = Underway()
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.reordered.connect(self._on_reordered)

    @classmethod
    def of(cls, viewer: "ViewerModel") -> "Comparison":
        """Return the viewer's comparison, which lives as long as the viewer."""
        key = id(viewer)
        if key not in _comparisons:
            _comparisons[key] = cls(viewer)
            finalize(viewer, _comparisons.pop, key, None)
        return _comparisons[key]

    @property
    def _viewer(self) -> "ViewerModel":
        viewer = self._viewer_while_it_lives()
        assert viewer is not None  # its own events and its own widgets call us
        return viewer

    @property
    def pair(self) -> "tuple[Layer, Layer] | None":
        """Raw and denoised, if they are compared."""
        return self._pair

    @property
    def mode(self) -> Mode:
        """How the two are shown."""
        return self._mode

    @property
    def beside(self) -> bool:
        """Whether the two panes are beside each other."""
        return self._mode in ("grid", "removed")

    @property
    def blinking(self) -> bool:
        """Whether the display is changing by itself."""
        return bool(self._timer.isActive())

    def show(self, raw: "Layer", denoised: "Layer") -> None:
        """Show ``raw`` (left, below) and ``denoised`` (right, above); other images are hidden."""
        if self._pair != (raw, denoised):
            self._drop_removed()
        self._name_panes(False)
        self._pair = (raw, denoised)
        self._name_panes(True)
        marks = [layer for image in self._pair for layer in self._marks_over(image)]
        for layer in self._viewer.layers:
            layer.visible = layer in self._pair or layer in marks
        self._in_order(self._shown())
        self._apply()

    def attach(self, marks: "Layer", image: "Layer", *, below: bool = False) -> None:
        """Draw ``marks`` over ``image``, in its pane; over other marks, or ``below`` them.

        Where one image is drawn over the other, only the marks of the upper one are shown.
        """
        others = self._marks_over(image)
        self._marks[image] = [marks, *others] if below else [*others, marks]
        if self._pair is not None and image in self._pair:
            self._in_order(self._shown())
            self._apply()

    def set_mode(self, mode: Mode) -> None:
        """Show the two in another way; any choice ends blinking.

        Where there is nothing removed to be shown, the user is told and all stays as it is.
        """
        if mode == "removed" and not self._have_removed():
            show_info(_NOTHING_TO_SHOW)
            mode = self._mode
        exchanged = self._are_exchanged()
        before, self._mode = self._mode, mode
        if self._pair is not None and before != mode and "removed" in (before, mode):
            raw, other = self._shown()
            self._in_order((other, raw) if exchanged else (raw, other))
        self._apply()
        self.modeChanged.emit(mode)

    def end(self) -> None:
        """Stop comparing: one canvas again, nothing blinks."""
        self._timer.stop()
        self._drop_removed()
        self._name_panes(False)
        self._pair = None
        grid_of(self._viewer).enabled = False

    def show_others(self) -> None:
        """Go on as it is: the two layers have got the images of another micrograph."""
        if self._pair is None or self._removed is None:
            return
        raw, denoised = self._pair
        if self._mode != "removed":
            self._drop_removed()
        elif isinstance(raw, Image) and isinstance(denoised, Image):
            assert isinstance(self._removed, Image)
            show_anew(self._removed, raw, denoised)

    def set_shown(self, shown: bool) -> None:
        """Show what is compared, with its marks, as it is compared; or nothing of it."""
        if self._pair is None:
            return
        raw, denoised = self._pair
        wanted = {raw: shown, denoised: shown and self._mode != "removed"}
        if self._removed is not None:
            wanted[self._removed] = shown and self._mode == "removed"
        wanted |= dict.fromkeys(self._marks_over(denoised), shown)
        # Overlay and blinking have their own mind about the raw one's marks.
        wanted |= dict.fromkeys(self._marks_over(raw), shown and self.beside)
        for layer, visible in wanted.items():
            if layer.visible != visible:
                layer.visible = visible

    def rest(self) -> None:
        """Change nothing by itself any more: what blinks stays as it is, both shown."""
        if self.blinking:
            self.set_mode("grid")

    def _apply(self) -> None:
        self._timer.stop()
        if self._pair is None:
            return
        raw, denoised = self._pair
        raw.visible = True
        denoised.visible = self._mode != "removed"
        if self._removed is not None:
            self._removed.visible = self._mode == "removed"
        denoised.opacity = _OVERLAY_OPACITY if self._mode == "overlay" else 1.0
        for marks in self._marks_over(raw):
            marks.visible = self.beside
        grid = grid_of(self._viewer)
        if self.beside:
            self._divide()
            grid.shape = (1, 2)
        if grid.enabled != self.beside:
            grid.enabled = self.beside
            # A pane is half the canvas: what filled one would be cut off in the other.
            fit_view(self._viewer)
        if self._mode == "blink":
            self._timer.start()

    def _have_removed(self) -> bool:
        """Have the image of what was removed; False if these two do not tell."""
        if self._removed is not None:
            return True
        removed = None if self._pair is None else removed_layer(*self._pair)
        if removed is None:
            return False
        layers = self._viewer.layers
        active = layers.selection.active
        removed.name_overlay.font_size = _NAME_PT
        removed.name_overlay.visible = True
        self._viewer.add_layer(removed)
        self._removed = removed
        layers.selection.active = active  # the user's tools work on that one
        return True

    def _drop_removed(self) -> None:
        """Show what was removed no longer; the layer goes."""
        dropped, self._removed = self._removed, None
        if dropped is None:
            return
        dropped.visible = False
        # Not now: the list of layers may be in the middle of telling of another.
        QTimer.singleShot(0, partial(self._delete, dropped))
        if self._mode == "removed":
            self._mode = "grid"
            self.modeChanged.emit("grid")

    def _without_removed(self) -> None:
        """Show the denoised image again where the user deleted what was removed."""
        pair, viewer = self._pair, self._viewer_while_it_lives()
        if self._mode == "removed" and self._removed is None and pair and viewer is not None:
            self._mode = "grid"
            self._in_order(pair)
            self.set_mode("grid")

    def _delete(self, layer: "Layer") -> None:
        viewer = self._viewer_while_it_lives()
        if viewer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)

    def _in_order(self, lower_first: "tuple[Layer, Layer]") -> None:
        """Bring other images below the two, their marks on top of each, and all else above."""
        layers = self._viewer.layers
        compared = [layer for image in lower_first for layer in self._with_marks(image)]
        others = [layer for layer in layers if layer not in compared]
        images = [layer for layer in others if isinstance(layer, Image)]
        rest = [layer for layer in others if not isinstance(layer, Image)]
        with self._ordering:
            for place, layer in enumerate([*images, *compared, *rest]):
                if layers.index(layer) != place:
                    layers.move(layers.index(layer), place)

    def _name_panes(self, shown: bool) -> None:
        """Write in its pane what each of the two is, or no longer."""
        for layer in self._pair or ():
            layer.name_overlay.font_size = _NAME_PT
            layer.name_overlay.visible = shown

    def _with_marks(self, image: "Layer") -> "list[Layer]":
        """Return an image and the marks over it."""
        return [image, *self._marks_over(image)]

    def _marks_over(self, image: "Layer") -> "list[Layer]":
        """Return the marks over an image that are still in the viewer."""
        if self._pair is not None and image == self._removed:
            image = self._pair[1]
        return [marks for marks in self._marks.get(image, []) if marks in self._viewer.layers]

    def _divide(self) -> None:
        """Give each its pane: napari fills a pane with ``stride`` layers, in their order.

        What is below the lower one shares its pane, what is above the upper one that one's, so
        that marks which are made visible are drawn on the denoised image.
        """
        layers = self._viewer.layers
        if self._pair is None or not self.beside:
            return
        there = [layer for layer in self._shown() if layer in layers]
        if len(there) == 2:
            lower = min(there, key=layers.index)
            grid_of(self._viewer).stride = layers.index(self._with_marks(lower)[-1]) + 1

    def _on_inserted(self, event: Any) -> None:
        """Make room for an image that was opened: beside the old result it would look like it."""
        if self._pair is None:
            return
        opened = event.value
        if not isinstance(opened, Image) or is_made_here(opened):
            self._divide()
            return
        pair = self._pair
        self.end()
        for layer in pair:
            layer.visible = False
            for marks in self._marks_over(layer):
                marks.visible = False
        fit_view(self._viewer)

    def _on_reordered(self, _event: object) -> None:
        # Not now: the list of layers is in the middle of moving one.
        if not self._ordering:
            QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        """Let the user exchange the panes, and nothing come between their layers."""
        if self._pair is None or self._viewer_while_it_lives() is None:
            return
        raw, other = self._shown()
        self._in_order((other, raw) if self._are_exchanged() else (raw, other))
        self._divide()

    def _shown(self) -> "tuple[Layer, Layer]":
        """Return raw, and what is shown with it: denoised, or what was removed."""
        assert self._pair is not None
        raw, denoised = self._pair
        if self._mode == "removed" and self._removed is not None:
            return raw, self._removed
        return raw, denoised

    def _are_exchanged(self) -> bool:
        """Whether the user has put raw to the right."""
        if self._pair is None or not self.beside:
            return False
        layers, (raw, other) = self._viewer.layers, self._shown()
        return raw in layers and other in layers and layers.index(other) < layers.index(raw)

    def _blink(self) -> None:
        if self._pair is not None:
            denoised = self._pair[1]
            denoised.visible = not denoised.visible

    def _on_removed(self, event: object) -> None:
        if self._pair is None:
            return
        gone = getattr(event, "value", None)
        if gone == self._removed:
            self._removed = None
            QTimer.singleShot(0, self._without_removed)
        if gone not in self._pair:
            self._divide()
            return
        rest = [layer for layer in self._pair if layer in self._viewer.layers]
        self.end()
        for layer in rest:
            layer.visible = True
            layer.opacity = 1.0


# By the identity of their viewer, which is not hashable.
_comparisons: dict[int, Comparison] = {}
