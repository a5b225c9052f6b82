"""How a tomogram is looked at: along which axis, rendered or not, and how many sections at once."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from napari_n2n.plugin.shared.canvas import fit_view
from napari_n2n.plugin.shared.controls import Underway, row
from napari_n2n.plugin.shared.layers import layer_with_id, pixel_size_of
from napari_n2n.plugin.shared.looks import CHECKED_STYLE

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.components import ViewerModel

Plane = Literal["xy", "xz", "yz"]
PLANES: dict[Plane, tuple[int, int, int]] = {"xy": (0, 1, 2), "xz": (1, 0, 2), "yz": (2, 1, 0)}
"""The order of the axes z, y, x: the one that the slider moves along, down, and to the right."""

_MOST = 20
_MOST_RENDERED = 2**28
_TOO_LARGE = (
    "{} has {:,} voxels. napari would read all of them into memory to render it: look at sections, "
    "or bin it."
)
_TIPS: dict[Plane, str] = {
    "xy": "Sections as they are stored; the slider moves along z.",
    "xz": "Seen along the tilt axis y, where the missing wedge shows; the slider moves along y.",
    "yz": "Seen along x; the slider moves along x.",
}


class SectionsBar(QWidget):
    """Buttons for planes and rendering, and a slider for how many raw sections are averaged."""

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._raw_id: Hashable | None = None
        self._settling = Underway()
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        for plane, tip in _TIPS.items():
            button = self._button(plane, tip)
            button.clicked.connect(lambda _=False, plane=plane: self.show_plane(plane))
        rendered = self._button("3D", "Both rendered, turned together; dark is what is in front.")
        rendered.clicked.connect(lambda: self.show_rendered())
        self.slab = QSlider(Qt.Orientation.Horizontal)
        self.slab.setRange(0, _MOST)
        self.slab.setToolTip(
            "Average so many sections on either side, of the raw tomogram only: less noise, and "
            "what lies above and below is mixed in."
        )
        self._thickness = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        planes = row(*self.buttons.values())
        layout.addWidget(planes)
        layout.addWidget(QLabel("Raw ±"))
        layout.addWidget(self.slab, 1)
        layout.addWidget(self._thickness)
        self.slab.valueChanged.connect(self.average)
        self._events = (viewer.dims.events.order, viewer.dims.events.ndisplay)
        for event in self._events:
            event.connect(self._show_state)
        self._show_state()

    @property
    def thickness(self) -> str:
        """What is said of how much is averaged."""
        return str(self._thickness.text())

    def show_for(self, raw: Image | None) -> None:
        """Look at another tomogram; None: at something else."""
        raw_id = None if raw is None else raw.unique_id
        if raw_id != self._raw_id:
            self.average(0)
            self._raw_id = raw_id
            if raw is None:
                self.show_plane("xy")
        self.setVisible(raw is not None)
        self._show_state()

    def show_plane(self, plane: Plane) -> None:
        """Show sections across another axis; the slider moves along it in both panes."""
        dims = self._viewer.dims
        more = dims.ndim - 3
        wanted = (*range(more), *(more + axis for axis in PLANES[plane]))
        if more >= 0 and (tuple(dims.order) != wanted or dims.ndisplay != 2):
            dims.ndisplay = 2
            dims.order = wanted
            fit_view(self._viewer)
        self._show_state()

    def show_rendered(self) -> None:
        """Render what is shown in three dimensions."""
        raw = self._raw
        if raw is not None and np.prod(raw.data.shape) > _MOST_RENDERED:
            show_info(_TOO_LARGE.format(raw.name, int(np.prod(raw.data.shape))))
        elif self._viewer.dims.ndisplay != 3:
            self.show_plane("xy")  # seen from above at first
            self._viewer.dims.ndisplay = 3
            fit_view(self._viewer)
        self._show_state()

    def average(self, sections: int) -> None:
        """Average so many sections of the raw tomogram on either side of the one in view."""
        with self._settling:
            self.slab.setValue(sections)
        dims, raw = self._viewer.dims, self._raw
        margins = [0.0] * dims.ndim
        if raw is not None:
            raw.projection_mode = "mean" if sections else "none"
            for axis in range(1, 4):
                margins[-axis] = sections * float(raw.scale[-axis])
        if raw is not None or any(dims.margin_left):
            dims.margin_left = dims.margin_right = tuple(margins)
        self._show_state()

    def disconnect_viewer(self) -> None:
        """Follow the viewer no longer."""
        for event in self._events:
            event.disconnect(self._show_state)

    @property
    def _raw(self) -> Image | None:
        layer = layer_with_id(self._viewer, self._raw_id)
        return layer if isinstance(layer, Image) else None

    def _button(self, name: str, tip: str) -> QPushButton:
        button = QPushButton(name)
        button.setCheckable(True)
        button.setToolTip(tip)
        button.setStyleSheet(CHECKED_STYLE)
        button.setMaximumWidth(34)
        self._group.addButton(button)
        self.buttons[name] = button
        return button

    def _show_state(self, *_: object) -> None:
        dims = self._viewer.dims
        order = tuple(axis - (dims.ndim - 3) for axis in dims.order[-3:])
        shown = next((plane for plane, known in PLANES.items() if known == order), "")
        for name, button in self.buttons.items():
            button.setChecked(name == ("3D" if dims.ndisplay == 3 else shown))
        count = 2 * self.slab.value() + 1
        raw = self._raw
        size = None if raw is None else pixel_size_of(raw)
        length = "" if size is None else f", {count * size / 10:.3g} nm"
        self._thickness.setText(f"{count} section{'s' if count > 1 else ''}{length}")
