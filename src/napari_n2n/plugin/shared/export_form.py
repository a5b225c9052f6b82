"""Which particles to export, and as what."""

from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, ComboBox, Container, LineEdit
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_n2n.export.particle_files import ExportChoice
from napari_n2n.io import LABELS
from napari_n2n.plugin.shared.controls import aligned_labels

if TYPE_CHECKING:
    from napari_n2n.io import Label

FORMATS = {
    "RELION STAR (.star)": ".star",
    "cryoSPARC (.cs)": ".cs",
    "Topaz text (.txt)": ".txt",
    "EMAN box (.box)": ".box",
    "CSV table (.csv)": ".csv",
}


class ExportForm(QWidget):
    """Edits an `ExportChoice`, with the button that exports."""

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals
    exportClicked = Signal()  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._format = ComboBox(label="Format", choices=list(FORMATS.items()))
        self._micrograph = LineEdit(label="Micrograph name")
        self._micrograph.tooltip = (
            "As your other program calls the micrograph, e.g. MotionCorr/job002/Movies/m1.mrc."
        )
        self._mirror = CheckBox(text="Turned upside down by RELION (TIFF)")
        self._mirror.tooltip = (
            "RELION turns every TIFF upside down when it reads it. Tick this for STAR files of "
            "TIFF micrographs, or of micrographs that RELION made from TIFF movies."
        )
        self._labels: dict[Label, CheckBox] = {
            label: CheckBox(text=label, value=label == "intact")
            for label in (*LABELS[1:], LABELS[0])
        }
        form = Container(widgets=[self._format, self._micrograph], labels=True)
        aligned_labels(form)
        labels = QWidget()
        line = QHBoxLayout(labels)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        for box in self._labels.values():
            line.addWidget(box.native)
        self.export_button = QPushButton("Export…")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (form.native, labels, self._mirror.native, self.export_button):
            layout.addWidget(part)
        self._form = form
        for widget in (self._format, self._micrograph, self._mirror, *self._labels.values()):
            widget.changed.connect(lambda *_: self.valueChanged.emit())
        self.export_button.clicked.connect(self.exportClicked)

    def value(self) -> ExportChoice:
        """Return what is chosen."""
        labels = frozenset(label for label, box in self._labels.items() if box.value)
        return ExportChoice(
            self._format.value, labels, self._micrograph.value.strip(), self._mirror.value
        )

    def setValue(self, choice: ExportChoice) -> None:  # noqa: N802
        """Show ``choice``."""
        self._format.value = choice.suffix
        for label, box in self._labels.items():
            box.value = label in choice.labels
        self._micrograph.value = choice.micrograph
        self._mirror.value = choice.mirror_y

    def propose(self, micrograph: str, *, mirror_y: bool) -> None:
        """Fill in what belongs to another micrograph."""
        self._micrograph.value = micrograph
        self._mirror.value = mirror_y

    def show_count(self, count: int) -> None:
        """Show how many particles would be exported."""
        self.export_button.setText(f"Export {count:,} particles…")
        self.export_button.setEnabled(count > 0)

    def ask_for_file(self, name: str) -> Path | None:
        """Ask where to export to; None if the user thinks better of it."""
        suffix = self.value().suffix
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export particles", name + suffix, f"{_text_of(suffix)} (*{suffix})"
        )
        if not chosen:
            return None
        path = Path(chosen)
        return path if path.suffix else path.with_name(path.name + suffix)


def _text_of(suffix: str) -> str:
    return next(text.split(" (")[0] for text, known in FORMATS.items() if known == suffix)
