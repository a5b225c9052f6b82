"""The networks that are compared, their training and their use, as stages of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.shipped_models import denoiser_named
from napari_n2n.denoising.shipped_models.general import GENERAL
from napari_n2n.denoising.training.micrographs import resume_path, train_steps
from napari_n2n.experiments.protocol import ExperimentStage
from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.progress import Progress, Steps, Stop, passed_on
from napari_n2n.workflow.training_sets import PairsOnDisk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.cryo.fields import TestField
    from napari_n2n.experiments.cryo.settings import CryoSettings
    from napari_n2n.experiments.protocol import Budget, ExperimentFolder, Figures

PAPER, LIGHT = "paper", "light"
NETWORKS = (PAPER, LIGHT, GENERAL)
"""What is compared, in the order of tables and pictures."""

TITLES = {PAPER: "paper's network", LIGHT: "light network", GENERAL: "general model"}

EPOCHS = 500
"""Of the paper's training; a crop from every pair is one epoch."""

# Single frames are so faint that coarser pixels show more (docs/training.md).
_FRAME_WORKING_PIXEL_SIZE_ANGSTROM = 6.0


@dataclass(frozen=True)
class TrainingContext:
    """What stages of training and denoising work with."""

    records: ExperimentFolder
    settings: CryoSettings
    device: str
    stop: Stop


def paper_training(settings: CryoSettings, seconds: float) -> TrainingConfig:
    """Return the paper's training: 640 px crops, 4 a step, 500 epochs or ``seconds``.

    Nothing is held out and the last weights are used, as the paper does it.
    """
    return preset("paper").replaced(
        epochs=EPOCHS, max_seconds=seconds, validation_fraction=0.0, seed=settings.seed
    )


def light_training(
    settings: CryoSettings, seconds: float, *, equally_noisy: bool
) -> TrainingConfig:
    """Return the light network's training for ``seconds``, from random weights.

    It does not start from the general model, which has seen clean images of simulated particles:
    here, noisy images alone teach.
    """
    config = preset("quick").lasting(seconds).replaced(from_scratch=True, seed=settings.seed)
    if equally_noisy:
        return config
    return config.replaced(working_pixel_size_angstrom=_FRAME_WORKING_PIXEL_SIZE_ANGSTROM)


def training_stages(
    context: TrainingContext, fields: Sequence[TestField], budget: Budget
) -> list[ExperimentStage]:
    """Return the trainings of both networks on ``fields``; they share the budget alike.

    The light network is not trained longer than the paper's took, which may end by its epochs.
    """
    settings, records = context.settings, context.records
    half = budget.share(0.5)
    equally_noisy = fields[0].equally_noisy
    pairs = PairsOnDisk.matched(
        [field.first for field in fields],
        [field.second for field in fields],
        swappable=equally_noisy,
        pixel_size_angstrom=settings.recording.pixel_size_angstrom,
    )

    def train_paper() -> Steps[Figures]:
        config = paper_training(settings, half)
        return (yield from _trained(context, PAPER, pairs, config))

    def train_light() -> Steps[Figures]:
        taken = (records.done(training_name(PAPER)) or {}).get("seconds", half)
        config = light_training(settings, min(half, taken), equally_noisy=equally_noisy)
        return (yield from _trained(context, LIGHT, pairs, config))

    return [
        ExperimentStage(
            training_name(name),
            f"training the {TITLES[name]}",
            make,
            (records.model_path(training_name(name)),),
            seconds=half,
        )
        for name, make in ((PAPER, train_paper), (LIGHT, train_light))
    ]


def training_name(network: str) -> str:
    """Return the name of the stage that trains ``network``."""
    return f"train-{network}"


def _trained(
    context: TrainingContext, name: str, pairs: PairsOnDisk, config: TrainingConfig
) -> Steps[Figures]:
    """Train, or go on where a training was interrupted."""
    output = context.records.model_path(training_name(name))
    steps = train_steps(
        pairs,
        config,
        output=output,
        resume=_has_begun(output),
        device=context.device,
        stop=context.stop,
    )
    notes: dict[str, None] = {}

    def told(step: Progress) -> tuple[Progress]:
        if isinstance(step, TrainingProgress):
            notes.update(dict.fromkeys(step.notes))
        return (step,)

    denoiser = yield from passed_on(steps, told)
    made = denoiser.provenance
    return {
        "steps": made.steps,
        "epochs": made.steps * config.batch / len(pairs),
        "seconds": made.seconds,
        "device": made.device,
        "parameters": denoiser.network.parameter_count,
        "working_pixel_size_angstrom": denoiser.working_pixel_size_angstrom,
        "crop_px": config.crop,
        "batch": config.batch,
        "notes": list(notes),
    }


def _has_begun(output: Path) -> bool:
    """Whether a training to ``output`` has taken a step; one that has not begins with all its time.

    A step of the paper's network may take longer than a small budget.
    """
    if not (output.exists() and resume_path(output).exists()):
        return False
    return load_denoiser(output).provenance.steps > 0


def denoised_paths(folder: Path, network: str, field: TestField) -> tuple[Path, ...]:
    """Where the denoised images of a field belong: both halves, or the single frame."""
    names = ("ODD", "EVN") if field.equally_noisy else ("frame",)
    return tuple(folder / "denoised" / network / f"{field.name}_{name}.mrc" for name in names)


def denoising_stages(
    context: TrainingContext, fields: Sequence[TestField]
) -> list[ExperimentStage]:
    """Return the denoising of ``fields`` by every network."""
    return [_denoising_stage(context, name, field) for field in fields for name in NETWORKS]


def _denoising_stage(context: TrainingContext, name: str, field: TestField) -> ExperimentStage:
    outputs = denoised_paths(context.records.folder, name, field)

    def make() -> Steps[Figures]:
        model = context.records.model_path(training_name(name))
        denoiser = denoiser_named(GENERAL if name == GENERAL else model)
        notes: list[str] = []
        for path, output in zip((field.first, field.second), outputs, strict=False):
            size = context.settings.recording.pixel_size_angstrom
            image = read_micrograph(path, pixel_size_angstrom=size)
            size = image.pixel_size_angstrom
            result = yield from denoise_steps(
                image.pixels,
                denoiser,
                pixel_size_angstrom=size,
                device=context.device,
                stop=context.stop,
            )
            notes += [note for note in result.notes if note not in notes]
            write_micrograph(output, result.pixels, size)
        return {"notes": notes}

    title = f"denoising {field.name} with the {TITLES[name]}"
    needs = () if name == GENERAL else (training_name(name),)
    return ExperimentStage(denoising_name(name, field), title, make, outputs, needs)


def denoising_name(network: str, field: TestField) -> str:
    """Return the name of the stage that denoises ``field``."""
    return f"denoise-{network}-{field.name}"
