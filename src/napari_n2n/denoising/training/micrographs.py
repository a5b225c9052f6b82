"""From pairs of noisy micrographs, or from micrographs alone, to a denoiser."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig, require_dimensions
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import Preview
from napari_n2n.denoising.shipped_models.general import start_for
from napari_n2n.denoising.training.blind_spot import known_error
from napari_n2n.denoising.training.evaluation import evaluate
from napari_n2n.denoising.training.learner import Learner, squared_error
from napari_n2n.denoising.training.loop import learn_steps
from napari_n2n.denoising.training.pairs import Crops, Pair, prepare_steps
from napari_n2n.denoising.training.results import (
    Results,
    TrainedOn,
    last_path,
    require_writable,
    resume_path,
)
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.devices import choose_device, torch_errors_explained
from napari_n2n.progress import Steps, Stop, never, passed_on, run_to_end

_PREVIEW_SIDE = 512

__all__ = ["PreviewSource", "last_path", "resume_path", "train", "train_steps"]

# An image (y, x) and its pixel size in Å.
PreviewSource = Callable[[], tuple[NDArray[np.float32], float | None] | None]


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
    WrongDimensions
        The network is for volumes.
    CheckpointProblem
        There is nothing to resume from, or it belongs to other settings or other images.
    TrainingDiverged
        The loss is no number any more; the best denoiser so far has been saved.
    Interrupted
        ``stop`` became true before anything was learnt; nothing is saved.
    """
    require_dimensions(config.network, 2)
    require_writable(output)
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
        kept = Results(
            learner,
            TrainedOn(
                data.names,
                data.working_pixel_size_angstrom,
                len(data.training),
                data.pairing,
                None if start is None else start.provenance.name,
            ),
            output,
            judge=partial(evaluate, pairs=data.validation) if data.validation else None,
            show=partial(_middle, preview, data.working_pixel_size_angstrom, chosen),
        )
        if resume and output is not None:
            kept.resume(output)

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
        yield from passed_on(steps, partial(kept.told, data.notes))
        return kept.best()


def _with_channels(config: TrainingConfig, channels: int) -> TrainingConfig:
    network = config.network
    if (network.in_channels, network.out_channels) == (channels, channels):
        return config
    return config.replaced(network=network.replaced(in_channels=channels, out_channels=channels))


def _middle(
    source: PreviewSource,
    working: float | None,
    device: torch.device,
    newest: Callable[[], Denoiser],
) -> Preview | None:
    """Denoise the middle of what the listener looks at; ``working`` is the pixel size in Å."""
    wanted = source()
    if wanted is None:
        return None
    image, pixel_size = wanted
    coarser = max(1.0, working / pixel_size) if working and pixel_size else 1.0
    side = round(_PREVIEW_SIDE * coarser)
    y, x = (max(0, (length - side) // 2) for length in image.shape[:2])
    part = image[y : y + side, x : x + side]
    pixels = denoise(part, newest(), pixel_size_angstrom=pixel_size, device=device)
    return Preview(pixels, (y, x))
