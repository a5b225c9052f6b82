"""From halves of tomograms to a denoiser of volumes."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig, require_dimensions
from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.reports import Preview
from napari_n2n.denoising.shipped_models.general import start_for
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import is_milestone, learn_steps
from napari_n2n.denoising.training.results import Results, TrainedOn, require_writable
from napari_n2n.denoising.training.single_volumes import SingleVolumes, prepare_singles_steps
from napari_n2n.denoising.training.volume_evaluation import evaluate_volumes
from napari_n2n.denoising.training.volume_pairs import (
    VolumeCrops,
    VolumeData,
    VolumeHalves,
    prepare_volumes_steps,
)
from napari_n2n.devices import choose_device, torch_errors_explained
from napari_n2n.progress import Interrupted, Steps, Stop, never, passed_on, run_to_end

VolumePreviewSource = Callable[[], tuple[NDArray[np.float32], float | None] | None]
"""Gives sections (z, y, x) about the one that is looked at, which is in their middle, and the voxel
size (Å); None if nobody looks."""

# Working voxels about the middle that are denoised for a preview, along z and along y and x.
_PREVIEW_DEPTH, _PREVIEW_SIDE = 40, 200
# A validation takes as long as a few steps: the first ones, which say little, are left out.
_FIRST_VALIDATION = 16
_VALIDATE_EVERY = 100


def train_volumes(
    volumes: Collection[VolumeHalves] | SingleVolumes,
    config: TrainingConfig,
    *,
    output: Path | None = None,
    resume: bool = False,
    device: str | torch.device = "auto",
) -> Denoiser:
    """Train a denoiser on ``volumes``; see `train_volumes_steps`, which tells too."""
    steps = train_volumes_steps(volumes, config, output=output, resume=resume, device=device)
    return run_to_end(steps)


def train_volumes_steps(
    volumes: Collection[VolumeHalves] | SingleVolumes,
    config: TrainingConfig,
    *,
    output: Path | None = None,
    resume: bool = False,
    device: str | torch.device = "auto",
    stop: Stop = never,
    preview: VolumePreviewSource = lambda: None,
) -> Steps[Denoiser]:
    """Train a denoiser on halves of tomograms; yields progress, returns the best denoiser.

    Parameters
    ----------
    volumes
        Gone through once, one at a time. What is made of them lies on the disk. Of single
        volumes halves are made (`napari_n2n.denoising.training.single_volumes`).
    config
        What to train and for how long; its network has ``ndim`` 3.
    output, resume, device, stop
        As in `napari_n2n.denoising.training.micrographs.train_steps`.
    preview
        Asked now and then for sections of which to show the middle one.

    Raises
    ------
    NotEnoughData, DeviceProblem, WriteProblem
        The volumes, the device or the disk do not allow it.
    N2NError
        None of the volumes can be used: why the first one cannot.
    WrongDimensions
        The network is for images.
    CheckpointProblem
        There is nothing to resume from, or it belongs to other settings or other volumes.
    TrainingDiverged
        The loss is no number any more; the best denoiser so far has been saved.
    Interrupted
        ``stop`` became true before anything was learnt; nothing is saved.
    """
    require_dimensions(config.network, 3)
    require_writable(output)
    chosen = choose_device(device)
    with torch_errors_explained("Training"):
        data = yield from _data_steps(volumes, config, stop)
        learner = Learner(config, chosen)
        working = data.working_voxel_size_angstrom
        start, note = start_for(config, working)
        if start is not None:
            learner.start_from(start.network)
        began_with = None if start is None else start.provenance.name
        kept = Results(
            learner,
            TrainedOn(data.names, working, len(data.training), started_from=began_with),
            output,
            judge=partial(evaluate_volumes, parts=data.validation) if data.validation else None,
            show=partial(_middle_section, preview, working, chosen, stop),
            milestone=_is_milestone,
        )
        if resume and output is not None:
            kept.resume(output)

        steps = learn_steps(
            learner,
            VolumeCrops(data, config, chosen).draw,
            kept.pace,
            stop=stop,
            save=kept.save,
            mean_over=None,
            validate=kept.validate,
            milestone=_is_milestone,
            look=kept.look,
            output=output,
        )
        yield from passed_on(steps, partial(kept.told, (*data.notes, *filter(None, [note]))))
        return kept.best()


def _data_steps(
    volumes: Collection[VolumeHalves] | SingleVolumes, config: TrainingConfig, stop: Stop
) -> Steps[VolumeData]:
    if isinstance(volumes, SingleVolumes):
        return (yield from prepare_singles_steps(volumes, config, stop))
    return (yield from prepare_volumes_steps(volumes, config, stop))


def _is_milestone(step: int) -> bool:
    if step < _VALIDATE_EVERY:
        return step >= _FIRST_VALIDATION and is_milestone(step)
    return step % _VALIDATE_EVERY == 0


def _middle_section(
    source: VolumePreviewSource,
    working: float | None,
    device: torch.device,
    stop: Stop,
    newest: Callable[[], Denoiser],
) -> Preview | None:
    """Denoise the middle of the section that is looked at; ``working`` is the voxel size in Å.

    None: nobody looks, or somebody wants to stop, who does not wait for it.
    """
    wanted = source()
    if wanted is None:
        return None
    sections, voxel_size = wanted
    coarser = max(1.0, working / voxel_size) if working and voxel_size else 1.0
    sides = [round(side * coarser) for side in (_PREVIEW_DEPTH, _PREVIEW_SIDE, _PREVIEW_SIDE)]
    starts = [
        max(0, (length - side) // 2) for length, side in zip(sections.shape, sides, strict=True)
    ]
    box = tuple(slice(a, a + n) for a, n in zip(starts, sides, strict=True))
    slabs: list[NDArray[np.float32]] = []
    steps = denoise_volumes_steps(
        [sections[box]],
        newest(),
        slabs.append,
        voxel_size_angstrom=voxel_size,
        device=device,
        stop=stop,
    )
    try:
        run_to_end(steps)
    except Interrupted:
        return None
    denoised = np.concatenate(slabs)
    return Preview(denoised[len(sections) // 2 - starts[0]], (starts[1], starts[2]))
