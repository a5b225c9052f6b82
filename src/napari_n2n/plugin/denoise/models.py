"""The models at hand: the one that was trained here, and the one that was loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.plugin.denoise.data_form import DataChoice
from napari_n2n.plugin.denoise.model_form import IN_THE_BOX, ModelKind
from napari_n2n.workflow.source_steps import Loaded, can_resume

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser


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
    loaded: Loaded | None = None
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
    if kind in IN_THE_BOX:
        return "the general model" if kind == "general" else "the photographs' model"
    return "the model trained here" if kind == "new" or file is None else file.name
