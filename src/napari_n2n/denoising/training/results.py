"""What a training gives: the best and the newest denoiser, judged, shown and saved."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.reports import Preview, TrainingProgress, Validation
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import Pace, is_milestone
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import describe_device
from napari_n2n.io.outputs import require_free, require_model_name

_SECONDS_BETWEEN_PREVIEWS = 2.0
# Previews may take this share of the training's time.
_PREVIEW_SHARE = 0.1


def last_path(output: Path) -> Path:
    """Where the newest denoiser lies, beside the best one in ``output``."""
    return output.with_name(f"{output.stem}-last.safetensors")


def resume_path(output: Path) -> Path:
    """Where the state to resume from lies, beside ``output``."""
    return output.with_name(f"{output.stem}-resume.safetensors")


def require_writable(output: Path | None) -> None:
    """Make sure, before any work is done, that ``output`` and what lies beside it may be written.

    Raises
    ------
    WriteProblem
        They may not, or the name is not that of a model.
    """
    if output is not None:
        require_model_name(output)
        require_free((output, last_path(output), resume_path(output)))


@dataclass(frozen=True)
class TrainedOn:
    """What a denoiser is to remember of the data that it was trained on.

    ``examples`` is how many are drawn in an epoch; the rest is that of `Denoiser` and its
    provenance.
    """

    names: tuple[str, ...]
    working_pixel_size_angstrom: float | None
    examples: int
    pairing: str = "halves"
    started_from: str | None = None


class Results:
    """The best and the newest denoiser of a training, judged, shown and saved.

    Parameters
    ----------
    learner
        Who learns.
    data
        What of.
    output
        Where the best denoiser is kept; None keeps nothing.
    judge
        Says how well a network does on what it is not trained on; None: the newest is the best.
    show
        Makes a preview with the denoiser that it can ask for; None if nobody looks.
    milestone
        Says after which steps the training is judged.
    """

    def __init__(
        self,
        learner: Learner,
        data: TrainedOn,
        output: Path | None,
        judge: Callable[[UNet], Validation] | None,
        show: Callable[[Callable[[], Denoiser]], Preview | None],
        milestone: Callable[[int], bool] = is_milestone,
    ) -> None:
        self.pace = Pace(learner.config, data.examples)
        self._learner = learner
        self._data = data
        self._output = output
        self._judge = judge
        self._show = show
        self._milestone = milestone
        self.validation: Validation | None = None
        self.best_validation: Validation | None = None
        self._validated_step = -1
        self._preview_due = monotonic()

    def best(self) -> Denoiser:
        """Return the one that did best on what was held out."""
        return self._denoiser(self._learner.best, self.best_validation)

    def resume(self, output: Path) -> None:
        """Go on from the state beside ``output``."""
        elapsed = self._learner.load(resume_path(output), self._data.names)
        self.pace = Pace(self._learner.config, self._data.examples, elapsed)
        if self._judge is not None:
            self.best_validation = self._judge(self._learner.best)
        if self._milestone(self._learner.step):
            self.validate()  # the stop may have come in the middle of it

    def save(self, newest_is_good: bool) -> None:
        """Write the best denoiser and, if it is good, the newest and what resuming needs."""
        if self._output is None:
            return
        save_denoiser(self._output, self.best())
        if newest_is_good:
            save_denoiser(last_path(self._output), self._newest())
            elapsed = self.pace.elapsed_seconds
            self._learner.save(resume_path(self._output), self._data.names, elapsed)

    def validate(self) -> None:
        """Judge the newest weights, once a step, and remember them if they are the best."""
        if self._validated_step == self._learner.step:
            return
        self._validated_step = self._learner.step
        if self._judge is None:
            self._learner.keep_if_best(0.0)
            return
        self.validation = self._judge(self._learner.averaged)
        if self._learner.keep_if_best(self.validation.loss):
            self.best_validation = self.validation

    def look(self) -> Preview | None:
        """Denoise what the listener looks at, if a preview is due and wanted."""
        started = monotonic()
        if started < self._preview_due:
            return None
        preview = self._show(self._newest)
        if preview is not None:
            took = monotonic() - started
            self._preview_due = monotonic() + max(_SECONDS_BETWEEN_PREVIEWS, took / _PREVIEW_SHARE)
        return preview

    def told(self, notes: tuple[str, ...], step: TrainingProgress) -> tuple[TrainingProgress]:
        """Return ``step`` with ``notes`` and what the newest and the best weights were judged."""
        newest, best = self.validation, self.best_validation
        return (replace(step, notes=notes, validation=newest, kept=best),)

    def _newest(self) -> Denoiser:
        return self._denoiser(self._learner.averaged, self.validation)

    def _denoiser(self, network: UNet, validation: Validation | None) -> Denoiser:
        return Denoiser(
            network=copy.deepcopy(network).cpu().eval(),
            training=self._learner.config,
            working_pixel_size_angstrom=self._data.working_pixel_size_angstrom,
            output_gain=validation.output_gain if validation else 1.0,
            # Two halves tell what is right, with no assumption; it costs next to nothing.
            calibrate=self._learner.config.network.ndim == 3,
            provenance=Provenance(
                trained_on=self._data.names,
                steps=self._learner.step,
                seconds=round(self.pace.elapsed_seconds, 1),
                device=describe_device(self._learner.device),
                started_from=self._data.started_from,
                pairing=self._data.pairing,
                validation_loss=validation.loss if validation else None,
                estimated_truth_correlation=validation.truth_correlation if validation else None,
            ),
        )
