"""How movies are read: pixel size, dose, gain reference, EER."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, FloatSpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_n2n.plugin.shared.controls import Underway, aligned_labels, typed
from napari_n2n.workflow.movie_settings import MovieOptions

if TYPE_CHECKING:
    from magicgui.widgets.bases import ValueWidget

_AS_TOLD = "as the file tells"
_OPERATIONS = [("multiplied with frames", "multiply"), ("frames divided by it", "divide")]
_TURNS = [("as it is", 0), ("90°", 1), ("180°", 2), ("270°", 3)]
_FLIPS = [("no", 0), ("upside down", 1), ("left to right", 2)]
_UPSAMPLINGS = [("the detector's", 1), ("2 × finer", 2), ("4 × finer", 4)]


class MovieForm(QWidget):
    """Edits `MovieOptions`; what is left as it is, the files tell."""

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixel_size = _number("Pixel size (Å)", _AS_TOLD, decimals=4, most=1000)
        self._pixel_size.tooltip = "Of EER, that of the pixels that are rendered."
        self._dose = _number("Frame dose (e/Å²)", _AS_TOLD)
        self._gain = file_edit("Gain reference", "Gain (*.mrc *.tif *.tiff *.gain)")
        self._gain.tooltip = "For movies that are not gain-corrected yet: MRC, TIFF or .gain."
        self._operation = ComboBox(label="Gain is", choices=_OPERATIONS)
        self._turn = ComboBox(label="Turn gain", choices=_TURNS)
        self._turn.tooltip = "Clockwise, as RELION's --gain_rot; before it is flipped."
        self._flip = ComboBox(label="Flip gain", choices=_FLIPS)
        self._flip.tooltip = "As RELION's --gain_flip."
        self._eer_dose = _number("EER dose (e/Å²)", "about 1")
        self._eer_dose.tooltip = "EER: dose of a frame, of as many raw frames as that takes."
        self._eer_raw_dose = _number("EER raw dose (e/Å²)", _AS_TOLD, decimals=5)
        self._eer_upsampling = ComboBox(label="EER pixels", choices=_UPSAMPLINGS)
        self._aligned = CheckBox(label="", text="Frames are aligned already")
        self._of_gain = (self._operation, self._turn, self._flip)
        self._fields: dict[str, ValueWidget[Any] | FileEdit] = {
            "pixel_size_angstrom": self._pixel_size,
            "dose_per_frame": self._dose,
            "gain": self._gain,
            "gain_operation": self._operation,
            "gain_rotation": self._turn,
            "gain_flip": self._flip,
            "eer_dose": self._eer_dose,
            "eer_raw_dose": self._eer_raw_dose,
            "eer_upsampling": self._eer_upsampling,
            "aligned": self._aligned,
        }
        self._container = Container(widgets=[*self._fields.values()], labels=True)
        aligned_labels(self._container)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._container.native)
        self._settling = Underway()
        self._of_movies = True
        for field in self._fields.values():
            field.changed.connect(self._on_change)
        self._on_change()

    def value(self) -> MovieOptions:
        """Return what is chosen."""
        chosen: dict[str, Any] = {name: field.value for name, field in self._fields.items()}
        for name in ("pixel_size_angstrom", "dose_per_frame", "eer_dose", "eer_raw_dose"):
            chosen[name] = chosen[name] or None
        chosen["gain"] = path_of(self._gain)
        if chosen["gain"] is None:  # how it lies is not shown then, and means nothing
            for name in ("gain_operation", "gain_rotation", "gain_flip"):
                del chosen[name]
        return MovieOptions(**chosen)

    def setValue(self, options: MovieOptions) -> None:  # noqa: N802
        """Show ``options``."""
        with self._settling:
            for name, field in self._fields.items():
                value = getattr(options, name)
                field.value = 0 if value is None and isinstance(field, FloatSpinBox) else value
        self._on_change()

    def show_movies(self, wanted: bool) -> None:
        """Ask for all, or for what images have as well: the pixel size."""
        self._of_movies = wanted
        self._show_fields()

    def _show_fields(self) -> None:
        for field in self._fields.values():
            field.visible = self._of_movies or field is self._pixel_size
        for field in self._of_gain:
            field.visible = self._of_movies and path_of(self._gain) is not None

    def _on_change(self, *_: object) -> None:
        if self._settling:
            return
        self._show_fields()
        self.valueChanged.emit()


def file_edit(label: str, described: str) -> FileEdit:
    """Make the field of a file that may be left out."""
    mode = FileDialogMode.EXISTING_FILE
    return FileEdit(label=label, mode=mode, filter=described, nullable=True, value=None)


def path_of(field: FileEdit) -> Path | None:
    """Return the path in a field; None if it is empty."""
    path = field.value
    # An empty field reads as the path ".".
    return path if isinstance(path, Path) and path != Path() else None


def _number(label: str, nothing: str, *, decimals: int = 3, most: float = 1e4) -> FloatSpinBox:
    """Make the field of a positive number, which says ``nothing`` where none is given."""
    field = FloatSpinBox(label=label, value=0, min=0, max=most, step=0.1)
    field.native.setDecimals(decimals)
    field.native.setSpecialValueText(nothing)
    return typed(field)
