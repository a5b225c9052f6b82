"""What the Denoise widget sets going: train, denoise, load, as generators. No napari, no Qt."""

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_n2n.progress import Interrupted, Progress, Steps, Stop, format_seconds, never, passed_on
from napari_n2n.workflow.fields_of_view import (
    ContrastChoice,
    DenoisedMicrograph,
    FieldOfView,
    Image,
)
from napari_n2n.workflow.photograph_sources import OnePhotograph, PhotographFolder
from napari_n2n.workflow.photograph_training import psnr_db, psnr_notes, train_on_photographs_steps
from napari_n2n.workflow.sources import (
    FieldReady,
    FolderSource,
    Source,
    expose_steps,
    training_pairs_steps,
)

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.denoising.reports import TrainingProgress
    from napari_n2n.metrics import RingCorrelation

R = TypeVar("R")
Region = tuple[slice, slice]
"""Rows and columns of an image (y, x), with a start and a stop each."""
_NOTHING = (slice(0, 0), slice(0, 0))

# Denoising a part first costs its share of the time once more: not for more than this share.
_WORTH_WHILE = 0.5


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training gave; ``complete`` is False if it was stopped."""

    denoiser: "Denoiser"
    model: Path
    complete: bool

    @property
    def sentence(self) -> str:
        """How it went, for a person."""
        how, said = self.denoiser.provenance, "Trained" if self.complete else "Stopped"
        return (
            f"{said} after {how.steps} steps, {format_seconds(how.seconds)}. "
            f"Kept as {self.model.name}."
        )


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model from a file; ``resumable`` says whether its training can go on."""

    denoiser: "Denoiser"
    model: Path
    resumable: bool


@dataclass(frozen=True, eq=False)
class DenoisingResult:
    """A field of view, and what denoising made of it.

    ``psnr_db`` is that of the noisy and the denoised photograph, where the clean one is known.
    """

    field: FieldOfView
    denoised: DenoisedMicrograph
    summary: str
    notes: tuple[str, ...] = ()
    psnr_db: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def pixels(self) -> Image:
        """(y, x), or (y, x, 3) of a photograph."""
        return self.denoised.pixels

    @property
    def resolution_angstrom(self) -> dict[str, float | None]:
        """Where the FRC of the halves falls below 1/7, before and after.

        Empty without halves, or where the pixel size is unknown.
        """
        if self.denoised.pixel_size_angstrom is None:
            return {}
        return {
            name: None if curve is None else curve.resolution_angstrom()
            for name, curve in self._curves().items()
        }

    @property
    def frc(self) -> dict[str, list[float]]:
        """The FRC of the halves, before and after, by frequency; empty without halves."""
        curves = {name: c.correlation.tolist() for name, c in self._curves().items() if c}
        before = self.denoised.frc_before
        if before is not None:
            known = self.denoised.pixel_size_angstrom is not None
            unit = "angstrom" if known else "px"
            curves[f"frequency_per_{unit}"] = before.frequency.tolist()
        return curves

    def _curves(self) -> "dict[str, RingCorrelation | None]":
        before, after = self.denoised.frc_before, self.denoised.frc_after
        return {} if before is None else {"before": before, "after": after}

    @property
    def what_next(self) -> tuple[str, ...]:
        """What can be done with it, in a sentence."""
        if self.field.is_photograph:
            return ()
        return ("Plugins > Particles finds the particles in it.",)


class RegionOfInterest:
    """The part of a field the user looks at, handed from the window to the work.

    The window stores it, the work's thread reads it; each is one assignment.
    """

    def __init__(self) -> None:
        self._view: tuple[Region, FieldOfView | None] | None = None
        self._given = (0, 0)

    def look_at(self, region: Region | None, field: FieldOfView | None = None) -> None:
        """Store what is looked at, and of which field if it is there; None: nothing."""
        self._view = None if region is None else (region, field)

    def region(self, shape: tuple[int, ...]) -> Region | None:
        """Return what to denoise first of a field of ``shape``; None if it is most of it."""
        view = self._view
        if view is None:
            return None
        (y, x), (height, width) = view[0], shape[:2]
        if y.stop > height or x.stop > width:
            return None  # it was looked at in an image of another size
        area = (y.stop - y.start) * (x.stop - x.start)
        return view[0] if area <= _WORTH_WHILE * height * width else None

    def source(self) -> tuple[Image, float | None] | None:
        """Give the training what to denoise, and its pixel size (Å)."""
        (y, x), field = self._view or (_NOTHING, None)
        if field is None:
            return None
        self._given = (y.start, x.start)
        return field.full[y, x], field.pixel_size_angstrom

    def placed(self, step: "TrainingProgress") -> "TrainingProgress":
        """Return ``step`` with its preview's origin in the field."""
        if step.preview is None:
            return step
        y, x = step.preview.origin
        origin = (y + self._given[0], x + self._given[1])
        return replace(step, preview=replace(step.preview, origin=origin))


def train_on_steps(
    source: Source,
    config: "TrainingConfig",
    *,
    model: Path,
    resume: bool = False,
    device: str = "auto",
    field: FieldOfView | None = None,
    watched: RegionOfInterest | None = None,
    stop: Stop = never,
) -> Steps[TrainingResult]:
    """Align if need be, then train; yields `Progress`, one `FieldReady`, and `TrainingProgress`.

    On photographs it is `PhotographTrainingProgress` in place of the last.

    What was learnt is kept in ``model`` however this ends.

    Raises
    ------
    N2NError
        The data, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true before anything was learnt.
    """
    from napari_n2n.denoising.reports import TrainingProgress
    from napari_n2n.denoising.training.micrographs import train_steps

    watched = watched or RegionOfInterest()
    how: dict[str, Any] = {"output": model, "resume": resume, "device": device, "stop": stop}
    if isinstance(source, OnePhotograph | PhotographFolder):
        if field is None:
            field = yield from expose_steps(source, stop, device)
        yield FieldReady(field=field)
        denoiser = yield from train_on_photographs_steps(source, config, **how)
    else:
        pairs = yield from training_pairs_steps(source, field, stop, device)
        if stop():
            raise Interrupted

        def told(step: Progress) -> tuple[Progress]:
            return (watched.placed(step) if isinstance(step, TrainingProgress) else step,)

        training = train_steps(pairs, config, preview=watched.source, **how)
        denoiser = yield from passed_on(training, told)
    return TrainingResult(denoiser, model, complete=not stop())


def aligned_steps(source: Source, stop: Stop, device: str = "auto") -> Steps[FieldOfView]:
    """Align or read what is shown of ``source``; yields it too, as `FieldReady`.

    Raises
    ------
    N2NError
        The data do not allow it.
    Interrupted
        ``stop`` became true.
    """
    field = yield from expose_steps(source, stop, device)
    # Of a folder, they say what was left out.
    notes = field.notes if isinstance(source, FolderSource) else ()
    yield FieldReady(field=field, notes=notes)
    return field


def denoise_source_steps(
    source: Source,
    denoiser: "Denoiser | str" = "general",
    *,
    device: str = "auto",
    field: FieldOfView | None = None,
    watched: RegionOfInterest | None = None,
    thorough: bool = False,
    contrast: ContrastChoice = "auto",
    stop: Stop = never,
) -> Steps[DenoisingResult]:
    """Denoise what is shown of ``source``, with both halves where there are any.

    Yields `Progress`, a `FieldReady` if the field had to be made, and one with a ``region``:
    what is ``watched`` as the denoising begins is denoised first. ``denoiser`` may be the
    name of a model in the box; ``thorough`` is that of `denoise_steps`, ``contrast`` that of
    `denoise_field_steps`.

    Raises
    ------
    N2NError
        The data or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    if field is None:
        field = yield from aligned_steps(source, stop, device)
    yield Progress("loading the model", 0, 1)
    from napari_n2n.workflow.denoising import denoise_field_steps

    if isinstance(denoiser, str):
        from napari_n2n.denoising.shipped_models import denoiser_named

        denoiser = denoiser_named(denoiser)
    denoised = yield from denoise_field_steps(
        field.image,
        denoiser,
        device=device,
        first=(watched or RegionOfInterest()).region(field.full.shape),
        thorough=thorough,
        contrast=contrast,
        stop=stop,
    )
    gain = psnr_db(field, denoised.pixels)
    notes = tuple(note for note in denoised.notes if note not in field.notes)
    return DenoisingResult(
        field, denoised, denoiser.summary, (*notes, *psnr_notes(gain)), psnr_db=gain
    )


def load_model_steps(path: Path) -> Steps[LoadedModel]:
    """Load a saved model.

    Raises
    ------
    CheckpointProblem
        The file is no model.
    """
    yield Progress("loading the model", 0, 1)
    from napari_n2n.denoising.checkpoints import load_denoiser

    return LoadedModel(load_denoiser(path), path, can_resume(path))


def can_resume(model: Path) -> bool:
    """Whether the training that is kept in ``model`` can go on."""
    from napari_n2n.denoising.training.micrographs import resume_path

    return resume_path(model).is_file()


def twice_as_long(config: "TrainingConfig") -> "TrainingConfig":
    """Return the same training, to be twice as long in every respect that limits it."""
    limits = {name: getattr(config, name) for name in ("steps", "epochs", "max_seconds")}
    return config.replaced(**{name: 2 * n for name, n in limits.items() if n is not None})


def devices_steps() -> Steps[list[tuple[str, str]]]:
    """Find this machine's devices: name and description of each, fastest first.

    This imports torch, which takes seconds.
    """
    yield Progress("looking for devices", 0, 1)
    from napari_n2n.devices import available_devices, choose_device, describe_device

    return [(name, describe_device(choose_device(name))) for name in available_devices()]
