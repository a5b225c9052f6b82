"""What all parts of the experiment on photographs work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n.denoising.shipped_models import denoiser_named
from napari_n2n.denoising.training.photographs import train_photographs_steps
from napari_n2n.experiments.photographs.judging import TestNoise, by_network, judge_steps
from napari_n2n.experiments.protocol import Budget

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.denoising.training.photograph_examples import PhotographNoise, Photographs
    from napari_n2n.experiments.photographs.judging import Method
    from napari_n2n.experiments.photographs.settings import PhotographSettings
    from napari_n2n.experiments.protocol import ExperimentFolder, Figures
    from napari_n2n.progress import Steps, Stop

MODEL = "model"
"""The stage that makes the model that is judged."""

COMPARED_DEVIATIONS = (25, 50)
"""Noise by which trainings are compared."""

MODEL_SHARE = 0.5
"""Of the budget; the comparisons have the rest."""


@dataclass(frozen=True)
class TrialContext:
    """What the stages work with."""

    records: ExperimentFolder
    settings: PhotographSettings
    train: Photographs
    test: Photographs
    device: str
    stop: Stop

    @property
    def budget(self) -> Budget:
        """The time of all trainings."""
        return Budget.of_minutes(self.settings.budget_minutes)

    @property
    def claim_test(self) -> Photographs:
        """The test photographs that judge the comparisons."""
        return self.test.leading(self.settings.claim_images)

    @property
    def claim_counts(self) -> tuple[int, ...]:
        """Numbers of training photographs, as many as there are at most."""
        there = len(self.train.images)
        return tuple(sorted({min(count, there) for count in self.settings.claim_counts}))

    def method(self, denoiser: Denoiser, *, thorough: bool = False) -> Method:
        """Return how ``denoiser`` takes the noise off a photograph."""
        return by_network(denoiser, self.device, self.stop, thorough=thorough)

    def model(self) -> Denoiser:
        """Return the model that is judged."""
        return denoiser_named(self.settings.given_model or self.records.model_path(MODEL))


def told_of(denoiser: Denoiser) -> Figures:
    """Return what a report tells of a model."""
    made, config = denoiser.provenance, denoiser.training
    return {
        "summary": denoiser.summary,
        "network": denoiser.network.config.name,
        "parameters": denoiser.network.parameter_count,
        "steps": made.steps,
        "seconds": made.seconds,
        "device": made.device,
        "crop_px": config.crop,
        "batch": config.batch,
    }


def trained_steps(
    context: TrialContext,
    photographs: Photographs,
    config: TrainingConfig,
    noise: PhotographNoise,
    output: Path,
) -> Steps[Denoiser]:
    """Train, or go on where a training was interrupted."""
    return (
        yield from train_photographs_steps(
            photographs,
            config,
            noise,
            output=output,
            resume=True,
            snapshots=output.stem == MODEL,
            device=context.device,
            stop=context.stop,
        )
    )


def psnr_at_steps(
    context: TrialContext, denoiser: Denoiser, deviations: tuple[int, ...] = COMPARED_DEVIATIONS
) -> Steps[dict[str, float]]:
    """Return the PSNR (dB) by the deviation of the noise, on a part of the test photographs."""
    found = {}
    for deviation in deviations:
        noise = TestNoise(deviation, seed=context.settings.seed)
        method = context.method(denoiser)
        figures = yield from judge_steps(context.claim_test, noise, method)
        found[str(deviation)] = figures["psnr_db"]
    return found
