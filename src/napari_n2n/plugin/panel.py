"""The face of the Denoise widget: its parts, top to bottom in the order they are needed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QWidget

from napari_n2n.plugin.controls import MainButton, ProgressDisplay, ViewToggle, heading, row
from napari_n2n.plugin.data_form import DataChoice, DataForm
from napari_n2n.plugin.docked import Docked
from napari_n2n.plugin.model_form import ModelChoice, ModelForm, ModelKind
from napari_n2n.plugin.training_plot import TrainingPlot

if TYPE_CHECKING:
    from napari.components import ViewerModel

_OPEN = "Open a movie or a micrograph: File > Open, or File > Open Sample > napari-n2n."
_INVITATIONS: dict[ModelKind, str] = {
    "general": "Ready. Press Denoise: no training is needed. What you look at comes first.",
    "new": "Ready. Press Train: a movie is aligned, a model is trained, and the result shown "
    "beside it.",
    "saved": "Ready. Press Denoise.",
}
_CHOOSE_FILE = "Choose the file of a model above."
_WITHOUT_HALVES = (
    "Ready. Press Train: it works without halves too, but noise that neighbouring pixels share "
    "can pass for specimen. A movie, or its halves, is safer."
)
_HEADINGS: dict[ModelKind, str] = {
    "general": "3  Denoise",
    "new": "3  Train and denoise",
    "saved": "3  Denoise",
}


@dataclass(frozen=True)
class DenoiseChoice:
    """Everything that is chosen in the widget."""

    data: DataChoice
    model: ModelChoice


class DenoisePanel(Docked):
    """The parts of the Denoise widget, laid out; what they do is not its business."""

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data = DataForm(viewer)
        self.align_button = QPushButton("Align only")
        self.align_button.setToolTip(
            "Align the movie and show the sum. Denoise and Train do it by themselves."
        )
        self.save_halves_button = QPushButton("Save halves…")
        self.save_halves_button.setToolTip("Save the odd, even and full sums as MRC.")
        self.model = ModelForm()
        self.main_button = MainButton()
        self.progress = ProgressDisplay()
        self.plot = TrainingPlot()
        self.denoise_button = QPushButton("Denoise")
        self.denoise_button.setToolTip("Denoise what is chosen above with the model trained here.")
        self.save_button = QPushButton("Save model…")
        self.save_button.setToolTip("Put a copy of the model where you want it.")
        self._with_model = row(self.denoise_button, self.save_button)
        self.view = ViewToggle()
        self._action = heading("")
        self._invited = ""
        self.stack(
            (
                heading("1  Data"),
                self.data,
                row(self.align_button, self.save_halves_button),
                heading("2  Model"),
                self.model,
                self._action,
                self.main_button,
                self.progress,
                self.plot,
                self._with_model,
                self.view,
            )
        )

    def value(self) -> DenoiseChoice:
        """Return everything that is chosen.

        Raises
        ------
        ConfigProblem
            A setting makes no sense; the message names it.
        """
        return DenoiseChoice(self.data.value(), self.model.value())

    def setValue(self, choice: DenoiseChoice) -> None:  # noqa: N802
        """Show ``choice``."""
        self.data.setValue(choice.data)
        self.model.setValue(choice.model)

    def show_state(
        self,
        *,
        running: bool,
        stopping: bool,
        has_model: bool,
        has_halves: bool,
        resume: str | None,
    ) -> None:
        """Enable what makes sense; ``resume`` is what going on with a training is called."""
        data, model = self.data.value().kind, self.model.kind()
        complete, idle = self.data.is_complete(), not running
        missing = self._missing()
        self._action.setText(_HEADINGS[model])
        self.main_button.show_state(
            running=running,
            stopping=stopping,
            trains=model == "new",
            ready=missing is None,
            resume=None if model == "general" else resume,
        )
        self.data.setEnabled(idle)
        self.model.setEnabled(idle)
        self.align_button.setVisible(data == "movie")
        self.align_button.setEnabled(idle and complete)
        self.save_halves_button.setVisible(data != "image")
        self.save_halves_button.setEnabled(idle and has_halves)
        self.plot.setVisible(model == "new")
        self._with_model.setVisible(model != "general")
        # Elsewhere the big button denoises.
        self.denoise_button.setVisible(model == "new")
        self.denoise_button.setEnabled(idle and complete and has_model)
        self.save_button.setEnabled(idle and has_model)
        if idle and self.progress.status.text() in ("", self._invited):
            alone = model == "new" and data == "image"
            self._invited = missing or (_WITHOUT_HALVES if alone else _INVITATIONS[model])
            self.progress.say(self._invited)

    def _missing(self) -> str | None:
        """Return what to do before the big button can be pressed; None if it can be."""
        if not self.data.is_complete():
            return _OPEN
        model = self.model.kind()
        if model == "saved" and self.model.file() is None:
            return _CHOOSE_FILE
        return None
