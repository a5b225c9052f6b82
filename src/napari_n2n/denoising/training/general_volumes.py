"""How the model of tomograms in the box is made: simulated ones of every kind, every dose.

As `napari_n2n.denoising.training.general` does it for micrographs. A tomogram is kept as what it
shows and its noise apart, both reconstructed alike. Noise hardly depends on the specimen, so each
crop is another one: the signal of one place, the noise of another, mirrored otherwise, of another
dose. The target is the signal alone, which is what a noisy half would teach in the end, sooner.
"""

from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.config import COARSEST_VOXEL, LIGHT_NETWORK_3D, TrainingConfig
from napari_n2n.denoising.resampling import rescale, rescale_last
from napari_n2n.denoising.shipped_models.general import GENERAL_3D
from napari_n2n.denoising.training.general import relative_error
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import Pace, learn_steps
from napari_n2n.denoising.training.specimen import GOLD
from napari_n2n.denoising.working_volumes import intensities_of
from napari_n2n.devices import choose_device, describe_device, torch_errors_explained
from napari_n2n.io.outputs import require_free, require_model_name
from napari_n2n.progress import Steps, Stop, Stopwatch, never
from napari_n2n.settings import ConfigProblem
from napari_n2n.simulation.tomograms.variety import seeded_tomogram

DOSES = (6.0, 300.0)
"""Least and most dose of a training volume in e/Å², all tilts together; halves have half of it."""

VOXEL_SIZES_ANGSTROM = (10.0, 20.0)
"""Of training volumes; half of them have `COARSEST_VOXEL`, at which most tomograms are seen."""

_CROP = 40
_REPORT_EVERY = 4
# Crops without signal, so that nothing is made of noise; tomograms have empty ice besides.
_ONLY_NOISE = 0.05
# Programs differ in whether protein is dark, as recorded, or bright.
_BRIGHT = 0.25
# Many a tomogram is looked at through a low-pass, and saved so.
_LOW_PASSED, _LOW_PASS_VOXELS = 0.2, (0.4, 1.2)
_SAMPLED = 37  # one voxel of so many tells the scale
# Of two places the one with more signal is taken so often: most of a tomogram is empty.
_FULLER = 0.75
# Signal over noise that counts as next to none: crops that hold little must not outweigh all
# others. With 2e-4, as of images, hardly anything was learnt.
_error = partial(relative_error, least=1e-2)


@dataclass(frozen=True)
class GeneralVolumeSettings:
    """How much is made of it.

    Attributes
    ----------
    tomograms
        How many are simulated.
    batch
        Crops of 40 voxels cubed a step.
    seconds
        How long to train.
    shape
        (z, y, x) of each, about, in voxels of its working size; 40 at least.
    learning_rate
        At most; it rises over the first 100 steps and falls to 1 % as half a cosine. Half of it
        where a model is made better that has learnt already.
    seed
        The same one draws the same tomograms, doses and noise.
    """

    tomograms: int = 240
    batch: int = 2
    seconds: float = 3600.0
    shape: tuple[int, int, int] = (56, 160, 160)
    learning_rate: float = 2e-3
    seed: int = 0


def train_general_volumes_steps(
    settings: GeneralVolumeSettings,
    *,
    output: Path | None = None,
    start: Denoiser | None = None,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Denoiser]:
    """Simulate tomograms, train on them, and return the denoiser; it is saved in ``output`` too.

    ``start`` is a general model of tomograms to make better. Once ``stop()`` is true, what has been
    learnt so far is the result.

    Raises
    ------
    DeviceProblem, WriteProblem
        The device or the disk do not allow it.
    ConfigProblem
        ``start`` has another network.
    TrainingDiverged
        The error is no number any more; what was saved last is good.
    Interrupted
        ``stop()`` was true before anything was learnt.
    """
    if output is not None:
        require_model_name(output)
        require_free([output])
    chosen = choose_device(device)
    if start is not None and start.network.config != LIGHT_NETWORK_3D:
        raise ConfigProblem(
            "The model to go on from has another network than the general one of tomograms. "
            "Give one that train-general --tomograms made."
        )
    bank = yield from _simulated(settings, stop)
    config = TrainingConfig(
        network=LIGHT_NETWORK_3D,
        working_pixel_size_angstrom=COARSEST_VOXEL,
        normalisation="standard",
        crop=_CROP,
        batch=settings.batch,
        max_seconds=settings.seconds,
        learning_rate=settings.learning_rate / (1 if start is None else 2),
        warmup_steps=100,
        from_scratch=True,
        seed=settings.seed,
    )
    with torch_errors_explained("Training"):
        learner = Learner(config, chosen)
        if start is not None:
            learner.start_from(start.network)
        pace = Pace(config)

        def denoiser() -> Denoiser:
            return _denoiser(learner, settings, start, pace.elapsed_seconds)

        def save(newest_is_good: bool) -> None:
            if output is not None and newest_is_good:
                save_denoiser(output, denoiser())

        draw = _Draw(bank, settings, chosen)
        yield from learn_steps(
            learner, draw, pace, stop=stop, save=save, loss_of=_error, output=output
        )
        return denoiser()


def _denoiser(
    learner: Learner, settings: GeneralVolumeSettings, start: Denoiser | None, seconds: float
) -> Denoiser:
    """Return what is learnt; steps and seconds of ``start`` count in."""
    before = Provenance() if start is None else start.provenance
    return Denoiser(
        network=learner.averaged,
        training=learner.config,
        working_pixel_size_angstrom=COARSEST_VOXEL,
        calibrate=True,
        provenance=Provenance(
            name=GENERAL_3D,
            trained_on=(f"{settings.tomograms} simulated tomograms",),
            steps=before.steps + learner.step,
            seconds=round(before.seconds + seconds, 1),
            device=describe_device(learner.device),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Example:
    """A tomogram (z, y, x) in units of the deviation of its noise at 1 e/Å², less its mean."""

    signal: NDArray[np.float16]
    noise: NDArray[np.float16]


def _simulated(settings: GeneralVolumeSettings, stop: Stop) -> Steps[list[_Example]]:
    bank: list[_Example] = []
    watch = Stopwatch()
    tasks = [(settings.seed, i) for i in range(settings.tomograms)]
    with get_context("spawn").Pool() as pool:
        made = pool.imap(partial(_example, shape=settings.shape), tasks)
        for i, example in enumerate(made):
            bank.append(example)
            if i % _REPORT_EVERY == 0:
                yield watch.progress("simulating tomograms", i, settings.tomograms)
            if stop():
                break
    return bank


def _example(seed: tuple[int, int], shape: tuple[int, int, int]) -> _Example:
    """Return the tomogram that belongs to ``seed``, at the voxel size it is to be seen at."""
    rng = np.random.default_rng((*seed, 1))
    low, high = np.log(VOXEL_SIZES_ANGSTROM)
    working = COARSEST_VOXEL if rng.random() < 0.5 else float(np.exp(rng.uniform(low, high)))
    made = seeded_tomogram(seed, working, shape)
    coarser = made.voxel_size_angstrom / working
    signal, noise = (_coarser(each, coarser) for each in (made.signal, made.noise))
    unit = float(noise.std())
    return _Example(
        ((signal - signal.mean()) / unit).astype(np.float16),
        ((noise - noise.mean()) / unit).astype(np.float16),
    )


def _coarser(volume: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    z, y, x = (round(side * factor) for side in volume.shape)
    flat = rescale(torch.from_numpy(volume), (y, x))  # (z, y, x)
    resampled: NDArray[np.float32] = (
        rescale_last(flat.permute(1, 2, 0).contiguous(), z).permute(2, 0, 1).numpy()
    )
    return resampled


class _Draw:
    """Noisy crops of simulated tomograms; the same step always draws the same ones."""

    def __init__(
        self, bank: list[_Example], settings: GeneralVolumeSettings, device: torch.device
    ) -> None:
        self._bank = bank
        self._settings = settings
        self._device = device

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and clean targets of a step, (batch, 1, z, y, x)."""
        rng = np.random.default_rng((self._settings.seed, 3, step))
        examples = [self._example(rng) for _ in range(self._settings.batch)]
        inputs, targets = (
            torch.from_numpy(np.stack(each))[:, None].to(self._device)
            for each in zip(*examples, strict=True)
        )
        return inputs, targets

    def _example(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        example = self._bank[int(rng.integers(len(self._bank)))]
        low, high = np.log(DOSES)
        deviation = float(np.exp(-rng.uniform(low, high) / 2))  # of the noise, of that of 1 e/Å²
        shows = (rng.random() >= _ONLY_NOISE) * (-1 if rng.random() < _BRIGHT else 1)
        scale = intensities_of(
            shows * example.signal.ravel()[::_SAMPLED].astype(np.float32)
            + deviation * example.noise.ravel()[::_SAMPLED].astype(np.float32)
        )
        width = scale.scale * float(np.exp(rng.normal(0, 0.03)))
        places = [_crop(example.signal, rng) for _ in range(2)]
        if rng.random() < _FULLER:
            places.sort(key=lambda crop: float(crop.var()))
        signal = shows * places[-1] - np.float32(float(scale.offset))
        noisy = signal + deviation * _crop(example.noise, rng)
        if rng.random() < _LOW_PASSED:
            sharp = float(noisy.std())
            sigma = rng.uniform(*_LOW_PASS_VOXELS)
            noisy, signal = (ndimage.gaussian_filter(each, sigma) for each in (noisy, signal))
            width *= float(noisy.std()) / sharp
        return _seen(noisy, width), _seen(signal, width)


def _seen(crop: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Return ``crop`` in widths of its volume; gold is limited, as in training on tomograms."""
    seen: NDArray[np.float32] = np.clip(crop / np.float32(width), -2 * GOLD, 2 * GOLD)
    return seen


def _crop(volume: NDArray[np.float16], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a crop of ``volume`` from anywhere, mirrored at random along z, y and x."""
    origin = [int(rng.integers(side - _CROP + 1)) for side in volume.shape]
    crop = volume[tuple(slice(start, start + _CROP) for start in origin)].astype(np.float32)
    axes = tuple(axis for axis, mirrored in enumerate(rng.integers(2, size=3)) if mirrored)
    return np.flip(crop, axes)
