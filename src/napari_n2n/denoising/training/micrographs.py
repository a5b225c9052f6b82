"""The training loop: from pairs to a denoiser."""

import copy
import math
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.interruption import Interrupted, interruptible
from napari_n2n.denoising.shipped_models.general import start_for
from napari_n2n.denoising.training.blind_spot import known_error
from napari_n2n.denoising.training.evaluation import Validation, evaluate
from napari_n2n.denoising.training.learner import Learner, squared_error
from napari_n2n.denoising.training.loop import Pace, mean_loss
from napari_n2n.denoising.training.pairs import Crops, Pair, TrainingData, prepare
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import choose_device, describe_device, torch_errors_explained
from napari_n2n.errors import TrainingDiverged
from napari_n2n.progress import Progress

# Listeners hear of the training this often; reading the loss more often would hold a GPU up.
_SECONDS_BETWEEN_REPORTS = 0.25
_SECONDS_BETWEEN_SAVES = 15.0
_VALIDATE_EVERY = 50
_SECONDS_BETWEEN_PREVIEWS = 2.0
# Previews may take this share of the training's time.
_PREVIEW_SHARE = 0.1
_PREVIEW_SIDE = 512


@dataclass(frozen=True, slots=True)
class Preview:
    """A denoised part of the image a listener asked about.

    ``origin`` (y, x) and the shape of ``pixels`` are in pixels of that image.
    """

    pixels: NDArray[np.float32]
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """The state of a training after ``step`` steps; what is not known is None.

    ``epoch`` counts how often each pair has been drawn from, ``fraction`` (0 to 1) how much of
    the training is done, ``training_loss`` is the mean since the last progress.
    """

    step: int
    total_steps: int | None
    epoch: float
    training_loss: float
    learning_rate: float
    megapixels_per_second: float
    elapsed_seconds: float
    fraction: float
    seconds_left: float | None
    device: str
    validation: Validation | None = None
    preview: Preview | None = None
    notes: tuple[str, ...] = ()


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
    stop: Callable[[], bool] = lambda: False,
    preview: PreviewSource = lambda: None,
) -> Generator[Progress | TrainingProgress, None, Denoiser]:
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
        ``stop`` became true before there was anything to learn from.
    """
    chosen = choose_device(device)
    with torch_errors_explained("Training"):
        data = yield from prepare(pairs, config, chosen, stop)
        config = _with_channels(config, data.channels)
        learner = Learner(config, chosen)
        start, note = start_for(config, data.working_pixel_size_angstrom)
        if start is not None:
            learner.start_from(start.network)
        if note:
            data = replace(data, notes=(*data.notes, note))
        trainer = _Trainer(learner, data, output, preview, start)
        if resume and output is not None:
            trainer.resume(output)
        try:
            with (
                interruptible(trainer.learner.network, stop),
                interruptible(trainer.learner.averaged, stop),
            ):
                yield from trainer.steps()
        except Interrupted:
            pass
        finally:
            # Reached too when the generator is closed or fails: what was learnt is on disk.
            trainer.save()
        return trainer.best()


def _with_channels(config: TrainingConfig, channels: int) -> TrainingConfig:
    network = config.network
    if (network.in_channels, network.out_channels) == (channels, channels):
        return config
    return config.replaced(network=network.replaced(in_channels=channels, out_channels=channels))


class _Trainer:
    """One training: the learner, what it learns from, and the book kept about it."""

    def __init__(
        self,
        learner: Learner,
        data: TrainingData,
        output: Path | None,
        preview: PreviewSource,
        start: Denoiser | None,
    ) -> None:
        self.learner = learner
        self._started_from = None if start is None else start.provenance.name
        self._config = learner.config
        self._data = data
        self._crops = Crops(data, learner.config, learner.device)
        self._loss_of = known_error if "blind_spot" in data.pairing else squared_error
        self._output = output
        self._preview_source = preview
        self._validation: Validation | None = None
        self._best_validation: Validation | None = None
        self._validated_step = -1
        self._losses: list[Tensor] = []
        self._saved_at = self._preview_due = monotonic()
        self._pace = Pace(learner.config, len(data.training))

    def steps(self) -> Generator[TrainingProgress, None, None]:
        losses, pace = self._losses, self._pace
        reported = monotonic()
        while pace.fraction(self.learner.step) < 1:
            rate = pace.learning_rate(self.learner.step)
            crops = self._crops.draw(self.learner.step)
            losses.append(self.learner.learn(*crops, rate, self._loss_of))
            now, is_over = monotonic(), pace.fraction(self.learner.step) >= 1
            due = _is_milestone(self.learner.step)
            if not (due or is_over) and now - reported < _SECONDS_BETWEEN_REPORTS:
                continue
            loss = mean_loss(losses)
            self._require_finite(loss)
            pixels = len(losses) * self._config.batch * self._data.crop**2
            speed = pixels / max(now - reported, 1e-6) / 1e6
            if due:
                self._validate()
            if monotonic() - self._saved_at > _SECONDS_BETWEEN_SAVES:
                self.save()
            yield self._progress(loss, rate, speed)
            losses.clear()
            reported = monotonic()
        self._validate()

    def best(self) -> Denoiser:
        return self._denoiser(self.learner.best, self._best_validation)

    def resume(self, output: Path) -> None:
        elapsed = self.learner.load(resume_path(output), self._data.names)
        self._pace = Pace(self._config, len(self._data.training), elapsed)
        if self._data.validation:
            self._best_validation = evaluate(self.learner.best, self._data.validation)
        if _is_milestone(self.learner.step):
            self._validate()  # the stop may have come in the middle of it

    def save(self) -> None:
        """Write the best and the newest denoiser, and what resuming needs."""
        self._saved_at = monotonic()
        if self._output is None:
            return
        save_denoiser(self._output, self.best())
        # It may have diverged since the loss was last looked at.
        if math.isfinite(mean_loss(self._losses)):
            save_denoiser(last_path(self._output), self._newest())
            elapsed = self._pace.elapsed_seconds
            self.learner.save(resume_path(self._output), self._data.names, elapsed)

    def _validate(self) -> None:
        if self._validated_step == self.learner.step:
            return
        self._validated_step = self.learner.step
        if not self._data.validation:
            self.learner.keep_if_best(0.0)  # nothing to judge by: the newest is the best
            return
        self._validation = evaluate(self.learner.averaged, self._data.validation)
        if self.learner.keep_if_best(self._validation.loss):
            self._best_validation = self._validation

    def _require_finite(self, loss: float) -> None:
        if math.isfinite(loss):
            return
        kept = f" The best model so far is in {self._output}." if self._output else ""
        raise TrainingDiverged(
            f"Training diverged at step {self.learner.step}: the loss is no number any more.{kept} "
            f"Try a learning rate ten times smaller than {self._config.learning_rate:g}."
        )

    def _newest(self) -> Denoiser:
        return self._denoiser(self.learner.averaged, self._validation)

    def _denoiser(self, network: UNet, validation: Validation | None) -> Denoiser:
        return Denoiser(
            network=copy.deepcopy(network).cpu().eval(),
            training=self._config,
            working_pixel_size_angstrom=self._data.working_pixel_size_angstrom,
            output_gain=validation.output_gain if validation else 1.0,
            provenance=Provenance(
                trained_on=self._data.names,
                steps=self.learner.step,
                seconds=round(self._pace.elapsed_seconds, 1),
                device=describe_device(self.learner.device),
                started_from=self._started_from,
                pairing=self._data.pairing,
                validation_loss=validation.loss if validation else None,
                estimated_truth_correlation=validation.truth_correlation if validation else None,
            ),
        )

    def _progress(self, loss: float, rate: float, speed: float) -> TrainingProgress:
        preview = self._preview()
        pace = self._pace
        return TrainingProgress(
            step=self.learner.step,
            total_steps=pace.total_steps,
            epoch=self.learner.step * self._config.batch / len(self._data.training),
            training_loss=loss,
            learning_rate=rate,
            megapixels_per_second=speed,
            elapsed_seconds=pace.elapsed_seconds,
            fraction=pace.fraction(self.learner.step),
            seconds_left=pace.seconds_left(self.learner.step),
            device=describe_device(self.learner.device),
            validation=self._validation,
            preview=preview,
            notes=self._data.notes,
        )

    def _preview(self) -> Preview | None:
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
            device=self.learner.device,
        )
        took = monotonic() - started
        self._preview_due = monotonic() + max(_SECONDS_BETWEEN_PREVIEWS, took / _PREVIEW_SHARE)
        return Preview(pixels, (y, x))


def _is_milestone(step: int) -> bool:
    """Whether to validate after ``step``: often at first, when much changes, then regularly."""
    return step % _VALIDATE_EVERY == 0 or (step < _VALIDATE_EVERY and step & (step - 1) == 0)
