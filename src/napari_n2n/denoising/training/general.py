"""How the model in the box is made: simulated fields of every kind, every dose.

The network is that of interactive training, `LIGHT_NETWORK`, and like there it sees a noisy
image at the working pixel size. What differs: fields are simulated, so the clean image is known
and is the target itself, which is what a noisy target would teach in the end, sooner. Each time
a field is used it gets another dose, another detector and other noise.
"""

from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, save_denoiser
from napari_n2n.denoising.config import LIGHT_NETWORK, TrainingConfig
from napari_n2n.denoising.normalisation import slow_part
from napari_n2n.denoising.shipped_models.general import GENERAL
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import Pace, learn_steps
from napari_n2n.devices import choose_device, describe_device, torch_errors_explained
from napari_n2n.io.outputs import require_free, require_model_name
from napari_n2n.progress import Steps, Stop, Stopwatch, never
from napari_n2n.settings import ConfigProblem
from napari_n2n.simulation.variety import FIELD_SIDE, seeded_field

WORKING_PIXEL_SIZE_ANGSTROM = 4.0
DOSES = (0.15, 60.0)
"""Least and most dose in e/Å² of a training image, as a perfect detector would count it.

What a real detector makes of 0.5 e/Å², blurred by motion, is worth that little."""

_CROP = 128
_REPORT_EVERY = 20
# A signal of less than this share of the noise's power counts as if it had that much: there is
# nothing to be found, and empty fields must not outweigh all others.
_LEAST_SIGNAL = 2e-4
# Doses are spread evenly by their logarithm for 1; above, faint images come more often.
_FAINTNESS = 1.5


@dataclass(frozen=True)
class GeneralSettings:
    """How much is made of it.

    Attributes
    ----------
    fields
        How many fields of 512² px are simulated.
    batch
        Crops of 128² px a step.
    seconds
        How long to train.
    learning_rate
        At most; it rises over the first 200 steps and falls to 1 % as half a cosine. Half of it
        where a model is made better that has learnt already.
    seed
        The same one draws the same fields, doses and noise.
    """

    fields: int = 2000
    batch: int = 4
    seconds: float = 1200.0
    learning_rate: float = 1.5e-3
    seed: int = 0


def train_general_steps(
    settings: GeneralSettings,
    *,
    output: Path | None = None,
    start: Denoiser | None = None,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Denoiser]:
    """Simulate fields, train on them, and return the denoiser; it is saved in ``output`` too.

    ``start`` is a general model to make better. Once ``stop()`` is true, what has been learnt so
    far is the result.

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
    if start is not None and start.network.config != LIGHT_NETWORK:
        raise ConfigProblem(
            "The model to go on from has another network than the general one. "
            "Give one that train-general made."
        )
    bank = yield from _simulated(settings, stop)
    config = TrainingConfig(
        network=LIGHT_NETWORK,
        working_pixel_size_angstrom=WORKING_PIXEL_SIZE_ANGSTROM,
        crop=_CROP,
        batch=settings.batch,
        max_seconds=settings.seconds,
        learning_rate=settings.learning_rate / (1 if start is None else 2),
        warmup_steps=200,
        ema_decay=0.999,
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
            learner, draw, pace, stop=stop, save=save, loss_of=relative_error, output=output
        )
        return denoiser()


def relative_error(results: Tensor, targets: Tensor, least: float = _LEAST_SIGNAL) -> Tensor:
    """Return error over signal, (n,): each image's mean squared error by its signal's variance.

    Both are (n, 1, [z,] y, x) on a scale on which noise has a variance of about 1; signal of less
    than ``least`` counts as if there were so much. The plain squared error of faint images would be
    nothing beside that of bright ones. (Weighing octaves of spatial frequency alike, so that
    particles do not stand behind sloping ice, was tried: it made no difference that could be told.)
    """
    error = (results - targets).square().flatten(1).mean(dim=1)
    signal = targets.flatten(1).var(dim=1, correction=0)
    relative: Tensor = error / signal.clamp(min=least)
    return relative


def _denoiser(
    learner: Learner, settings: GeneralSettings, start: Denoiser | None, seconds: float
) -> Denoiser:
    """Return what is learnt; steps and seconds of ``start`` count in."""
    before = Provenance() if start is None else start.provenance
    return Denoiser(
        network=learner.averaged,
        training=learner.config,
        working_pixel_size_angstrom=WORKING_PIXEL_SIZE_ANGSTROM,
        calibrate=True,
        provenance=Provenance(
            name=GENERAL,
            trained_on=(f"{settings.fields} simulated fields",),
            steps=before.steps + learner.step,
            seconds=round(before.seconds + seconds, 1),
            device=describe_device(learner.device),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Bank:
    """Simulated fields.

    ``signal`` (field, y, x) is brightness relative to the open field, less what changes slowly;
    ``brightness`` (field,) its mean, ``pixel_size_angstrom`` (field,) in Å.
    """

    signal: NDArray[np.float16]
    brightness: NDArray[np.float32]
    pixel_size_angstrom: NDArray[np.float32]


def _simulated(settings: GeneralSettings, stop: Stop) -> Steps[_Bank]:
    signal = np.zeros((settings.fields, FIELD_SIDE, FIELD_SIDE), np.float16)
    brightness, sizes = np.ones((2, settings.fields), np.float32)
    watch = Stopwatch()
    seeds = [(settings.seed, i) for i in range(settings.fields)]
    with get_context("spawn").Pool() as pool:
        for i, field in enumerate(pool.imap(seeded_field, seeds, chunksize=4)):
            image = torch.from_numpy(field.brightness)[None]
            signal[i] = (image - slow_part(image))[0].numpy()
            brightness[i], sizes[i] = field.brightness.mean(), field.pixel_size_angstrom
            if i % _REPORT_EVERY == 0:
                yield watch.progress("simulating fields", i, settings.fields)
            if stop():
                return _Bank(signal[: i + 1], brightness[: i + 1], sizes[: i + 1])
    return _Bank(signal, brightness, sizes)


class _Draw:
    """Noisy crops of simulated fields; the same step always draws the same ones."""

    def __init__(self, bank: _Bank, settings: GeneralSettings, device: torch.device) -> None:
        self._bank = bank
        self._settings = settings
        self._device = device
        self._variance = np.array([float(f.astype(np.float32).var()) for f in bank.signal])
        self._k = torch.hypot(
            torch.fft.fftfreq(_CROP)[:, None], torch.fft.rfftfreq(_CROP)[None, :]
        ).to(device)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and clean targets of a step, (batch, 1, y, x)."""
        rng = np.random.default_rng((self._settings.seed, 3, step))
        noise = torch.Generator(self._device).manual_seed(int(rng.integers(2**62)))
        examples = [self._example(rng, noise) for _ in range(self._settings.batch)]
        inputs, targets = (torch.stack(images)[:, None] for images in zip(*examples, strict=True))
        return inputs, targets

    def _example(self, rng: np.random.Generator, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        index = int(rng.integers(len(self._bank.signal)))
        y, x = (int(n) for n in rng.integers(FIELD_SIDE - _CROP + 1, size=2))
        crop = self._bank.signal[index, y : y + _CROP, x : x + _CROP].astype(np.float32)
        if rng.integers(2):
            crop = crop[:, ::-1]
        crop = np.ascontiguousarray(np.rot90(crop, int(rng.integers(4))))
        signal = torch.from_numpy(crop).to(self._device)
        low, high = np.log(DOSES)
        dose = float(np.exp(low + (high - low) * rng.random() ** _FAINTNESS))
        electrons = dose * float(self._bank.pixel_size_angstrom[index]) ** 2
        brightness = float(self._bank.brightness[index])
        expected = ((brightness + signal) * electrons).clamp(min=0)
        white = (torch.poisson(expected, noise) - expected) / electrons
        # Normalised by the whole field, as `Intensities` does it for the whole image.
        deviation = (self._variance[index] + brightness / electrons) ** 0.5
        deviation *= float(np.exp(rng.normal(0, 0.03)))
        return (signal + self._coloured(white, rng)) / deviation, signal / deviation

    def _coloured(self, white: Tensor, rng: np.random.Generator) -> Tensor:
        """Colour noise as detectors do: a share of its power falls off towards high frequencies.

        At the working pixel size most detectors are nearly white; an image binned by nobody, or
        recorded by an integrating camera, is not.
        """
        if rng.random() < 0.4:
            return white
        loss, width = rng.uniform(0, 0.8), rng.uniform(0.15, 0.6)
        power = 1 - loss * (1 - torch.exp(-0.5 * (self._k / width) ** 2))
        coloured = torch.fft.irfft2(torch.fft.rfft2(white) * power.sqrt(), s=white.shape)
        same_power: Tensor = coloured * (white.std() / coloured.std())
        return same_power
