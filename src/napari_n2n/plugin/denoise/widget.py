"""The Denoise widget: from a movie to raw and denoised side by side."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtWidgets import QWidget

from napari_n2n.denoising.reports import (
    DenoisedRegion,
    DenoisingProgress,
    Preview,
    TrainingProgress,
)
from napari_n2n.errors import N2NError
from napari_n2n.plugin.denoise.layers import DenoiseLayers
from napari_n2n.plugin.denoise.model_form import (
    BOXED,
    KeptTraining,
    Models,
    name_of,
    nothing_yet,
)
from napari_n2n.plugin.denoise.panel import DenoisePanel
from napari_n2n.plugin.denoise.tomogram_layers import TomogramLayers
from napari_n2n.plugin.shared.canvas import scale_bar_of
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.plugin.shared.layers import LayerMemory, memory_of, pixel_size_of
from napari_n2n.plugin.shared.preferences import new_model_path, preferences
from napari_n2n.plugin.shared.saving import (
    ask_for_folder,
    ask_for_model_file,
    ask_for_volume_file,
    save_model,
    tell_saved,
)
from napari_n2n.progress import Progress, Steps, Stop, format_seconds
from napari_n2n.workflow.fields_of_view import ContrastChoice, FieldOfView
from napari_n2n.workflow.photograph_sources import OnePhotograph
from napari_n2n.workflow.photograph_training import NoisyCopy, noisy_copy_steps
from napari_n2n.workflow.sources import FieldReady, FolderSource, LastField, MovieSource, Source
from napari_n2n.workflow.tomogram_views import SectionReady, TomogramSource
from napari_n2n.workflow.tomograms import (
    TomogramResult,
    denoise_tomogram_steps,
    save_tomogram_steps,
    train_on_tomogram_steps,
)
from napari_n2n.workflow.train_and_denoise import (
    DenoisingResult,
    LoadedModel,
    TrainingResult,
    aligned_steps,
    denoise_source_steps,
    devices_steps,
    load_model_steps,
    train_on_steps,
    twice_as_long,
)

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_n2n.denoising.checkpoints import Denoiser


_TAKEN = {
    contrast: f"Particles were taken to be {contrast}, as said under How it was recorded."
    for contrast in ("dark", "bright")
}


class DenoiseWidget(DenoisePanel):
    """Chooses data and model, aligns, trains, denoises and compares.

    Parameters
    ----------
    viewer
        Where layers are taken from and put.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self.viewer = viewer
        self.runner = Runner(self)
        self._device_runner = Runner(self)
        self.comparison = Comparison.of(viewer)
        self.layers = DenoiseLayers(viewer, self.comparison, self)
        self.tomograms = TomogramLayers(viewer, self.comparison, self)
        self.models = Models()
        self._last_field = LastField()
        self._source_at_work: Source | TomogramSource | None = None
        self._chosen: Layer | None = None
        self._at_work_on: Layer | None = None
        self._then: Callable[[Any], None] = lambda _result: None
        self._started = 0.0
        self._denoise_next = False
        self._connect()
        if preferences().scale_bar:
            scale_bar_of(viewer).visible = True
        self._device_runner.start("looking for devices", lambda stop: devices_steps(), show=False)
        self._chosen = self.data.shown_layer()  # as the user shows it
        self._on_data()

    @property
    def denoiser(self) -> "Denoiser | None":
        """The model that is chosen, if it is at hand; the general one is loaded when used."""
        return self.models.get(self.model.kind(), self.model.file())

    def _connect(self) -> None:
        self.data.valueChanged.connect(self._on_data)
        self.noise.addClicked.connect(self.add_noise)
        self.model.valueChanged.connect(self._refresh)
        self.model.fileChosen.connect(self.load)
        self.align_button.clicked.connect(self.align)
        self.save_halves_button.clicked.connect(self.save_halves)
        self.main_button.trainClicked.connect(self.train)
        self.main_button.denoiseClicked.connect(self.denoise)
        self.main_button.stopClicked.connect(self.stop)
        self.main_button.resumeClicked.connect(self.resume)
        self.denoise_button.clicked.connect(self.denoise)
        self.save_button.clicked.connect(self.save)
        self.save_result_button.clicked.connect(self.save_result)
        self.view.modeChosen.connect(self.comparison.set_mode)
        self.comparison.modeChanged.connect(self.view.show_mode)
        self.runner.progressed.connect(self._on_progress)
        self.runner.succeeded.connect(self._on_success)
        self.runner.failed.connect(self._on_failure)
        self.runner.stopped.connect(self._on_stopped)
        self.runner.finished.connect(self._on_finished)
        self._device_runner.succeeded.connect(self.model.show_devices)

    def align(self) -> None:
        """Align the chosen movie and show its sum."""
        source, device = self._source(), self.model.device()
        if source is not None and not isinstance(source, TomogramSource):
            self._start(
                "Aligning", lambda stop: aligned_steps(source, stop, device), self._on_aligned
            )

    def add_noise(self, deviation: float) -> None:
        """Make a noisy copy of the chosen photograph; ``deviation`` is in grey levels of 255."""
        source = self._source()
        if isinstance(source, OnePhotograph):
            seed = len(self.viewer.layers)  # another copy has other noise
            self._start(
                "Adding noise",
                lambda stop: noisy_copy_steps(source, deviation, seed=seed),
                self._on_noisy,
            )

    def train(self) -> None:
        """Train a new model on the chosen data, aligning first if need be, then denoise."""
        source = self._source()
        if source is None:
            return
        try:
            self._train(source, new_model_path(source.name), resume=False)
        except OSError as problem:
            show_error(f"Models cannot be kept in your data folder ({problem}). Make room there.")

    def resume(self) -> None:
        """Go on with the training that was stopped; one that was complete, as long again."""
        training = self.models.training
        if training is None:
            return
        self.model.choose("new")
        if training.complete:
            self.model.settings.setValue(twice_as_long(self.model.settings.value()))
        self.data.setValue(training.data)
        source = self._source()
        if source is not None:
            self._train(source, training.model, resume=True)

    def stop(self) -> None:
        """Ask what is running to end; what was trained is kept."""
        self.runner.stop()
        self.progress.say("Stopping…")
        self._refresh()

    def denoise(self) -> None:
        """Denoise the chosen data with the model, and show the result beside the raw image."""
        source, denoiser, device = self._source(), self.denoiser, self.model.device()
        kind, file, thorough = self.model.kind(), self.model.file(), self.model.thorough()
        contrast = self.data.value().contrast
        if source is None:
            return
        if denoiser is None and kind not in BOXED:
            if kind == "saved" and file is not None:
                self._denoise_next = True
                self.load(file)
            else:
                show_info(nothing_yet(kind))
            return
        if isinstance(source, TomogramSource):
            self._denoise_tomogram(source, denoiser or kind, name_of(kind, file))
            return
        field, region = self._last_field.of(source), self.layers.region_of_interest
        aligns = field is None and isinstance(source, MovieSource)
        did = "Aligned and denoised" if aligns else "Denoised"
        self._watch(source, field)
        self._start(
            "Denoising",
            lambda stop: denoise_source_steps(
                source,
                denoiser or kind,
                device=device,
                field=field,
                watched=region,
                thorough=thorough,
                contrast=contrast,
                stop=stop,
            ),
            lambda result: self._on_denoised(result, f"{did} with {name_of(kind, file)}", contrast),
        )

    def _denoise_tomogram(
        self, source: TomogramSource, denoiser: "Denoiser | str", called: str
    ) -> None:
        self.tomograms.begin_preview(source)
        device, watched = self.model.device(), self.tomograms.watched
        self._start(
            "Denoising",
            lambda stop: denoise_tomogram_steps(
                source, denoiser, device=device, watched=watched, stop=stop
            ),
            lambda result: self._on_denoised_tomogram(result, called),
        )

    def load(self, path: Path) -> None:
        """Load a saved model; a training that was stopped can then go on."""
        self._source_at_work = None
        self._start(f"Loading {path.name}", lambda stop: load_model_steps(path), self._on_loaded)

    def save(self, path: Path | None = None) -> None:
        """Save the model; where no path is given, the user is asked for one."""
        chosen = path or ask_for_model_file(self)
        denoiser = self.denoiser
        if chosen is not None and denoiser is not None:
            self.progress.say(tell_saved(lambda: save_model(chosen, denoiser)))

    def save_result(self, path: Path | None = None) -> None:
        """Save the denoised tomogram; where no path is given, the user is asked for one."""
        result = self._denoised_tomogram
        if result is None or self.runner.busy:
            return
        memory, voxels = memory_of(result), result.data
        chosen = path or ask_for_volume_file(self, f"{memory.made_from}_denoised.mrc")
        if chosen is None:
            return
        self._start(
            "Saving",
            lambda stop: save_tomogram_steps(
                voxels,
                chosen,
                files=memory.files,
                voxel_size_angstrom=pixel_size_of(result),
                labels=memory.labels,
                stop=stop,
            ),
            lambda saved: self.progress.say(f"Saved {saved.name} in {saved.parent}."),
        )

    def save_halves(self, folder: Path | None = None) -> None:
        """Save the odd, even and full sums of what was aligned, where the user says."""
        chosen = folder or ask_for_folder(self, "Save halves in")
        field = self._last_field.field
        if chosen is not None and field is not None:
            self.progress.say(tell_saved(lambda: field.save_sums(chosen)))

    def leave(self) -> None:
        """Stop everything; what was trained is saved as the job ends."""
        self.runner.stop()
        self.comparison.rest()
        self.sections.disconnect_viewer()
        for part in (self.data, self.layers, self.tomograms):
            part.disconnect_layers()

    def _watch(self, source: Source, field: FieldOfView | None) -> None:
        """Let the work that begins know what the user looks at, and show what it makes of it."""
        if field is not None:
            self.layers.show_field(field)
        self.layers.begin_preview(source, field)

    def _train(self, source: Source | TomogramSource, model: Path, *, resume: bool) -> None:
        try:
            choice = self.value()
        except N2NError as problem:
            show_error(str(problem))
            return
        how: dict[str, Any] = {"model": model, "resume": resume, "device": choice.model.device}
        training = choice.model.training
        self.comparison.end()
        if isinstance(source, TomogramSource):
            self.tomograms.begin_preview(source)
            watched = self.tomograms.watched

            def job(stop: Stop) -> Steps[Any]:
                return train_on_tomogram_steps(source, training, watched=watched, stop=stop, **how)

        else:
            field, region = self._last_field.of(source), self.layers.region_of_interest
            self._watch(source, field)

            def job(stop: Stop) -> Steps[Any]:
                return train_on_steps(
                    source, training, field=field, watched=region, stop=stop, **how
                )

        if self._start("Training", job, self._on_trained):
            self.models.training = KeptTraining(model, choice.data, complete=False)
            if not resume:
                self.clear_plots()
            self._refresh()

    def _source(self) -> Source | TomogramSource | None:
        if self.runner.busy:
            show_warning("One thing at a time: press Stop first, or wait for what is running.")
            return None
        try:
            source = self.data.source()
        except N2NError as problem:
            show_info(str(problem))
            return None
        self._source_at_work = source
        return source

    def _keep(self, field: FieldOfView) -> None:
        if self._source_at_work is not None and not isinstance(
            self._source_at_work, TomogramSource
        ):
            self._last_field.keep(self._source_at_work, field)

    def _start(
        self,
        title: str,
        steps: Callable[[Callable[[], bool]], Steps[Any]],
        then: Callable[[Any], None],
    ) -> bool:
        if not self.runner.start(title, steps):
            show_warning("One thing at a time: press Stop first, or wait for what is running.")
            return False
        self._then = then
        self._at_work_on = self._chosen
        self._started = monotonic()
        self.progress.begin(f"{title}…")
        self._refresh()
        return True

    def _on_progress(self, step: Progress) -> None:
        if isinstance(step, FieldReady):
            for note in step.notes:
                show_warning(note)
            self._keep(step.field)
            if self._in_view:
                self.layers.show_field(step.field)
                self.layers.look()
            return
        if isinstance(step, SectionReady):
            if self._in_view:
                self.tomograms.show_section(step.section)
            return
        if not self.runner.stopping:
            self.progress.show_progress(step)
        part: Preview | DenoisedRegion | None = None
        if isinstance(step, TrainingProgress):
            self.show_training(step)
            part = step.preview
        elif isinstance(step, DenoisingProgress):
            part = step.region
        if part is not None and not isinstance(self._source_at_work, TomogramSource):
            self.layers.show_part(part.pixels, part.origin)

    @property
    def _in_view(self) -> bool:
        """Whether what is worked on is still what the user wants to see."""
        return self._chosen == self._at_work_on

    def _on_success(self, result: Any) -> None:
        self._then(result)

    def _on_failure(self, sentence: str) -> None:
        self._denoise_next = False
        sentence = self._about_what_ran(sentence)
        self.progress.say(sentence)
        show_error(sentence)

    def _on_stopped(self) -> None:
        self._denoise_next = False
        self.progress.say(self._about_what_ran("Stopped."))

    def _about_what_ran(self, sentence: str) -> str:
        """Name what a sentence is about, where something else was opened meanwhile."""
        source = self._source_at_work
        return sentence if self._in_view or source is None else f"{source.name}: {sentence}"

    def _on_finished(self) -> None:
        self.layers.end_preview()
        self.tomograms.end_preview()
        self.progress.end()
        self.models.drop_lost_training()
        self._refresh()
        if self._denoise_next:
            self._denoise_next = False
            self.denoise()

    def _on_aligned(self, field: FieldOfView) -> None:
        self._keep(field)
        if self._in_view:
            self.layers.show_field(field)
        self._tell(field, f"Aligned in {format_seconds(monotonic() - self._started)}.")

    def _on_trained(self, trained: TrainingResult) -> None:
        self.models.trained = trained.denoiser
        if self.models.training is not None:
            self.models.training = replace(self.models.training, complete=trained.complete)
        self.progress.say(trained.sentence)
        self._denoise_next = trained.complete

    def _on_denoised(self, result: DenoisingResult, did: str, asked: ContrastChoice) -> None:
        seconds = monotonic() - self._started
        self._keep(result.field)
        self.layers.show_result(result, seconds, in_view=self._in_view)
        removed = result.denoised.removed
        warning = "" if removed is None else removed.warning
        # Those of a field are told as it is opened; of a folder's there was no such moment.
        told = result.field.notes if isinstance(self._source_at_work, FolderSource) else ()
        notes = (note for note in (*told, *result.notes) if note != warning)
        taken = () if asked != result.denoised.contrast else (_TAKEN.get(asked, ""),)
        said = (f"{did} in {format_seconds(seconds)}.", *taken, *notes, *result.what_next)
        self._tell(result.field, " ".join(filter(None, said)), warning)

    def _on_denoised_tomogram(self, result: TomogramResult, called: str) -> None:
        seconds = monotonic() - self._started
        self.tomograms.show_result(result, seconds, in_view=self._in_view)
        sentence = f"Denoised with {called} in {format_seconds(seconds)}."
        said = " ".join((sentence, *result.notes))
        if not self._in_view:
            said = f"{result.source.name}: {said} Choose it above to see it."
        self.progress.say(said)

    def _tell(self, field: FieldOfView, sentence: str, warning: str = "") -> None:
        """Say what became of ``field``; by its name where something else was opened meanwhile."""
        if not self._in_view:
            sentence = f"{field.name}: {sentence} Choose it above to see it."
        self.progress.say(sentence, warning)

    def _on_noisy(self, copy: NoisyCopy) -> None:
        self.layers.show_noisy(copy)
        self.progress.say(copy.sentence)

    def _on_loaded(self, loaded: LoadedModel) -> None:
        self.models.loaded, path = loaded, loaded.model
        self.model.show_summary(f"{loaded.denoiser.summary}.")
        self.model.settings.setValue(loaded.denoiser.training)
        self._on_data()  # they may be those for other images
        data = self.data.value()
        self.models.training = KeptTraining(path, data, False) if loaded.resumable else None
        self.progress.say(f"Loaded {path.name}. Press Denoise.")

    def _on_data(self) -> None:
        """Show what is chosen, and have the model that is right for it."""
        self.model.suit(self.data.value().sort)
        chosen = self.data.shown_layer()
        # Not "is": napari hands its plugins a new proxy of a layer each time.
        if chosen != self._chosen:
            was_removed = self._chosen is not None and self._chosen not in self.viewer.layers
            before, self._chosen = self._chosen, chosen
            if self.runner.busy and was_removed and before == self._at_work_on:
                self._at_work_on = chosen  # nothing else was opened
            elif isinstance(chosen, Image):
                self.layers.end_preview()  # of what is no longer looked at
                self.tomograms.end_preview()
                self.layers.show_chosen(chosen)
        self._refresh()

    @property
    def _denoised_tomogram(self) -> Image | None:
        """The newest denoised layer of the tomogram that is chosen."""
        chosen = self.data.shown_layer()
        if self.data.value().kind != "tomogram" or not isinstance(chosen, Image):
            return None
        return self.tomograms.denoised_of(chosen)

    def _refresh(self, *_: object) -> None:
        """Enable what makes sense now."""
        denoiser, result = self.denoiser, self._denoised_tomogram
        self.show_state(
            running=self.runner.busy,
            stopping=self.runner.stopping,
            has_model=denoiser is not None,
            has_halves=self._last_field.has_halves,
            resume=self.models.going_on(),
            model_ndim=None if denoiser is None else denoiser.ndim,
            has_result=result is not None,
        )
        is_tomogram = self.data.value().kind == "tomogram"
        chosen = self.data.shown_layer() if is_tomogram else None
        self.sections.show_for(chosen if isinstance(chosen, Image) else None)
        memory = LayerMemory() if result is None else memory_of(result)
        self.fsc.show_curves(memory.frc, memory.frc_resolution_angstrom)
