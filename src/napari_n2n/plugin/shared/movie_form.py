"""How movies are read: pixel size, dose, gain reference, EER."""

from pathlib import Path
from typing import Any

from magicgui.types import FileDialogMode
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, FloatSpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_n2n.plugin.shared.controls import Underway, aligned_labels, typed
from napari_n2n.settings import SettingField, setting_fields
from napari_n2n.workflow.recording import OF_IMAGES, RecordingOptions

_FIELDS = setting_fields(RecordingOptions)
_OF_GAIN = ("gain_operation", "gain_rotation", "gain_flip")
_OF_FRAMES = ("eer_frames", "eer_grouping", "eer_dose")
_FILES = {"gain": "Gain (*.mrc *.tif *.tiff *.gain)"}
_MOST_DECIMALS = 12


class MovieForm(QWidget):
    """Edits `RecordingOptions`, of whose fields it is made; what is left as it is, files tell."""

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {name: _widget_for(field) for name, field in _FIELDS.items()}
        # What was set, and how the field shows that: a number, for one, may have more decimals.
        self._given: dict[str, tuple[Any, Any]] = {}
        self._container = Container(widgets=[*self._fields.values()], labels=True)
        aligned_labels(self._container)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._container.native)
        self._settling = Underway()
        self._of_movies = self._of_kind = True
        for name, field in self._fields.items():
            field.changed.connect(lambda _, name=name: self._on_change(name))
        self._show_fields()

    def value(self) -> RecordingOptions:
        """Return what is chosen."""
        chosen = {name: self._read(name) for name in self._fields}
        for name in self._not_asked():
            chosen[name] = None
        return RecordingOptions(**chosen)

    def setValue(self, options: RecordingOptions) -> None:  # noqa: N802
        """Show ``options``."""
        with self._settling:
            for name, value in options:
                field = self._fields[name]
                if isinstance(field, FloatSpinBox):
                    field.native.setDecimals(_decimals_of(value, _FIELDS[name]))
                    field.value = value or 0
                else:
                    field.value = value
                self._given[name] = value, field.value
        self._on_change()

    def show_movies(self, wanted: bool, *, kind: bool = True) -> None:
        """Ask for all, or for what images have as well: the pixel size.

        Without ``kind`` it is asked elsewhere what their images are.
        """
        self._of_movies, self._of_kind = wanted, wanted and kind
        self._show_fields()

    def _read(self, name: str) -> Any:
        field = self._fields[name]
        given, shown = self._given.get(name, (None, None))
        if field.value == shown:
            return given
        if isinstance(field, FileEdit):
            return path_of(field)
        if isinstance(field, FloatSpinBox):
            return _FIELDS[name].kind(field.value) or None
        return field.value

    def _not_asked(self) -> tuple[str, ...]:
        """Return fields of no meaning, as one before them says how EER is rendered."""
        said = [name for name in _OF_FRAMES if self._read(name) is not None]
        return tuple(name for name in _OF_FRAMES if said and name != said[0])

    def _show_fields(self) -> None:
        for name, field in self._fields.items():
            field.visible = self._of_movies or name in OF_IMAGES
        self._fields["kind"].visible = self._of_kind
        # How what is not there lies means nothing; and frames are counted or dosed.
        for name in _OF_GAIN:
            self._fields[name].visible = self._of_movies and self._read("gain") is not None
        unasked = self._not_asked()
        for name in _OF_FRAMES:
            self._fields[name].visible = self._of_movies and name not in unasked

    def _on_change(self, name: str | None = None) -> None:
        if self._settling:
            return
        if name is not None:
            with self._settling:
                _raise_to_least(self._fields[name], _FIELDS[name])
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


def _widget_for(field: SettingField) -> ValueWidget[Any] | FileEdit:
    """Make the widget of one field."""
    widget: ValueWidget[Any] | FileEdit
    if field.kind is bool:
        widget = CheckBox(label="", text=field.title)
    elif field.choices:
        widget = ComboBox(label=field.label, choices=field.titled_choices)
    elif field.kind is Path:
        widget = file_edit(field.label, _FILES[field.name])
    else:
        widget = _number(field)
    widget.tooltip = field.description
    return widget


def _number(field: SettingField) -> FloatSpinBox:
    """Make the field of a positive number, where zero stands for: not given."""
    # Whole numbers, too: magicgui's own field of them has no text for a special value.
    is_whole = field.kind is int
    step = 1 if is_whole else 0.1
    assert field.most is not None
    number = FloatSpinBox(label=field.label, value=0, min=0, max=field.most, step=step)
    number.native.setDecimals(0 if is_whole else field.shown.decimals)
    number.native.setSpecialValueText(field.shown.unset)
    typed(number)
    return number


def _decimals_of(value: float | None, field: SettingField) -> int:
    """Return how many decimals are to be shown: as many as people give, or as this number has."""
    if field.kind is int:
        return 0
    there = f"{value or 0:.{_MOST_DECIMALS}f}".rstrip("0").partition(".")[2]
    return max(field.shown.decimals, len(there))


def _raise_to_least(widget: ValueWidget[Any] | FileEdit, field: SettingField) -> None:
    """Show the least number that is allowed where one between that and zero was typed."""
    least = field.least or 0.0
    if isinstance(widget, FloatSpinBox) and 0 < widget.value < least:
        widget.value = least
