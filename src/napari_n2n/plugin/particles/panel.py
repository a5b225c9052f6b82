"""The face of the Particles widget: its parts, top to bottom in the order they are needed."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from napari_n2n.plugin.particles.finding_form import FindingForm
from napari_n2n.plugin.particles.marking_controls import (
    KeysPanel,
    LabelChooser,
    SuggestionControls,
    ToolChooser,
)
from napari_n2n.plugin.particles.micrograph_form import MicrographForm
from napari_n2n.plugin.shared.controls import ProgressDisplay, heading, row
from napari_n2n.plugin.shared.docked import DockedWidget
from napari_n2n.plugin.shared.export_form import ExportForm
from napari_n2n.plugin.shared.looks import QUIET
from napari_n2n.plugin.shared.view_toggle import ViewToggle

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ParticlesPanel(DockedWidget):
    """The parts of the Particles widget, laid out; what they do is not its business."""

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.micrograph = MicrographForm(viewer)
        self.view = ViewToggle()
        self.finding = FindingForm()
        self.progress = ProgressDisplay()
        self.labels = LabelChooser()
        self.tools = ToolChooser()
        self.previous_button = QPushButton("←")
        self.previous_button.setToolTip("Previous particle. Key ←.")
        self.next_button = QPushButton("→")
        self.next_button.setToolTip("Next particle. Key →.")
        self.least_sure_button = QPushButton("Least sure (N)")
        self.least_sure_button.setToolTip("Go to the particle the machine is least sure of.")
        self.undo_button = QPushButton("Undo (U)")
        self.redo_button = QPushButton("Redo")
        self.gallery_button = QPushButton("Gallery")
        self.gallery_button.setCheckable(True)
        self.gallery_button.setToolTip("All particles as thumbnails, below the micrograph.")
        self.keys_panel = KeysPanel()
        self.suggestions = SuggestionControls()
        self.export = ExportForm()
        self.kept = QLabel()
        self.kept.setWordWrap(True)
        self.kept.setStyleSheet(f"color: {QUIET};")
        self.stack(
            (
                heading("1  Micrograph"),
                self.micrograph,
                self.view,
                heading("2  Find"),
                self.finding,
                self.progress,
                heading("3  Mark"),
                self.labels,
                self.tools,
                row(self.previous_button, self.next_button, self.least_sure_button),
                row(self.undo_button, self.redo_button, self.gallery_button),
                self.keys_panel,
                heading("4  Suggest"),
                self.suggestions,
                heading("5  Export"),
                self.export,
                self.kept,
            )
        )
        # Without this the keys go to whichever button was clicked last.
        for button in self.findChildren(QPushButton):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_state(
        self, *, is_open: bool, undo: str | None, redo: str | None, pending: bool
    ) -> None:
        """Enable what makes sense; ``undo`` and ``redo`` say what they would do."""
        for button in (self.previous_button, self.next_button):
            button.setEnabled(is_open)
        self.least_sure_button.setEnabled(pending)
        self.labels.setEnabled(is_open)
        self.tools.setEnabled(is_open)
        for button, text, verb in (
            (self.undo_button, undo, "Undo"),
            (self.redo_button, redo, "Redo"),
        ):
            button.setEnabled(text is not None)
            button.setToolTip(f"{verb}: {text}" if text else f"There is nothing to {verb.lower()}.")
