"""The face of the Denoise widget: its parts, top to bottom in the order they are needed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QWidget

from napari_n2n.plugin.controls import ProgressDisplay, TrainButton, ViewToggle, heading, row
from napari_n2n.plugin.data_form import DataChoice, DataForm
from napari_n2n.plugin.docked import Docked
from napari_n2n.plugin.model_form import ModelChoice, ModelForm
from napari_n2n.plugin.training_plot import TrainingPlot

if TYPE_CHECKING:
    from napari.components import ViewerModel

_INVITATIONS = (
    "Open a movie: File > Open, or File > Open Sample > napari-n2n.",
    "Ready. Press Train: a movie is aligned, a model is trained, and the result shown beside it.",
)


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
        self.align_button.setToolTip("Align the movie and show the sum; Train does it by itself.")
        self.save_halves_button = QPushButton("Save halves…")
        self.save_halves_button.setToolTip("Save the odd, even and full sums as MRC.")
        self.model = ModelForm()
        self.train_button = TrainButton()
        self.progress = ProgressDisplay()
        self.plot = TrainingPlot()
        self.denoise_button = QPushButton("Denoise")
        self.denoise_button.setToolTip("Denoise what is chosen above with the model.")
        self.save_button = QPushButton("Save model…")
        self.view = ViewToggle()
        self.stack(
            (
                heading("1  Data"),
                self.data,
                row(self.align_button, self.save_halves_button),
                heading("2  Model"),
                self.model,
                heading("3  Train"),
                self.train_button,
                self.progress,
                self.plot,
                heading("4  Result"),
                row(self.denoise_button, self.save_button),
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
        kind = self.data.value().kind
        ready = self.data.is_complete()
        idle = not running
        self.train_button.show_state(
            running=running,
            stopping=stopping,
            ready=ready and kind != "image" and self.model.is_new(),
            resume=resume,
        )
        self.data.setEnabled(idle)
        self.model.setEnabled(idle)
        self.align_button.setVisible(kind == "movie")
        self.align_button.setEnabled(idle and ready)
        self.save_halves_button.setEnabled(idle and has_halves)
        self.denoise_button.setEnabled(idle and ready and has_model)
        self.save_button.setEnabled(idle and has_model)
        if idle and self.progress.status.text() in ("", *_INVITATIONS):
            self.progress.say(_INVITATIONS[1 if ready else 0])
