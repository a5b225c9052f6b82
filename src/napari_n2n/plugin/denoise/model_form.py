"""Choosing a model: one in the box, a new one and how to train it, a saved one; the device.

And the models at hand besides those in the box: the one trained here, the one that was loaded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from magicgui.types import FileDialogMode
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.plugin.denoise.data_form import DataChoice, Sort
from napari_n2n.plugin.denoise.settings_form import (
    MICROGRAPHS,
    PHOTOGRAPHS,
    TOMOGRAMS,
    SettingsForm,
    TrainingOffer,
)
from napari_n2n.plugin.shared.controls import Underway, aligned_labels, row
from napari_n2n.plugin.shared.movie_form import path_of
from napari_n2n.plugin.shared.preferences import models_folder, preferences
from napari_n2n.workflow.train_and_denoise import LoadedModel, can_resume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.denoising.checkpoints import Denoiser

ModelKind = Literal["general", "general-3d", "photographs", "new", "saved"]
IN_THE_BOX: dict[Sort, ModelKind] = {
    "micrograph": "general",
    "tomogram": "general-3d",
    "photograph": "photographs",
}
"""Models that are ready, by what they are for; their names are those they have in the box."""
BOXED = tuple(IN_THE_BOX.values())

_OFFERED: dict[Sort, tuple[ModelKind, ...]] = {
    "micrograph": ("general", "photographs", "new", "saved"),
    "tomogram": ("general-3d", "new", "saved"),
    "photograph": ("general", "photographs", "new", "saved"),
}
_SETTINGS: dict[Sort, TrainingOffer] = {
    "micrograph": MICROGRAPHS,
    "tomogram": TOMOGRAMS,
    "photograph": PHOTOGRAPHS,
}
_KINDS: dict[ModelKind, str] = {
    "general": "The general model (ready now)",
    "general-3d": "The general 3D model (ready now)",
    "photographs": "The photographs' model (ready now)",
    "new": "Train on this data",
    "saved": "Use a saved one",
}


_CALLED: dict[ModelKind, str] = {
    "general": "the general model",
    "general-3d": "the general 3D model",
    "photographs": "the photographs' model",
}
_SORT_OF: dict[ModelKind, Sort] = {kind: sort for sort, kind in IN_THE_BOX.items()}


def _titled(sort: Sort) -> list[tuple[str, ModelKind]]:
    return [(_KINDS[kind], kind) for kind in _OFFERED[sort]]


@dataclass(frozen=True)
class ModelChoice:
    """Which model: one in the box, a new one trained by ``training``, or that in ``file``."""

    training: TrainingConfig
    kind: ModelKind = "general"
    file: Path | None = None
    device: str = "auto"
    thorough: bool = False


class ModelForm(QWidget):
    """Edits a `ModelChoice`."""

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals
    fileChosen = Signal(object)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        liked = preferences()
        self._kind = ComboBox(
            label="Model",
            choices=_titled("micrograph"),
            tooltip="The general models, for micrographs and for tomograms, and that for colour "
            "photographs need no training. One that was trained on a movie or a tomogram also "
            "denoises others taken the same way.",
        )
        self._file = FileEdit(
            label="File",
            mode=FileDialogMode.EXISTING_FILE,
            filter="Models (*.safetensors *.pth)",
            nullable=True,
            value=None,
            tooltip=f"Your trainings are kept in {models_folder()}",
        )
        self._device = ComboBox(label="Device", choices=[("fastest", "auto"), ("CPU", "cpu")])
        self.settings = SettingsForm()
        self.settings.prefer(liked.preset)
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._summary.setVisible(False)
        top = Container(widgets=[self._kind, self._file], labels=True)
        self._thorough = CheckBox(label="", text="Thorough")
        self._thorough.tooltip = (
            "Denoise eight times as long: the mean over the image turned and mirrored in eight "
            "ways, each turned back. A little better, most of all with a model of your own."
        )
        bottom = Container(widgets=[self._device], labels=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (top, bottom):
            aligned_labels(part)
        layout.addWidget(top.native)
        layout.addWidget(self._summary)
        layout.addWidget(self.settings)
        layout.addWidget(row(bottom.native, self._thorough.native, stretch=(1,)))
        self._containers = (top, bottom)
        self._settling = Underway()
        self.set_device(liked.device)
        self._kind.changed.connect(self._on_change)
        self._file.changed.connect(self._on_file)
        self._device.changed.connect(self._on_change)
        self._thorough.changed.connect(self._on_change)
        self.settings.valueChanged.connect(self._on_change)
        self._on_change()

    def value(self) -> ModelChoice:
        """Return what is chosen.

        Raises
        ------
        ConfigProblem
            A setting makes no sense; the message names it.
        """
        return ModelChoice(
            self.settings.value(), self.kind(), self.file(), self.device(), self.thorough()
        )

    def setValue(self, choice: ModelChoice) -> None:  # noqa: N802
        """Show ``choice``, without loading its file."""
        with self._settling:
            if choice.kind not in self._kind.choices:
                self._kind.choices = _titled(_SORT_OF[choice.kind])
            self._kind.value = choice.kind
            self._file.value = choice.file
            self.set_device(choice.device)
            self._thorough.value = choice.thorough
            self.settings.setValue(choice.training)
        self._on_change()

    def kind(self) -> ModelKind:
        """Which of them is wanted."""
        kind: ModelKind = self._kind.value
        return kind

    def choose(self, kind: ModelKind) -> None:
        """Want another of them."""
        self._kind.value = kind

    def suit(self, sort: Sort) -> None:
        """Offer what is right for micrographs, tomograms or photographs.

        Of the models in the box that is the one for them; settings are those for them too.
        """
        self.settings.offer(_SETTINGS[sort])
        kind = IN_THE_BOX[sort] if self.kind() in BOXED else self.kind()
        with self._settling:
            self._kind.choices = _titled(sort)
            self._kind.value = kind
        self._thorough.visible = sort != "tomogram"
        self._on_change()

    def file(self) -> Path | None:
        """Return the file that is named as the saved model; None if none is."""
        return path_of(self._file)

    def device(self) -> str:
        """Name of the device that is to do the work."""
        return str(self._device.value)

    def thorough(self) -> bool:
        """Whether to denoise in all eight ways."""
        return bool(self._thorough.value)

    def set_device(self, name: str) -> None:
        """Choose a device, also one that is not known to be there yet."""
        known = [choice for _, choice in self._device_choices()]
        if name not in known:
            self._device.choices = [*self._device_choices(), (name, name)]
        self._device.value = name

    def show_devices(self, devices: "Sequence[tuple[str, str]]") -> None:
        """Offer ``devices``, (name, description) each, fastest first; what was chosen stays."""
        before = self.device()
        fastest = devices[0][1] if devices else "?"
        choices = [(f"fastest: {fastest}", "auto"), *((text, name) for name, text in devices)]
        # "cuda" means the first card.
        wanted = "cuda:0" if before == "cuda" and devices[0][0] == "cuda:0" else before
        self._devices = choices
        self._device.choices = choices
        names = [name for _, name in choices]
        self._device.value = wanted if wanted in names else "auto"

    def show_summary(self, text: str) -> None:
        """Say what the loaded model is."""
        self._summary.setText(text)
        self._on_change()

    def _device_choices(self) -> list[tuple[str, str]]:
        default = [("fastest", "auto"), ("CPU", "cpu")]
        return list(getattr(self, "_devices", default))

    def _on_file(self, *_: object) -> None:
        if self._settling:
            return
        path = self.file()
        self._on_change()
        if path is not None:
            self.fileChosen.emit(path)

    def _on_change(self, *_: object) -> None:
        if self._settling:
            return
        kind = self.kind()
        self._file.visible = kind == "saved"
        self.settings.setVisible(kind == "new")
        self._summary.setVisible(kind == "saved" and bool(self._summary.text()))
        self.valueChanged.emit()


@dataclass(frozen=True)
class KeptTraining:
    """A training that can go on: where it is kept, on what and whether it came to its end."""

    model: Path
    data: DataChoice
    complete: bool


@dataclass
class Models:
    """What there is to denoise with besides the box, and the training that can go on."""

    trained: "Denoiser | None" = None
    loaded: LoadedModel | None = None
    training: KeptTraining | None = None

    def get(self, kind: ModelKind, file: Path | None) -> "Denoiser | None":
        """Return the model of a kind, or that in ``file``; None if it is not here.

        A model in the box never is: it is loaded where it is used.
        """
        if kind == "saved" and self.loaded is not None and self.loaded.model == file:
            return self.loaded.denoiser
        return self.trained if kind == "new" else None

    def going_on(self) -> str | None:
        """Return what going on with the training is called; None if there is none."""
        if self.training is None:
            return None
        return "Train longer" if self.training.complete else "Resume"

    def drop_lost_training(self) -> None:
        """Forget a training that was stopped before there was anything to keep."""
        if self.training is not None and not can_resume(self.training.model):
            self.training = None


def nothing_yet(kind: ModelKind) -> str:
    """Say what to do where the model of a kind that is not in the box is not there."""
    if kind == "saved":
        return "Choose the file of a model first."
    return "Nothing is trained yet: press Train, or choose a model that is ready."


def name_of(kind: ModelKind, file: Path | None) -> str:
    """Call a model by what the user knows it as."""
    if kind in BOXED:
        return _CALLED[kind]
    return "the model trained here" if kind == "new" or file is None else file.name
