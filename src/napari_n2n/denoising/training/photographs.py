"""How denoisers of colour photographs are made, from a folder of photographs and noise."""

import copy
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.reports import PhotographTrainingProgress, TrainingProgress
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import (
    STEPS_TOLD,
    Pace,
    learn_steps,
    mean_loss,
)
from napari_n2n.denoising.training.micrographs import resume_path
from napari_n2n.denoising.training.photograph_examples import (
    PhotographExamples,
    PhotographNoise,
    Photographs,
)
from napari_n2n.devices import choose_device, describe_device, torch_errors_explained
from napari_n2n.errors import NotEnoughData
from napari_n2n.io.outputs import require_free, require_model_name
from napari_n2n.io.photographs import WHITE, PhotographSource, photographs_in
from napari_n2n.progress import Interrupted, Steps, Stop, Stopwatch, never, passed_on

FIRST_SNAPSHOT = 500
"""Snapshots are kept after so many steps, twice as many, four times, and so on."""

SMALLEST_SIDE = 16
"""Photographs that have fewer pixels to a side are left out."""


def read_photographs_steps(source: Path | Sequence[Path], stop: Stop = never) -> Steps[Photographs]:
    """Read the colour photographs of a folder, or a list of files, into memory, as 8 bits.

    Those that are grey, or have less than 16 px to a side, are left out.

    Raises
    ------
    UnreadableFile
        One of them is damaged, or the folder may not be read.
    NotEnoughData
        There is none.
    Interrupted
        ``stop`` became true.
    """
    if isinstance(source, Path):
        if not source.is_dir():
            raise NotEnoughData(f"{source} is no folder. Give a folder with PNG or JPEG files.")
        paths = photographs_in(source)
    else:
        paths = list(source)
    found = []
    watch = Stopwatch()
    for number, path in enumerate(paths):
        yield watch.progress("reading photographs", number, len(paths))
        if stop():
            raise Interrupted
        photograph = PhotographSource.of_file(path)
        if photograph.is_rgb and min(photograph.shape[1:]) >= SMALLEST_SIDE:
            found.append((path.name, photograph.read(0)))
    return Photographs([image for _, image in found], tuple(name for name, _ in found))


def snapshot_path(output: Path, step: int) -> Path:
    """Where the denoiser as it was after ``step`` steps lies, beside ``output``."""
    return output.with_name(f"{output.stem}-{step}.safetensors")


def train_photographs_steps(
    photographs: Photographs,
    config: TrainingConfig,
    noise: PhotographNoise,
    *,
    output: Path | None = None,
    resume: bool = False,
    snapshots: bool = False,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Denoiser]:
    """Train a denoiser on ``photographs`` with ``noise``; yields progress, returns it.

    Parameters
    ----------
    photographs
        Clean ones. The network is shown them with noise alone, unless ``noise`` says otherwise.
    config
        `napari_n2n.denoising.shipped_models.photographs.recipe` makes one.
    noise
        Of inputs and targets.
    output
        Where the denoiser is kept as training goes on; what resuming needs lies beside it
        (``-resume``). None keeps nothing.
    resume
        Go on from the state beside ``output``, if there is one.
    snapshots
        Keep the denoiser after 500, 1000, 2000 … steps too (`snapshot_path`), to see what a
        longer training brings.
    stop
        Once true, the training saves and returns within a second.

    Raises
    ------
    DeviceProblem, WriteProblem
        The device or the disk do not allow it.
    CheckpointProblem
        What is to be resumed was trained on other photographs or with other settings.
    TrainingDiverged
        The loss is no number any more; what was saved last is good.
    Interrupted
        ``stop`` became true before anything was learnt.
    """
    if output is not None:
        require_model_name(output)
        require_free((output, resume_path(output)))
    chosen = choose_device(device)
    with torch_errors_explained("Training"):
        learner = Learner(config, chosen)
        names = (str(noise), *photographs.names)
        elapsed = 0.0
        if resume and output is not None and resume_path(output).is_file():
            elapsed = learner.load(resume_path(output), names)
        count = len(photographs.images)
        counted = "one photograph" if count == 1 else f"{count} photographs"
        pace = Pace(config, count, elapsed)

        def denoiser() -> Denoiser:
            return Denoiser(
                network=copy.deepcopy(learner.averaged).cpu().eval(),
                training=config,
                working_pixel_size_angstrom=None,
                provenance=Provenance(
                    name="photographs",
                    trained_on=(f"{counted} with {noise}",),
                    steps=learner.step,
                    seconds=round(pace.elapsed_seconds, 1),
                    device=describe_device(chosen),
                ),
            )

        def save(newest_is_good: bool) -> None:
            if output is not None and newest_is_good:
                save_denoiser(output, denoiser())
                learner.save(resume_path(output), names, pace.elapsed_seconds)

        def told(step: TrainingProgress) -> tuple[PhotographTrainingProgress]:
            excess = step.loss * WHITE**2 - mean_loss(noise_power)
            return (PhotographTrainingProgress.of(step, count, excess),)

        examples = PhotographExamples(photographs, config, noise, chosen)
        # Of the same steps as the loss: a few hundred strengths of noise drawn by chance have a
        # mean of their own.
        noise_power: deque[Tensor] = deque(maxlen=STEPS_TOLD)

        def draw(step: int) -> tuple[Tensor, Tensor]:
            if snapshots and output is not None and _is_snapshot(step):
                save_denoiser(snapshot_path(output, step), denoiser())
            drawn = examples(step)
            noise_power.append(examples.target_noise_power)
            return drawn

        steps = learn_steps(learner, draw, pace, stop=stop, save=save, output=output)
        yield from passed_on(steps, told)
        return denoiser()


def _is_snapshot(step: int) -> bool:
    """Whether ``step`` is `FIRST_SNAPSHOT` times a power of two."""
    times, rest = divmod(step, FIRST_SNAPSHOT)
    return times > 0 and rest == 0 and times & (times - 1) == 0
