"""The face of the Denoise widget: its parts, top to bottom in the order they are needed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QWidget

from napari_n2n.denoising.reports import PhotographTrainingProgress, TrainingProgress
from napari_n2n.plugin.denoise.data_form import DataChoice, DataForm
from napari_n2n.plugin.denoise.fsc_plot import FscPlot
from napari_n2n.plugin.denoise.model_form import (
    BOXED,
    IN_THE_BOX,
    ModelChoice,
    ModelForm,
    ModelKind,
)
from napari_n2n.plugin.denoise.noise_row import NoiseRow
from napari_n2n.plugin.denoise.photograph_plot import PhotographPlot
from napari_n2n.plugin.denoise.sections_bar import SectionsBar
from napari_n2n.plugin.denoise.training_plot import TrainingPlot
from napari_n2n.plugin.shared.controls import MainButton, ProgressDisplay, heading, row
from napari_n2n.plugin.shared.docked import DockedWidget
from napari_n2n.plugin.shared.preferences import halves_folder
from napari_n2n.plugin.shared.view_toggle import ViewToggle
from napari_n2n.workflow.photograph_sources import DEVIATION

if TYPE_CHECKING:
    from napari.components import ViewerModel

_OPEN = (
    "Open a movie, a micrograph, a tomogram or a photograph: File > Open, or File > Open Sample > "
    "napari-n2n."
)
_READY_NOW = "Ready. Press Denoise: no training is needed. What you look at comes first."
_INVITATIONS: dict[ModelKind, str] = {
    "general": _READY_NOW,
    "general-3d": _READY_NOW,
    "photographs": _READY_NOW,
    "new": "Ready. Press Train: a movie is aligned, a model is trained, and the result shown "
    "beside it.",
    "saved": "Ready. Press Denoise.",
}
_NO_PIXEL_SIZE = (
    "The pixel size is unknown. Give it under How it was recorded: what a model makes of an image "
    "depends on it."
)
_CHOOSE_FILE = "Choose the file of a model above."
_WITHOUT_HALVES = (
    "Ready. Press Train: it works without halves too, but noise that neighbouring pixels share "
    "can pass for specimen. A movie, or its halves, is safer."
)
_ON_FOLDER = (
    "Ready. Press Denoise: the folder's first field is denoised and shown. All of them are by "
    "napari-n2n denoise FOLDER -o DIR."
)
_TRAIN_ON_FOLDER = (
    "Ready. Press Train: movies are aligned one after the other, which may take long; their odd "
    "and even halves are kept in {kept}, and a model is trained on all of them."
)
_ON_PHOTOGRAPHS = (
    "Ready. Press Train: noise is added to the clean photographs, and a model learns to take it "
    "off without seeing them clean."
)
_ON_TOMOGRAM = (
    "Ready. Press Train: a network learns from its odd and even halves, some ten minutes on two "
    "cores, while you watch the section on screen; then the whole tomogram is denoised."
)
_NO_HALVES = (
    "Training takes two halves, tomograms of the odd and of the even frames, and this one has "
    "none. Choose the general 3D model above, which needs none, or open the halves."
)
_OTHER_DIMENSIONS = {
    2: "This model is for images, and a tomogram is chosen. Choose the general 3D model above, or "
    "one that was trained on tomograms.",
    3: "This model is for tomograms, and an image is chosen. Choose the general model above, or "
    "one that was trained on images.",
}
_ONLY_GREY = "The general model is for grey images. Choose the photographs' model above."
_ONLY_COLOUR = "The photographs' model is for colour photographs. Choose the general model above."
_HEADINGS: dict[ModelKind, str] = {
    "general": "3  Denoise",
    "general-3d": "3  Denoise",
    "photographs": "3  Denoise",
    "new": "3  Train and denoise",
    "saved": "3  Denoise",
}


@dataclass(frozen=True)
class DenoiseChoice:
    """Everything that is chosen in the widget."""

    data: DataChoice
    model: ModelChoice
    noise_deviation: float = DEVIATION


class DenoisePanel(DockedWidget):
    """The parts of the Denoise widget, laid out; what they do is not its business."""

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data = DataForm(viewer)
        self.noise = NoiseRow()
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
        self.photograph_plot = PhotographPlot()
        self.denoise_button = QPushButton("Denoise")
        self.denoise_button.setToolTip("Denoise what is chosen above with the model trained here.")
        self.save_button = QPushButton("Save model…")
        self.save_button.setToolTip("Put a copy of the model where you want it.")
        self.save_result_button = QPushButton("Save denoised…")
        self.save_result_button.setToolTip(
            "Save the denoised tomogram as MRC, with the header of what it was made from, or as "
            "OME-Zarr if the name ends in .zarr."
        )
        self.sections = SectionsBar(viewer)
        self.fsc = FscPlot()
        self._with_model = row(self.denoise_button, self.save_button)
        self.view = ViewToggle()
        self._action = heading("")
        self._invited = ""
        self._told_about: tuple[object, ...] = ()
        self._fits = True
        self.stack(
            (
                heading("1  Data"),
                self.data,
                self.noise,
                row(self.align_button, self.save_halves_button),
                heading("2  Model"),
                self.model,
                self._action,
                self.main_button,
                self.progress,
                self.plot,
                self.photograph_plot,
                self._with_model,
                self.view,
                self.sections,
                self.save_result_button,
                self.fsc,
            )
        )

    def value(self) -> DenoiseChoice:
        """Return everything that is chosen.

        Raises
        ------
        ConfigProblem
            A setting makes no sense; the message names it.
        """
        return DenoiseChoice(self.data.value(), self.model.value(), self.noise.value())

    def setValue(self, choice: DenoiseChoice) -> None:  # noqa: N802
        """Show ``choice``."""
        self.data.setValue(choice.data)
        self.model.setValue(choice.model)
        self.noise.setValue(choice.noise_deviation)

    def show_state(
        self,
        *,
        running: bool,
        stopping: bool,
        has_model: bool,
        has_halves: bool,
        resume: str | None,
        model_ndim: int | None = None,
        has_result: bool = False,
    ) -> None:
        """Enable what makes sense; ``resume`` is what going on with a training is called.

        ``model_ndim`` is 2 for a model of images and 3 for one of volumes, if one is at hand.
        """
        chosen, model = self.data.value(), self.model.kind()
        data, boxed = chosen.kind, model in BOXED
        self._fits = model_ndim in (None, 3 if data == "tomogram" else 2)
        complete = self.data.is_complete() and self.data.objection() is None
        idle, missing = not running, self._missing()
        self._action.setText(_HEADINGS[model])
        self.main_button.show_state(
            running=running,
            stopping=stopping,
            trains=model == "new",
            ready=missing is None,
            resume=None if boxed else resume,
        )
        self.data.setEnabled(idle)
        self.model.setEnabled(idle)
        self.noise.setVisible(data == "photograph")
        self.noise.setEnabled(idle and complete)
        self.align_button.setVisible(data == "movie")
        self.align_button.setEnabled(idle and complete)
        self.save_halves_button.setVisible(data in ("movie", "halves", "folder"))
        self.save_halves_button.setEnabled(idle and has_halves)
        self.plot.setVisible(model == "new" and not chosen.in_colour)
        self.photograph_plot.setVisible(
            model == "new" and chosen.in_colour and self.photograph_plot.points()[0] != []
        )
        self._with_model.setVisible(not boxed)
        # Elsewhere the big button denoises.
        self.denoise_button.setVisible(model == "new")
        self.denoise_button.setEnabled(idle and complete and has_model and self._fits)
        self.save_result_button.setVisible(data == "tomogram")
        self.save_result_button.setEnabled(idle and has_result)
        self.save_button.setEnabled(idle and has_model)
        about = self._subject()
        untouched = self.progress.status.text() in ("", self._invited)
        if idle and (untouched or about != self._told_about or self._unfit() is not None):
            self._invited = missing or self._invitation()
            self.progress.say(self._invited)
        self._told_about = about

    def show_training(self, step: TrainingProgress) -> None:
        """Draw how far a training is."""
        if isinstance(step, PhotographTrainingProgress):
            self.photograph_plot.add(step)
        else:
            self.plot.add(step)

    def clear_plots(self) -> None:
        """Forget the training that was shown."""
        self.plot.clear()
        self.photograph_plot.clear()

    def _subject(self) -> tuple[object, ...]:
        """Return what a sentence is about: of anything else that is chosen it would be untrue."""
        data = self.data.value()
        layer = self.data.shown_layer()
        shown = None if layer is None else layer.unique_id
        chosen = (data.kind, shown, self.data.images_are(), data.even, data.folder, data.contrast)
        return (*chosen, self.model.kind(), self.model.file())

    def _invitation(self) -> str:
        data, model = self.data.value(), self.model.kind()
        if self.data.lacks_pixel_size():
            return _NO_PIXEL_SIZE
        if model == "new" and data.in_colour:
            return _ON_PHOTOGRAPHS
        if model == "new" and data.kind == "tomogram":
            return _ON_TOMOGRAM
        if data.kind == "folder" and data.folder is not None:
            kept = halves_folder(data.folder, data.recording)
            return _TRAIN_ON_FOLDER.format(kept=kept) if model == "new" else _ON_FOLDER
        return _WITHOUT_HALVES if model == "new" and data.kind == "image" else _INVITATIONS[model]

    def _missing(self) -> str | None:
        """Return what to do before the big button can be pressed; None if it can be."""
        if not self.data.is_complete():
            return _OPEN
        objection = self.data.objection()
        if objection is not None:
            return objection
        model = self.model.kind()
        if model == "saved" and self.model.file() is None:
            return _CHOOSE_FILE
        return self._unfit()

    def _unfit(self) -> str | None:
        """Return why the model is not for such images; None if it may be."""
        model, data = self.model.kind(), self.data.value()
        if model in BOXED and model != IN_THE_BOX[data.sort]:
            return _ONLY_GREY if data.in_colour else _ONLY_COLOUR
        if model == "saved" and not self._fits:
            return _OTHER_DIMENSIONS[2 if data.kind == "tomogram" else 3]
        if model == "new" and data.kind == "tomogram" and not self.data.has_halves():
            return _NO_HALVES
        return None
