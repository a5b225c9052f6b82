"""What is screened, and how."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, Container, FloatSpinBox, LineEdit
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from napari_n2n.denoising.shipped_models.general import GENERAL
from napari_n2n.io.finding import PATTERN_SIGNS
from napari_n2n.plugin.shared.contrast_field import contrast_field
from napari_n2n.plugin.shared.controls import aligned_labels, folded, row
from napari_n2n.plugin.shared.movie_form import MovieForm, file_edit, path_of
from napari_n2n.plugin.shared.preferences import preferences
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.screening import (
    AskedBefore,
    Inputs,
    ScreenSettings,
    common_folder,
    inputs_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_n2n.workflow.fields_of_view import ContrastChoice


@dataclass(frozen=True)
class ChosenFiles:
    """What a choice stands for: files, and the folder that their session belongs to."""

    inputs: Inputs
    folder: Path


@dataclass(frozen=True)
class ScreenChoice:
    """What is chosen.

    Attributes
    ----------
    files
        A folder, a pattern or a STAR file, as it was typed; empty: nothing yet.
    watch
        Whether files that come later are taken as well; for folders only.
    diameter_angstrom
        Of particles to be picked; None: none are.
    movies
        How movies are read, and the pixel size of micrographs as well.
    model
        A model's file; None: the general model.
    contrast
        Whether particles are dark or bright; ``"auto"``: each image tells.
    """

    files: str = ""
    watch: bool = False
    diameter_angstrom: float | None = None
    movies: RecordingOptions = field(default_factory=RecordingOptions)
    model: Path | None = None
    contrast: ContrastChoice = "auto"

    @property
    def folder(self) -> Path | None:
        """The folder, if it is one that was chosen."""
        if not self.files or any(sign in self.files for sign in PATTERN_SIGNS):
            return None
        path = Path(self.files).expanduser()
        return path if path.is_dir() else None

    def where_open(self, before: AskedBefore | None, contrast: ContrastChoice) -> ScreenChoice:
        """Return this with what a session was screened with before, where nothing is chosen.

        A night is gone on with as it was begun: without its gain reference, for one, all of it
        would be done again, and worse.
        """
        if self.contrast != "auto":
            contrast = self.contrast
        if before is None:
            return replace(self, contrast=contrast)
        return replace(
            self,
            contrast=contrast,
            diameter_angstrom=self.diameter_angstrom or before.diameter_angstrom,
            movies=before.recording if self.movies == RecordingOptions() else self.movies,
            model=self.model or before.model,
        )

    def found(self) -> ChosenFiles:
        """Look up the files that were chosen; a folder that is watched may still be empty.

        Raises
        ------
        UnreadableFile
            There is no such file or folder, or nothing in it.
        """
        folder = self.folder
        if folder is not None and self.watch:
            return ChosenFiles(Inputs(()), folder.absolute())
        inputs = inputs_of(folder or self.files, gain=self.movies.gain)
        if folder is not None:
            return ChosenFiles(inputs, folder.absolute())
        return ChosenFiles(inputs, common_folder([path.parent for path in inputs.paths]))

    def settings(self, pixel_sizes: Mapping[Path, float] | None = None) -> ScreenSettings:
        """Return the settings for `screen`; reads the gain reference.

        Parameters
        ----------
        pixel_sizes
            Å, of the files of which a STAR file told it; what was chosen wins.

        Raises
        ------
        N2NError
            The gain reference cannot be read, or a number makes no sense.
        """
        return ScreenSettings(
            MovieReader(self.movies),
            self.model or GENERAL,
            self.diameter_angstrom,
            preferences().device,
            pixel_sizes=pixel_sizes or {},
            contrast=self.contrast,
        )


class ScreenForm(QWidget):
    """Edits a `ScreenChoice`.

    Signals
    -------
    valueChanged
        Something else is chosen.
    filesChosen
        Other files are.
    """

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals
    filesChosen = Signal()  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = LineEdit(label="Micrographs")
        self._files.tooltip = (
            "A folder of movies or micrographs, a pattern such as /data/night/*.tif, or a STAR "
            "file of RELION's."
        )
        self._files.native.setPlaceholderText("folder, pattern or STAR file")
        self.folder_button = QPushButton("Choose folder…")
        self.star_button = QPushButton("STAR file…")
        self._watch = CheckBox(text="Go on with files as they arrive", value=False)
        self._watch.tooltip = "While the microscope runs: each new file is taken once it is whole."
        self._diameter = FloatSpinBox(
            label="Pick particles (Å)", value=0, min=0, max=100_000, step=5
        )
        self._diameter.tooltip = "Their diameter, edge to edge; particles are then counted, too."
        self._diameter.native.setDecimals(0)
        self._diameter.native.setSpecialValueText("no")
        self._movies = MovieForm()
        self._model = file_edit("Model", "Models (*.safetensors *.pth)")
        self._model.tooltip = "Nothing chosen: the general model, which needs no training."
        top = Container(widgets=[self._files], labels=True)
        self._contrast = contrast_field()
        more = Container(widgets=[self._diameter, self._contrast, self._model], labels=True)
        self._forms = (aligned_labels(top), aligned_labels(more))
        self._more = folded("Settings")
        self._more.addWidget(more.native)
        self._more.addWidget(self._movies)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (
            top.native,
            row(self.folder_button, self.star_button),
            self._watch.native,
            self._more,
        ):
            layout.addWidget(part)
        self._last = ""
        self._files.native.editingFinished.connect(self._on_files)
        for choice in (self._watch, self._diameter, self._contrast, self._model):
            choice.changed.connect(lambda *_: self.valueChanged.emit())
        self._movies.valueChanged.connect(self.valueChanged)
        self.folder_button.clicked.connect(self._ask_for_folder)
        self.star_button.clicked.connect(self._ask_for_star)

    def value(self) -> ScreenChoice:
        """Return what is chosen."""
        return ScreenChoice(
            self._files.value.strip(),
            self._watch.value,
            self._diameter.value or None,
            self._movies.value(),
            path_of(self._model),
            self._contrast.value,
        )

    def setValue(self, choice: ScreenChoice) -> None:  # noqa: N802
        """Show ``choice``."""
        self._watch.value = choice.watch
        self._diameter.value = choice.diameter_angstrom or 0
        self._movies.setValue(choice.movies)
        self._model.value = choice.model
        self._contrast.value = choice.contrast
        self._files.value = choice.files
        self._on_files()

    def _on_files(self) -> None:
        text = self._files.value.strip()
        if text != self._last:
            self._last = text
            self._watch.enabled = self.value().folder is not None
            self.filesChosen.emit()
            self.valueChanged.emit()

    def _choose(self, name: str) -> None:
        if name:
            self._files.value = name
            self._on_files()

    def _ask_for_folder(self) -> None:
        self._choose(QFileDialog.getExistingDirectory(self, "Folder of movies or micrographs"))

    def _ask_for_star(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "STAR file", "", "STAR files (*.star)")
        self._choose(name)
