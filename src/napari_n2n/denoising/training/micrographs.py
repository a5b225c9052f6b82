"""From pairs of noisy micrographs, or from micrographs alone, to a denoiser."""

import copy
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import Preview, TrainingProgress, Validation
from napari_n2n.denoising.shipped_models.general import start_for
from napari_n2n.denoising.training.blind_spot import known_error
from napari_n2n.denoising.training.evaluation import evaluate
from napari_n2n.denoising.training.learner import Learner, squared_error
from napari_n2n.denoising.training.loop import Pace, is_milestone, learn_steps
from napari_n2n.denoising.training.pairs import Crops, Pair, TrainingData, prepare_steps
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import choose_device, describe_device, torch_errors_explained
from napari_n2n.io.outputs import require_free, require_model_name
from napari_n2n.progress import Steps, Stop, never, passed_on, run_to_end

_SECONDS_BETWEEN_PREVIEWS = 2.0
# Previews may take this share of the training's time.
_PREVIEW_SHARE = 0.1
_PREVIEW_SIDE = 512

# An image (y, x) and its pixel size in Å.
PreviewSource = Callable[[], tuple[NDArray[np.float32], float | None] | None]


def last_path(output: Path) -> Path:
    """Where the newest denoiser lies, beside the best one in ``output``."""
    return output.with_name(f"{output.stem}-last.safetensors")


def resume_path(output: Path) -> Path:
    """Where the state to resume from lies, beside ``output``."""
    return output.with_name(f"{output.stem}-resume.safetensors")


def train(
    pairs: Collection[Pair | SingleImage],
    config: TrainingConfig,
    *,
    output: Path | None = None,
    resume: bool = False,
    device: str | torch.device = "auto",
) -> Denoiser:
    """Train a denoiser on ``pairs`` and return the best; see `train_steps`, which tells too."""
    return run_to_end(train_steps(pairs, config, output=output, resume=resume, device=device))


def train_steps(
    pairs: Collection[Pair | SingleImage],
    config: TrainingConfig,
    *,
    output: Path | None = None,
    resume: bool = False,
    device: str | torch.device = "auto",
    stop: Stop = never,
    preview: PreviewSource = lambda: None,
) -> Steps[Denoiser]:
    """Train a denoiser on ``pairs``; yields progress, returns the best denoiser.

    Parameters
    ----------
    pairs
        Gone through once, so they may be read from disk as they are asked for. Of micrographs
        that have no halves, `SingleImage` ones, pairs are made (see
        `napari_n2n.denoising.training.singles`).
    config
        What to train and for how long.
    output
        Where the best denoiser is kept as training goes on; the last one and what resuming needs
        lie beside it (``-last``, ``-resume``). None keeps nothing.
    resume
        Go on from the state beside ``output``; the result is that of an uninterrupted training.
    stop
        Asked many times a step; once true, the training saves and returns within a second.
    preview
        Asked now and then for an image to show.

    Raises
    ------
    NotEnoughData, DeviceProblem, WriteProblem
        The pairs, the device or the disk do not allow it.
    CheckpointProblem
        There is nothing to resume from, or it belongs to other settings or other images.
    TrainingDiverged
        The loss is no number any more; the best denoiser so far has been saved.
    Interrupted
        ``stop`` became true before anything was learnt; nothing is saved.
    """
    if output is not None:
        require_model_name(output)
        require_free((output, last_path(output), resume_path(output)))
    chosen = choose_device(device)
    with torch_errors_explained("Training"):
        data = yield from prepare_steps(pairs, config, chosen, stop)
        config = _with_channels(config, data.channels)
        learner = Learner(config, chosen)
        start, note = start_for(config, data.working_pixel_size_angstrom)
        if start is not None:
            learner.start_from(start.network)
        if note:
            data = replace(data, notes=(*data.notes, note))
        kept = _Results(learner, data, output, preview, start)
        if resume and output is not None:
            kept.resume(output)

        def told(step: TrainingProgress) -> tuple[TrainingProgress]:
            newest, best = kept.validation, kept.best_validation
            return (replace(step, notes=data.notes, validation=newest, kept=best),)

        steps = learn_steps(
            learner,
            Crops(data, config, chosen).draw,
            kept.pace,
            stop=stop,
            save=kept.save,
            loss_of=known_error if "blind_spot" in data.pairing else squared_error,
            mean_over=None,  # so that the plot shows how the loss wavers
            validate=kept.validate,
            look=kept.look,
            output=output,
        )
        yield from passed_on(steps, told)
        return kept.best()


def _with_channels(config: TrainingConfig, channels: int) -> TrainingConfig:
    network = config.network
    if (network.in_channels, network.out_channels) == (channels, channels):
        return config
    return config.replaced(network=network.replaced(in_channels=channels, out_channels=channels))


class _Results:
    """What a training gives: the best and the newest denoiser, judged, shown and saved."""

    def __init__(
        self,
        learner: Learner,
        data: TrainingData,
        output: Path | None,
        preview: PreviewSource,
        start: Denoiser | None,
    ) -> None:
        self.pace = Pace(learner.config, len(data.training))
        self._learner = learner
        self._started_from = None if start is None else start.provenance.name
        self._config = learner.config
        self._data = data
        self._output = output
        self._preview_source = preview
        self.validation: Validation | None = None
        self.best_validation: Validation | None = None
        self._validated_step = -1
        self._preview_due = monotonic()

    def best(self) -> Denoiser:
        return self._denoiser(self._learner.best, self.best_validation)

    def resume(self, output: Path) -> None:
        """Go on from the state beside ``output``."""
        elapsed = self._learner.load(resume_path(output), self._data.names)
        self.pace = Pace(self._config, len(self._data.training), elapsed)
        if self._data.validation:
            self.best_validation = evaluate(self._learner.best, self._data.validation)
        if is_milestone(self._learner.step):
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
        if self._validated_step != self._learner.step:
            self._validated_step = self._learner.step
            if not self._data.validation:
                self._learner.keep_if_best(0.0)  # nothing to judge by: the newest is the best
                return
            self.validation = evaluate(self._learner.averaged, self._data.validation)
            if self._learner.keep_if_best(self.validation.loss):
                self.best_validation = self.validation

    def _newest(self) -> Denoiser:
        return self._denoiser(self._learner.averaged, self.validation)

    def _denoiser(self, network: UNet, validation: Validation | None) -> Denoiser:
        return Denoiser(
            network=copy.deepcopy(network).cpu().eval(),
            training=self._config,
            working_pixel_size_angstrom=self._data.working_pixel_size_angstrom,
            output_gain=validation.output_gain if validation else 1.0,
            provenance=Provenance(
                trained_on=self._data.names,
                steps=self._learner.step,
                seconds=round(self.pace.elapsed_seconds, 1),
                device=describe_device(self._learner.device),
                started_from=self._started_from,
                pairing=self._data.pairing,
                validation_loss=validation.loss if validation else None,
                estimated_truth_correlation=validation.truth_correlation if validation else None,
            ),
        )

    def look(self) -> Preview | None:
        """Denoise the middle of what the listener looks at, if a preview is due and wanted."""
        started = monotonic()
        if started < self._preview_due:
            return None
        wanted = self._preview_source()
        if wanted is None:
            return None
        image, pixel_size = wanted
        working = self._data.working_pixel_size_angstrom
        coarser = max(1.0, working / pixel_size) if working and pixel_size else 1.0
        side = round(_PREVIEW_SIDE * coarser)
        y, x = (max(0, (length - side) // 2) for length in image.shape[:2])
        part = image[y : y + side, x : x + side]
        pixels = denoise(
            part,
            self._newest(),
            pixel_size_angstrom=pixel_size,
            device=self._learner.device,
        )
        took = monotonic() - started
        self._preview_due = monotonic() + max(_SECONDS_BETWEEN_PREVIEWS, took / _PREVIEW_SHARE)
        return Preview(pixels, (y, x))
