"""Trainings on photographs that differ in one thing: their targets, or the mean of their noise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.shipped_models.photographs import recipe
from napari_n2n.denoising.training.photograph_examples import PhotographNoise
from napari_n2n.denoising.training.photographs import train_photographs_steps
from napari_n2n.experiments.photographs.judging import TestNoise, judge_steps
from napari_n2n.experiments.photographs.trials import (
    COMPARED_DEVIATIONS,
    MODEL_SHARE,
    psnr_at_steps,
    told_of,
    trained_steps,
)
from napari_n2n.experiments.protocol import ExperimentStage
from napari_n2n.progress import Steps, Stopwatch

if TYPE_CHECKING:
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.photographs.trials import TrialContext
    from napari_n2n.experiments.protocol import Figures

FEWEST_STEPS = 20
"""Of each training that is compared, however small the budget."""

_PACE = "pace"
_CROP = 64
_TARGETS: tuple[Literal["noisy", "clean"], ...] = ("noisy", "clean")


def comparison_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return all comparisons, in their order."""
    return [pace_stage(context), *claim_stages(context), *bias_stages(context)]


def pace_stage(context: TrialContext) -> ExperimentStage:
    """Return the measuring of how many steps each of the comparisons can have in its time."""

    def make() -> Steps[Figures]:
        seconds = seconds_each(context)
        trial = claim_config(context, FEWEST_STEPS)
        for _ in range(2):  # the first time, some things are made that are there the second
            watch = Stopwatch()
            yield from train_photographs_steps(
                context.train, trial, PhotographNoise(), device=context.device, stop=context.stop
            )
            taken = watch.elapsed_seconds
        return {"steps": max(FEWEST_STEPS, round(seconds / taken * FEWEST_STEPS))}

    return ExperimentStage(_PACE, "measuring how long a step takes", make)


def seconds_each(context: TrialContext) -> float:
    """Return the time (s) that each of the trainings that are compared may take."""
    trainings = 2 * len(context.claim_counts) + 2
    left = 1.0 if context.settings.given_model else 1.0 - MODEL_SHARE
    return context.budget.share(left) / trainings


def claim_config(context: TrialContext, steps: int) -> TrainingConfig:
    """Return the training of which one thing at a time is changed, with so many steps."""
    settings = context.settings
    return recipe(
        "better",
        network=settings.claim_network,
        steps=steps,
        crop=settings.crop or _CROP,
        seed=settings.seed,
    )


def claim_name(count: int, targets: str) -> str:
    """Return the name of the stage that trains on ``count`` photographs."""
    return f"claim-{count}-{targets}"


def claim_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return trainings that differ in their targets and in how many photographs there are."""
    stages = []
    for count in context.claim_counts:
        for targets in _TARGETS:
            name = claim_name(count, targets)
            noise = PhotographNoise(targets=targets)
            make = partial(_claim, context, name, count, noise)
            counted = f"{count} photograph" + ("" if count == 1 else "s")
            title = f"{counted}, {targets} targets"
            files = (context.records.model_path(name),)
            stages.append(ExperimentStage(name, title, make, files, seconds=seconds_each(context)))
    return stages


def _claim(context: TrialContext, name: str, count: int, noise: PhotographNoise) -> Steps[Figures]:
    config = claim_config(context, (context.records.done(_PACE) or {})["steps"])
    photographs = context.train.chosen(count, context.settings.seed)
    output = context.records.model_path(name)
    denoiser = yield from trained_steps(context, photographs, config, noise, output)
    psnr_db = yield from psnr_at_steps(context, denoiser)
    return {**told_of(denoiser), "psnr_db": psnr_db}


BIASED = {
    "zero mean": {},
    "nonzero mean": {"mean": True},
    "clipped": {"clipped": True},
}
"""Noise of training and test, by what is written in tables; all targets are noisy."""


def bias_name(kind: str) -> str:
    """Return the name of the stage that trains on noise of a ``kind`` of `BIASED`."""
    return f"bias-{kind.replace(' ', '-')}"


def bias_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return trainings on noise whose mean is zero, is not, or depends on the brightness."""
    plain = (claim_name(max(context.claim_counts), "noisy"),)
    return [
        ExperimentStage(
            bias_name(kind),
            f"noise: {kind}",
            partial(_bias, context, kind),
            needs=plain,
            seconds=0.0 if kind == "zero mean" else seconds_each(context),
        )
        for kind in BIASED
    ]


def _bias(context: TrialContext, kind: str) -> Steps[Figures]:
    settings, records = context.settings, context.records
    mean = settings.mean if BIASED[kind].get("mean") else 0.0
    clipped = bool(BIASED[kind].get("clipped"))
    count = max(context.claim_counts)
    plain = records.model_path(claim_name(count, "noisy"))
    if kind == "zero mean":
        denoiser = load_denoiser(plain)  # the same training: it is not done twice
    else:
        config = claim_config(context, (records.done(_PACE) or {})["steps"])
        noise = PhotographNoise(mean=mean, clipped=clipped)
        photographs = context.train.chosen(count, settings.seed)
        output = records.model_path(bias_name(kind))
        denoiser = yield from trained_steps(context, photographs, config, noise, output)
    found: Figures = {"mean": mean}
    for deviation in COMPARED_DEVIATIONS:
        test = TestNoise(deviation, mean=mean, clipped=clipped, seed=settings.seed)
        method = context.method(denoiser)
        found[str(deviation)] = yield from judge_steps(context.claim_test, test, method)
        if clipped:
            method = context.method(load_denoiser(plain))
            found[f"{deviation} by zero mean"] = yield from judge_steps(
                context.claim_test, test, method
            )
    return found
