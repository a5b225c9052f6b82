"""Choosing what to work on: movie, halves, micrograph, tomogram, photograph, or a folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from magicgui.types import FileDialogMode
from magicgui.widgets import ComboBox, Container, FileEdit
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_n2n.errors import N2NError, NotEnoughData
from napari_n2n.io.finding import half_of
from napari_n2n.io.stack_kinds import STACK_WORDS, StackJudgement, StackKind
from napari_n2n.plugin.denoise.images_are import judgement_of, objection_to, say_kind
from napari_n2n.plugin.denoise.layer_sources import (
    dose_of,
    is_noisy,
    movie_source,
    photograph_source,
    roles_of,
    tomogram_source,
)
from napari_n2n.plugin.shared.contrast_field import contrast_field
from napari_n2n.plugin.shared.controls import Underway, aligned_labels, folded
from napari_n2n.plugin.shared.layers import (
    Kind,
    is_made_here,
    layer_called,
    memory_of,
    pixel_size_of,
)
from napari_n2n.plugin.shared.looks import small_print
from napari_n2n.plugin.shared.movie_form import MovieForm, path_of
from napari_n2n.plugin.shared.pixel_sizes import Calibrator
from napari_n2n.plugin.shared.preferences import halves_folder
from napari_n2n.workflow.fields_of_view import ContrastChoice
from napari_n2n.workflow.photograph_sources import PhotographFolder
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.sources import FolderSource, HalvesSource, ImageSource, Source
from napari_n2n.workflow.tomogram_views import TomogramSource

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

DataKind = Literal["movie", "halves", "folder", "image", "tomogram", "photograph", "photographs"]
Sort = Literal["micrograph", "photograph", "tomogram"]
"""What models are for."""
_KINDS: dict[DataKind, str] = {
    "movie": "Movie",
    "halves": "Odd and even halves",
    "folder": "Folder of movies, halves or micrographs",
    "image": "Single micrograph",
    "tomogram": "Tomogram",
    "photograph": "Colour photograph",
    "photographs": "Folder of colour photographs",
}
_FIELDS: dict[DataKind, tuple[str, ...]] = {
    "movie": ("movie",),
    "halves": ("odd", "even"),
    "folder": ("folder",),
    "image": ("image",),
    "tomogram": ("tomogram",),
    "photograph": ("photograph",),
    "photographs": ("folder",),
}
_OPENED_AS: tuple[tuple[str, DataKind], ...] = (
    ("tomogram", "tomogram"),
    ("movie", "movie"),
    ("image", "image"),
    ("photograph", "photograph"),
)
_ASK = "ask"
_STACKS = [(text, kind) for kind, text in STACK_WORDS.items()]
_OF_FOLDERS = ("folder", "photographs")
_OF_LAYERS = ("movie", "halves", "image", "tomogram")
_OF_STACKS = ("movie", "tomogram")
_RECORDED = (*_OF_LAYERS, "folder")
_HALVES = "Its halves: {}"
_ONE_VOLUME = (
    "Its halves are not known: it can be denoised, but not trained on. Where they lie beside it "
    "under names that programs give them, they are found."
)


@dataclass(frozen=True)
class DataChoice:
    """What is chosen: a kind, the names of layers, or a folder, and how they were recorded.

    ``contrast`` says whether particles are dark or bright on what is around them.
    """

    kind: DataKind = "movie"
    movie: str | None = None
    odd: str | None = None
    even: str | None = None
    image: str | None = None
    tomogram: str | None = None
    photograph: str | None = None
    folder: Path | None = None
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    contrast: ContrastChoice = "auto"

    @property
    def in_colour(self) -> bool:
        """Whether it is photographs."""
        return self.kind in ("photograph", "photographs")

    @property
    def sort(self) -> Sort:
        """What a model for it is for."""
        if self.in_colour:
            return "photograph"
        return "tomogram" if self.kind == "tomogram" else "micrograph"


class DataForm(QWidget):
    """Edits a `DataChoice` over the layers of a viewer, and keeps up with them.

    What is opened is chosen, whatever was chosen before; halves as soon as both are there.
    """

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals

    def __init__(self, viewer: "ViewerModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._kind = ComboBox(
            label="Work on", choices=[(text, kind) for kind, text in _KINDS.items()]
        )
        self._layers = {
            "movie": ComboBox(label="Movie", nullable=True, choices=()),
            "odd": ComboBox(label="Odd frames", nullable=True, choices=()),
            "even": ComboBox(label="Even frames", nullable=True, choices=()),
            "image": ComboBox(label="Micrograph", nullable=True, choices=()),
            "tomogram": ComboBox(label="Tomogram", nullable=True, choices=()),
            "photograph": ComboBox(label="Photograph", nullable=True, choices=()),
        }
        self._images_are = ComboBox(label="Images are", choices=_STACKS)
        self._images_are.tooltip = (
            "Frames of one exposure are aligned and denoised. What is said here of a file is "
            "remembered."
        )
        mode = FileDialogMode.EXISTING_DIRECTORY
        self._folder = FileEdit(label="Folder", mode=mode, nullable=True, value=None)
        self._fields = {**self._layers, "folder": self._folder}
        fields = list(self._fields.values())
        fields.insert(1, self._images_are)  # below the movie
        container = Container(widgets=[self._kind, *fields], labels=True)
        aligned_labels(container)
        self._halves = small_print()
        self._recording = MovieForm()
        self._contrast = contrast_field()
        seen = Container(widgets=[self._contrast], labels=True)
        aligned_labels(seen)
        self.more = folded("How it was recorded")
        self.more.addWidget(seen.native)
        self.more.addWidget(self._recording)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(container.native)
        layout.addWidget(self._halves)
        layout.addWidget(self.more)
        self._containers = (container, seen)
        self._settling = Underway()
        self._calibrator = Calibrator(viewer)
        self._said: float | None = None
        self._kind_is_wanted = False  # until the user says so, it follows what is open
        self._kind.changed.connect(self._on_kind)
        for part in self._fields.values():
            part.changed.connect(self._on_change)
        self._images_are.changed.connect(self._on_images_are)
        self._contrast.changed.connect(self._on_change)
        self._recording.valueChanged.connect(self._on_recording)
        for event in self._layer_events():
            event.connect(self.refresh)
        self.refresh()

    def value(self) -> DataChoice:
        """Return what is chosen."""
        layers = {role: part.value for role, part in self._layers.items()}
        folder, recording = path_of(self._folder), self._recording.value()
        return DataChoice(
            kind=self._kind.value,
            folder=folder,
            recording=recording,
            contrast=self._contrast.value,
            **layers,
        )

    def setValue(self, choice: DataChoice) -> None:  # noqa: N802
        """Show ``choice``; layers that are not there are left open."""
        with self._settling:
            self._kind.value = choice.kind
            self._kind_is_wanted = True
            for role, part in self._layers.items():
                name = getattr(choice, role)
                part.value = name if name in part.choices else None
            self._folder.value = choice.folder
            self._recording.setValue(choice.recording)
            self._contrast.value = choice.contrast
        self._on_change()

    def source(self) -> Source | TomogramSource:
        """Return what is chosen, for a job: pixels, not layers.

        Raises
        ------
        NotEnoughData
            Nothing is chosen yet, or it is the wrong kind of layer.
        """
        choice = self.value()
        if choice.kind == "folder":
            if choice.folder is None or not choice.folder.is_dir():
                raise NotEnoughData(
                    "Choose a folder of movies, of odd and even halves, or of micrographs."
                )
            kept = halves_folder(choice.folder, choice.recording)
            return FolderSource(choice.folder, kept, choice.recording)
        if choice.kind == "photographs":
            if choice.folder is None or not choice.folder.is_dir():
                raise NotEnoughData("Choose a folder of photographs, PNG or JPEG in colour.")
            return PhotographFolder(choice.folder)
        if choice.kind == "photograph":
            layer = self._layer(choice.photograph, "Open a photograph first")
            return photograph_source(layer, self._viewer.layers)
        if self._said is not None:
            self._calibrator.say(self._chosen_layers(), self._said, only_unknown=True)
        if choice.kind == "movie":
            layer = self._layer(choice.movie, "Open a movie, or a sample movie, first")
            if (objection := objection_to(layer)) is not None:
                raise NotEnoughData(objection)
            return movie_source(layer, choice.recording)
        if choice.kind == "tomogram":
            layer = self._layer(choice.tomogram, "Open a tomogram first")
            if (objection := objection_to(layer, "volume")) is not None:
                raise NotEnoughData(objection)
            return tomogram_source(layer)
        if choice.kind == "image":
            layer = self._layer(choice.image, "Open a micrograph first")
            return ImageSource(layer.data, layer.name, pixel_size_of(layer), dose_of(layer))
        odd = self._layer(choice.odd, "Choose the layer of the odd frames")
        even = self._layer(choice.even, "Choose the layer of the even frames")
        if odd is even:
            raise NotEnoughData(
                "Odd and even are the same layer, whose noise is not independent. Choose two."
            )
        doses = [dose_of(layer) for layer in (odd, even)]
        return HalvesSource(
            odd.data,
            even.data,
            odd.name,
            pixel_size_of(odd),
            None if doses[0] is None or doses[1] is None else doses[0] + doses[1],
            shown=int(self._viewer.dims.current_step[0]) if odd.ndim == 3 else 0,
        )

    def is_complete(self) -> bool:
        """Whether everything that the kind of data needs is chosen."""
        choice = self.value()
        return all(getattr(choice, role) is not None for role in _FIELDS[choice.kind])

    def images_are(self) -> StackJudgement | None:
        """Return what the images of the chosen stack are; None if none is chosen."""
        stack = self._chosen_stack()
        return None if stack is None else judgement_of(stack)

    def objection(self) -> str | None:
        """Return why what is chosen cannot be worked on, and what to do; None if it can."""
        stack = self._chosen_stack()
        wanted: StackKind = "volume" if self._kind.value == "tomogram" else "movie"
        return None if stack is None else objection_to(stack, wanted)

    def has_halves(self) -> bool:
        """Whether the tomogram that is chosen can be trained on."""
        layer = self.shown_layer() if self._kind.value == "tomogram" else None
        return layer is not None and memory_of(layer).halves is not None

    def lacks_pixel_size(self) -> bool:
        """Whether the layers that are chosen are micrographs or movies of unknown pixel size."""
        said = self._said is not None
        return not said and any(pixel_size_of(layer) is None for layer in self._chosen_layers())

    def refresh(self, event: Any = None) -> None:
        """Offer the layers that are there now; what was chosen stays chosen if it can."""
        candidates: dict[str, list[str]] = {role: [] for role in self._layers}
        for layer in self._viewer.layers:
            for role in roles_of(layer):
                candidates[role].append(layer.name)
        with self._settling:
            for role, part in self._layers.items():
                before = part.value
                part.choices = candidates[role]
                kept = before if before in candidates[role] else None
                part.value = kept or self._likely(role, candidates[role])
            self._follow_what_is_open()
            if getattr(event, "type", "") == "inserted":
                self._choose_opened(event.value)
        self._on_change()

    def shown_layer(self) -> "Layer | None":
        """Return the layer that is worked on, the odd one of halves; None of a folder."""
        choice = self.value()
        name = getattr(choice, _FIELDS[choice.kind][0])
        return None if choice.kind in _OF_FOLDERS or name is None else self._viewer.layers[name]

    def disconnect_layers(self) -> None:
        """Follow the viewer's layers no longer."""
        for event in self._layer_events():
            event.disconnect(self.refresh)

    def _layer_events(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.renamed

    def _likely(self, role: str, names: list[str]) -> str | None:
        """Return the layer that is surely meant by ``role``: one that says so itself."""
        if role == "photograph":
            names = [n for n in names if is_noisy(self._viewer.layers[n])][::-1] or names
        if role == "image":  # rather what was opened than what was summed here
            names = [n for n in names if not is_made_here(self._viewer.layers[n])] or names
        if role == "movie":  # rather one than what would have to be said to be one
            names = [n for n in names if self._kind_of(n) == "movie"] or [
                n for n in names if self._kind_of(n) != "volume"
            ]
        if role in ("movie", "image", "photograph"):
            return names[0] if names else None
        if role == "tomogram":
            names = [n for n in names if self._kind_of(n) == "volume"]
            return names[0] if names else None
        wanted = [n for n in names if memory_of(self._viewer.layers[n]).kind == role]
        return wanted[0] if wanted else None

    def _kind_of(self, name: str) -> Kind | None:
        """Return what a stack is; of one that nobody opened here, what it looks like."""
        layer = self._viewer.layers[name]
        kind = memory_of(layer).kind
        if kind is not None:
            return kind
        judgement = judgement_of(layer)
        return judgement.kind if judgement.is_known else None

    def _choose_opened(self, layer: "Layer") -> None:
        """Choose the layer that has just been opened, in the likeliest of its roles."""
        roles, kind = roles_of(layer), memory_of(layer).kind
        if is_made_here(layer):
            return
        if kind == "odd" or kind == "even":
            other = self._other_half(layer)
            self._layers[kind].value = layer.name
            if other is not None:
                self._layers["even" if kind == "odd" else "odd"].value = other.name
                self._kind.value = "halves"
                return
        for role, wanted in _OPENED_AS:
            if role == "tomogram" and self._kind_of(layer.name) != "volume":
                continue
            if role in roles:
                self._layers[role].value = layer.name
                self._kind.value = wanted
                return

    def _other_half(self, layer: "Layer") -> "Layer | None":
        """Return the open layer with the other frames of the same movie; None: not open."""
        memory = memory_of(layer)
        wanted = "even" if memory.kind == "odd" else "odd"
        found = [one for one in self._viewer.layers if memory_of(one).kind == wanted]
        if memory.path is None:
            return found[-1] if found else None
        of_one = half_of(memory.path)[0]
        for one in reversed(found):
            path = memory_of(one).path
            if path is not None and half_of(path)[0] == of_one:
                return one
        return None

    def _follow_what_is_open(self) -> None:
        chosen = {role: part.value for role, part in self._layers.items()}
        if self._kind_is_wanted and (
            self._kind.value in _OF_FOLDERS or all(chosen[r] for r in _FIELDS[self._kind.value])
        ):
            return
        if chosen["movie"]:
            self._kind.value = "movie"
        elif chosen["odd"] and chosen["even"]:
            self._kind.value = "halves"
        elif chosen["tomogram"]:
            self._kind.value = "tomogram"
        elif chosen["image"]:
            self._kind.value = "image"
        elif chosen["photograph"]:
            self._kind.value = "photograph"

    def _layer(self, name: str | None, request: str) -> "Layer":
        found = None if name is None else layer_called(self._viewer, name)
        if found is None:
            raise NotEnoughData(f"{request}.")
        return found

    def _on_kind(self, *_: object) -> None:
        self._kind_is_wanted = self._kind_is_wanted or not self._settling
        self._on_change()

    def _on_change(self, *_: object) -> None:
        if self._settling:
            return
        kind = self._kind.value
        for role, part in self._fields.items():
            part.visible = role in _FIELDS[kind]
        self._show_images_are()
        self._show_halves()
        self._contrast.visible = kind != "tomogram"
        self.more.setVisible(kind in _RECORDED)
        self._recording.show_movies(kind in ("movie", "folder"), kind=kind == "folder")
        self.valueChanged.emit()

    def _show_halves(self) -> None:
        """Say of a tomogram which halves there are."""
        layer = self.shown_layer() if self._kind.value == "tomogram" else None
        self._halves.setVisible(layer is not None)
        if layer is None:
            return
        if not self.has_halves():
            self._halves.setText(_ONE_VOLUME)
            return
        names = [path.name for path in memory_of(layer).files[-2:]] or ["odd", "even"]
        self._halves.setText(_HALVES.format(", ".join(names)))

    def _show_images_are(self) -> None:
        """Show what the images of the chosen stack are, or ask."""
        judgement = self.images_are()
        self._images_are.visible = judgement is not None
        if judgement is None:
            return
        with self._settling:
            asks = not judgement.is_known
            self._images_are.choices = [("choose what they are", _ASK), *_STACKS][not asks :]
            self._images_are.value = _ASK if asks else judgement.kind

    def _on_images_are(self, *_: object) -> None:
        stack, said = self._chosen_stack(), self._images_are.value
        if self._settling or stack is None or said == _ASK:
            return
        try:
            say_kind(stack, said)
        except N2NError as problem:
            show_error(str(problem))
        self._follow_what_was_said(stack.name, said)
        self.refresh()

    def _follow_what_was_said(self, name: str, said: "StackKind") -> None:
        """Choose a stack as what it was said to be."""
        role: DataKind = "tomogram" if said == "volume" else "movie"
        with self._settling:
            part = self._layers[role]
            if name not in part.choices:
                part.choices = [*part.choices, name]
            part.value = name
            self._kind.value = role
            self._kind_is_wanted = True

    def _chosen_stack(self) -> "Layer | None":
        return self.shown_layer() if self._kind.value in _OF_STACKS else None

    def _on_recording(self) -> None:
        size = self._recording.value().pixel_size_angstrom
        if size != self._said:
            self._said = size
            if size is None:
                self._calibrator.unsay()
            else:
                self._calibrator.say(self._chosen_layers(), size)
        self._on_change()

    def _chosen_layers(self) -> "list[Layer]":
        """Return the layers that are chosen and may have a pixel size."""
        choice = self.value()
        if choice.kind not in _OF_LAYERS:
            return []
        names = [getattr(choice, role) for role in _FIELDS[choice.kind]]
        return [layer for layer in self._viewer.layers if layer.name in names]
