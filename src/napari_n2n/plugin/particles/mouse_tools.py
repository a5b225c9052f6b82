"""What the mouse does on a micrograph: select and move, mark, brush, erase, measure."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.particles.measuring import MeasuringCircle
from napari_n2n.plugin.shared.canvas import camera_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_n2n.io import Label
    from napari_n2n.plugin.particles.layers import ParticleLayers
    from napari_n2n.plugin.particles.marking import MarkedParticles
    from napari_n2n.plugin.shared.compare import Comparison

Tool = Literal["select", "mark", "brush", "erase", "measure"]
TOOLS: tuple[Tool, ...] = get_args(Tool)

_CLICK_PX = 4.0
"""A mouse that moved less than this on the screen has clicked."""

_Drag = Generator[None, None, None]


class MouseTools(QObject):
    """Turns clicks and drags in either pane into edits of a `MarkedParticles`.

    A drag that no tool wants moves the camera, as everywhere in napari. While a layer is in one of
    napari's own modes (add, select, …) these tools stand back.

    Signals
    -------
    measured
        A diameter in px was drawn.
    """

    measured = Signal(float)
    toolChanged = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(
        self,
        viewer: "ViewerModel",
        marking: "MarkedParticles",
        layers: "ParticleLayers",
        comparison: "Comparison",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._marking = marking
        self._layers = layers
        self._comparison = comparison
        self._tool: Tool = "select"
        self.label: Label = "intact"
        self._brush = 1.0  # radius in particle diameters
        viewer.mouse_drag_callbacks.append(self._on_drag)

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self._tool

    @property
    def brush_px(self) -> float:
        """Radius of brush and eraser in px of the micrograph."""
        return self._brush * self._layers.diameter_px

    def take(self, tool: Tool) -> None:
        """Take a tool in hand."""
        self._tool = tool
        self.show_cursor()
        self.toolChanged.emit(tool)

    def scale_brush(self, factor: float) -> None:
        """Make the brush larger or smaller."""
        self._brush = float(np.clip(self._brush * factor, 0.25, 20.0))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Show by the cursor what a click would do."""
        style = {"brush": "circle", "erase": "circle", "mark": "crosshair", "measure": "cross"}
        for layer in self._layers.layers:
            diameter = 2 * self.brush_px * float(layer.scale[-1])
            layer.cursor_size = diameter  # type: ignore[assignment] # napari's own is no int either
            layer.cursor = style.get(self._tool, "standard")

    def disconnect_viewer(self) -> None:
        """Leave the mouse to napari."""
        if self._on_drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_drag)

    def _on_drag(self, viewer: "ViewerModel", event: Any) -> _Drag | None:
        layers = self._layers.layers
        active = viewer.layers.selection.active
        napari_wants_it = active is not None and str(active.mode) != "pan_zoom"
        if not layers or not self._marking.is_open or napari_wants_it or event.button != 1:
            return None
        if "Alt" in event.modifiers:  # napari's zoom box
            return None
        begin = {
            "select": self._select,
            "mark": self._mark,
            "brush": self._brush_over,
            "erase": self._brush_over,
            "measure": self._measure,
        }[self._tool]
        return begin(event)

    def _select(self, event: Any) -> _Drag:
        """Click to select, with shift to select more; drag a particle to move it."""
        marking = self._marking
        start = self._place(event)
        found = marking.nearest(start, self._layers.diameter_px / 2)
        if found is None:
            yield from self._unless_dragged(event)
            if event.type == "mouse_release" and "Shift" not in event.modifiers:
                marking.select([])
            return
        chosen = [i for i in marking.selected if i != found]
        if "Shift" in event.modifiers:
            # Once more with shift takes it out again.
            marking.select(chosen if found in marking.selected else [*chosen, found])
        elif found in marking.selected:
            marking.select([*chosen, found])
        else:
            marking.select([found])
        with _DraggedParticles(self._viewer, event):
            origin = np.array(event.pos)
            yield
            ids = list(marking.selected)
            if not ids:
                return
            centres = np.array([marking.centre_of(i) for i in ids])
            moved = False
            while event.type == "mouse_move":
                event.handled = True
                moved = moved or bool(np.hypot(*(np.array(event.pos) - origin)) > _CLICK_PX)
                if moved:
                    self._layers.preview_move(ids, centres + self._place(event) - start)
                yield
            if moved:
                marking.move(ids, centres + self._place(event) - start)

    def _mark(self, event: Any) -> _Drag:
        """Click on a particle to label it, elsewhere to add one; drags move the camera."""
        place = self._place(event)
        yield from self._unless_dragged(event)
        if event.type != "mouse_release":
            return
        found = self._marking.nearest(place, self._layers.diameter_px / 2)
        if found is None:
            self._marking.add(place, self.label)
        else:
            self._marking.select([found])
            self._marking.label(self.label, [found])

    def _brush_over(self, event: Any) -> _Drag:
        """Label, or erase, all particles the brush touches; one edit for the whole stroke."""
        marking = self._marking
        touched: dict[int, None] = {}
        last = self._place(event)
        with _DraggedParticles(self._viewer, event):
            while True:
                here = self._place(event)
                # The mouse may have jumped by more than the brush is wide.
                pieces = int(np.hypot(*(here - last)) / self.brush_px) + 1
                for part in np.linspace(0, 1, pieces + 1):
                    near = marking.within(last + part * (here - last), self.brush_px)
                    touched.update(dict.fromkeys(near))
                marking.select(list(touched))
                last = here
                if event.type == "mouse_release":
                    break
                event.handled = True
                yield
        if touched and self._tool == "erase":
            marking.delete(list(touched))
        elif touched:
            marking.label(self.label, list(touched))

    def _measure(self, event: Any) -> _Drag:
        """Draw a circle from one edge of a particle to the other."""
        start = self._place(event)
        active = self._viewer.layers.selection.active
        circle = MeasuringCircle(self._viewer, self._comparison, self._layers.images)
        try:
            with _DraggedParticles(self._viewer, event):
                yield
                while event.type == "mouse_move":
                    event.handled = True
                    circle.draw(start, self._place(event))
                    yield
        finally:
            circle.remove()
        self._viewer.layers.selection.active = active
        if circle.diameter_px > 2:
            self.measured.emit(circle.diameter_px)
        self.take("select")

    def _unless_dragged(self, event: Any) -> _Drag:
        """Wait for the button to be let go; the last event is no release if it was a drag."""
        origin = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            if np.hypot(*(np.array(event.pos) - origin)) > _CLICK_PX:
                return
            yield

    def _place(self, event: Any) -> Any:
        """Return where the mouse is, y and x in px of the micrograph."""
        return _at(self._layers.layers[-1].world_to_data(event.position))


def _at(coordinates: ArrayLike) -> Any:
    return np.asarray(coordinates, dtype=float)[-2:]


class _DraggedParticles:
    """Holds the camera still while a tool uses the mouse."""

    def __init__(self, viewer: "ViewerModel", event: Any) -> None:
        self._camera = camera_of(viewer)
        self._event = event

    def __enter__(self) -> None:
        self._was = self._camera.mouse_pan
        self._camera.mouse_pan = False
        self._event.handled = True

    def __exit__(self, *_: object) -> None:
        self._camera.mouse_pan = self._was
