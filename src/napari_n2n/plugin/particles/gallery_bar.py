"""The line above the gallery: order, image, size, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QComboBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from napari_n2n.particles.palette import LABEL_COLOURS
from napari_n2n.plugin.particles.gallery_model import SortKey
from napari_n2n.plugin.shared.controls import not_none, row
from napari_n2n.plugin.shared.looks import CHECKED_STYLE

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

SMALLEST_PX, LARGEST_PX, STEP_PX = 48, 160, 8
_NAMES: dict[str, str] = {"score": "Score", "label": "Label", "uncertainty": "Least sure first"}
_TIPS = {
    "score": "The picker's surest first.",
    "label": "Unlabelled first, then intact, broken, contaminant.",
    "uncertainty": "Those the suggestions are least sure of first: a mark there teaches most.",
}
_ONE_LINE_PX = 760


class GalleryBar(QWidget):
    """Asks for an order, an image and a size, and tells how many there are."""

    sortChosen = Signal(str)  # noqa: N815 - Qt's way to name signals
    sortAgainClicked = Signal()  # noqa: N815
    rawChosen = Signal(bool)  # noqa: N815
    sizeChosen = Signal(int)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.order = QComboBox()
        for key in get_args(SortKey):
            self.order.addItem(_NAMES[key], key)
            place = self.order.count() - 1
            self.order.setItemData(place, _TIPS[key], Qt.ItemDataRole.ToolTipRole)
        self.order.activated.connect(lambda i: self.sortChosen.emit(self.order.itemData(i)))
        self.again = QPushButton("Sort again")
        self.again.setToolTip("Marks have changed the order. Thumbnails stay put until you ask.")
        self.again.clicked.connect(lambda: self.sortAgainClicked.emit())
        policy = self.again.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing else in the line moves
        self.again.setSizePolicy(policy)
        self._group = QButtonGroup(self)
        self.denoised_button = self._image_button("Denoised", False)
        self.raw_button = self._image_button("Raw", True)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(SMALLEST_PX, LARGEST_PX)
        self.size_slider.setSingleStep(STEP_PX)
        self.size_slider.setPageStep(2 * STEP_PX)
        self.size_slider.setFixedWidth(100)
        self.size_slider.setToolTip("Size of the thumbnails. Ctrl+wheel does the same.")
        self.size_slider.valueChanged.connect(self.sizeChosen)
        self.count = QLabel()
        legend = QLabel(_legend())
        legend.setToolTip("Solid: the label was given or accepted. Dashed: it is only suggested.")
        # Hidden bit by bit in a narrow dock rather than keeping the dock wide.
        legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(4)
        self._groups = (
            row(QLabel("Sort by"), self.order, self.again),
            row(self.denoised_button, self.raw_button, QLabel("  Size"), self.size_slider),
        )
        for group in self._groups:
            self._lines.addWidget(group, 0, Qt.AlignmentFlag.AlignLeft)
            self._lines.addSpacing(8)
        self._lines.addWidget(row(self.count, legend, stretch=(0, 1)), 1)
        buttons = (self.again, self.denoised_button, self.raw_button)
        for part in (self.order, *buttons, self.size_slider):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the gallery
        self.show_raw(False)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the lines below each other, which a narrow dock gets."""
        width = max(group.minimumSizeHint().width() for group in self._groups)
        return QSize(width, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Put all in one line where there is room, else in three."""
        super().resizeEvent(event)
        beside = self.width() >= _ONE_LINE_PX
        directions = QBoxLayout.Direction
        self._lines.setDirection(directions.LeftToRight if beside else directions.TopToBottom)

    def raw(self) -> bool:
        """Whether the raw image is chosen."""
        return self.raw_button.isChecked()

    def show_raw(self, raw: bool) -> None:
        """Show which image is chosen."""
        (self.raw_button if raw else self.denoised_button).setChecked(True)

    def offer_images(self, *, denoised: bool, raw: bool) -> None:
        """Offer the images there are."""
        self.denoised_button.setEnabled(denoised)
        self.raw_button.setEnabled(raw)

    def show_key(self, key: str) -> None:
        """Show which order is chosen."""
        self.order.setCurrentIndex(self.order.findData(key))

    def show_size(self, side: int) -> None:
        """Show how large the thumbnails are in px."""
        with QSignalBlocker(self.size_slider):
            self.size_slider.setValue(side)

    def show_state(
        self, *, particles: int, selected: int, is_sorted: bool, has_uncertainty: bool
    ) -> None:
        """Tell how many there are, and offer what makes sense."""
        text = "1 particle" if particles == 1 else f"{particles:,} particles"
        self.count.setText(f"{text}, {selected:,} selected" if particles else "")
        self.again.setVisible(not is_sorted)
        place = self.order.findData("uncertainty")
        orders = self.order.model()
        assert isinstance(orders, QStandardItemModel)  # as Qt says of every combo box's own
        not_none(orders.item(place)).setEnabled(has_uncertainty)

    def _image_button(self, text: str, raw: bool) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setToolTip(f"Thumbnails of the {text.lower()} image.")
        button.setStyleSheet(CHECKED_STYLE)
        button.clicked.connect(lambda: self.rawChosen.emit(raw))
        self._group.addButton(button)
        return button


def _legend() -> str:
    parts = [
        f"<span style='color:{colour}'>■</span> {label}" for label, colour in LABEL_COLOURS.items()
    ]
    return " &nbsp; ".join([*parts, "┅ suggested"])
