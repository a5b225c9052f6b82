"""Training pairs, held in memory as the network sees them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.normalisation import (
    Intensities,
    faults_of,
    rescale,
    to_channels,
    working_shape,
)
from napari_n2n.denoising.training.examples import Example, WorkingPair
from napari_n2n.denoising.training.independence import Independence
from napari_n2n.denoising.training.singles import (
    LIMITS,
    METHODS,
    SMALLEST_SIDE,
    SingleImage,
    working_single,
)
from napari_n2n.devices import free_bytes
from napari_n2n.errors import N2NError, NotEnoughData
from napari_n2n.io.faults import mend
from napari_n2n.progress import Interrupted, Steps, Stop, Stopwatch, never


@runtime_checkable
class LeavesOut(Protocol):
    """Images some of which cannot be used, and why not."""

    problems: tuple[N2NError, ...]


# From this many pairs on, whole pairs are held out; below it, a strip of each.
_WHOLE_PAIRS_FROM = 20


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images, (y, x) or RGB (y, x, 3), of one specimen with independent noise.

    ``swappable`` says that both are equally noisy, so that either may be input or target.
    ``pixel_size_angstrom`` is None where it is unknown.

    Raises
    ------
    NotEnoughData
        The two differ in shape, or hold no image.
    """

    input: NDArray[np.float32]
    target: NDArray[np.float32]
    pixel_size_angstrom: float | None = None
    swappable: bool = True
    name: str = "pair"

    def __post_init__(self) -> None:
        if self.input.shape != self.target.shape:
            raise NotEnoughData(
                f"{self.name}: the two images differ in shape, {self.input.shape} and "
                f"{self.target.shape}. Pair halves of one movie."
            )
        if min(self.input.shape[:2], default=0) < SMALLEST_SIDE:
            raise NotEnoughData(
                f"{self.name}: {self.input.shape} pixels are too few to train on. "
                f"Use images of at least {SMALLEST_SIDE} × {SMALLEST_SIDE}."
            )


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training draws from and is judged on.

    ``pairing`` says where inputs and targets come from: ``"halves"``, ``"subsets"``,
    ``"blind_spot"``, or the last two, joined by ``" and "``.
    """

    training: list[Example]
    validation: list[WorkingPair]
    working_pixel_size_angstrom: float | None
    channels: int
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    crop: int = field(default=0)
    pairing: str = "halves"


def prepare_steps(
    pairs: Collection[Pair | SingleImage],
    config: TrainingConfig,
    device: torch.device,
    stop: Stop = never,
) -> Steps[TrainingData]:
    """Bring ``pairs`` to the working pixel size, normalise them and hold some back.

    Of single micrographs, and of pairs if the config wants no halves, inputs and targets are made
    as `napari_n2n.denoising.training.singles` tells.

    Raises
    ------
    NotEnoughData
        There is no pair, the images are too small at the working pixel size, the config asks for
        what they cannot give, or the two images of a pair hold the same noise.
    Interrupted
        ``stop`` became true.
    """
    if not pairs:
        raise NotEnoughData("There is nothing to train on. Give micrographs, or halves of movies.")
    watch = Stopwatch()
    prepared: list[Example] = []
    names: list[str] = []
    notes: set[str] = set()
    ways: set[str] = set()
    independence = Independence()
    working: float | None = None
    home = device
    for i, pair in enumerate(pairs):
        yield watch.progress("preparing pairs", i, len(pairs))
        if stop():
            raise Interrupted
        if isinstance(pair, Pair) and config.pairing not in METHODS:
            independence.look_at(pair.input, pair.target, pair.name)
        pixel_size = pair.pixel_size_angstrom
        if pixel_size is None and config.working_pixel_size_angstrom is not None:
            notes.add("The pixel size is unknown: images are used at full resolution.")
        elif pixel_size is not None and working is None:
            working = config.working_pixel_size(pixel_size)
        example, way = _example_of(pair, config, working, config.seed + i)
        ways.add(way)
        prepared.append(example.moved(home))
        if i == 0 and not _fit(prepared[0], len(pairs), device):
            home = torch.device("cpu")
            notes.add("The pairs do not fit on the GPU: crops are sent to it one by one.")
        names.append(pair.name)
    yield watch.progress("preparing pairs", len(pairs), len(pairs))
    if isinstance(pairs, LeavesOut):
        notes.update(f"Left out: {problem}" for problem in pairs.problems)
    channels = {example.channels for example in prepared}
    if len(channels) > 1:
        raise NotEnoughData("Colour and grey images cannot be trained on together. Choose one.")
    training, validation = _hold_out(prepared, config)
    smallest = min(min(example.shape) for example in training)
    if smallest < SMALLEST_SIDE:
        raise NotEnoughData(
            f"At the working pixel size only {smallest} pixels are left to a side. "
            "Choose a smaller working pixel size."
        )
    if smallest < config.crop:
        notes.add(f"Crops are {smallest} px: the images are not larger at the working pixel size.")
    limits = [LIMITS[way] for way in METHODS if way in ways]
    return TrainingData(
        training=training,
        validation=validation,
        working_pixel_size_angstrom=working,
        channels=channels.pop(),
        names=tuple(names),
        notes=(*sorted(notes), *independence.notes, *limits),
        crop=min(config.crop, smallest),
        pairing=" and ".join(sorted(ways)),
    )


def _fit(example: Example, count: int, device: torch.device) -> bool:
    """Whether ``count`` such examples leave half of the device's free memory for training."""
    if device.type != "cuda":
        return True
    return count * example.nbytes < free_bytes(device) / 2


def _example_of(
    pair: Pair | SingleImage, config: TrainingConfig, working: float | None, seed: int
) -> tuple[Example, str]:
    """Bring ``pair`` to the ``working`` pixel size (Å); returns how inputs are paired, too."""
    if isinstance(pair, Pair) and config.pairing in METHODS:
        # Where the doses differ, the target is not one that there would be without a movie.
        pair = SingleImage(
            pair.input + pair.target if pair.swappable else pair.input,
            pair.pixel_size_angstrom,
            pair.name,
        )
    height, width = (pair.pixels if isinstance(pair, SingleImage) else pair.input).shape[:2]
    at_work = (height, width)
    if pair.pixel_size_angstrom is not None and working is not None:
        at_work = working_shape(at_work, pair.pixel_size_angstrom, working)
    kind = config.normalisation
    if isinstance(pair, SingleImage):
        image = to_channels(mend(pair.pixels, faults_of(pair.pixels, kind)))
        return working_single(image, pair.pixel_size_angstrom, at_work, config, seed)
    images = []
    first, second = (faults_of(pixels, kind) for pixels in (pair.input, pair.target))
    # A fault of either is one of both: filled in alike, it would be learnt as specimen.
    for pixels, faults in (
        (pair.input, first.joined(second)),
        (pair.target, second.joined(first)),
    ):
        image = rescale(to_channels(mend(pixels, faults)), at_work)
        images.append(Intensities.of(image, kind).normalise(image).contiguous())
    return WorkingPair(images[0], images[1], pair.swappable), "halves"


def _hold_out(
    examples: list[Example], config: TrainingConfig
) -> tuple[list[Example], list[WorkingPair]]:
    """Split into what is trained on and what is not: whole fields if many, else bottom strips."""
    if config.validation_fraction == 0:
        return examples, []
    training: list[Example] = []
    held_out: list[Example] = []
    if len(examples) >= _WHOLE_PAIRS_FROM:
        count = max(1, round(len(examples) * config.validation_fraction))
        rng = np.random.default_rng(config.seed)
        chosen = set(rng.permutation(len(examples))[:count].tolist())
        for i, example in enumerate(examples):
            (held_out if i in chosen else training).append(example)
    else:
        for example in examples:
            height = example.shape[0]
            strip = max(16, round(height * config.validation_fraction))
            if height - strip < SMALLEST_SIDE:
                training.append(example)
                continue
            training.append(example.rows(slice(None, -strip)))
            held_out.append(example.rows(slice(-strip, None)))
    rng = np.random.default_rng((config.seed, 3))
    return training, [pair for example in held_out for pair in example.fixed(rng)]


class Crops:
    """Random crops of the training pairs; the same ``step`` always draws the same ones.

    Nothing is remembered between steps, so a resumed training goes on exactly where it stopped.
    """

    def __init__(self, data: TrainingData, config: TrainingConfig, device: torch.device) -> None:
        self._pairs = data.training
        self._side = data.crop
        self._batch = config.batch
        self._augment = config.augment
        self._seed = config.seed
        self._device = device

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of one step, each (batch, channel, crop, crop)."""
        rng = np.random.default_rng((self._seed, 1, step))
        inputs, targets = [], []
        for k in range(step * self._batch, (step + 1) * self._batch):
            pair = self._pairs[self._pair_of(k)]
            height, width = pair.shape
            y = int(rng.integers(height - self._side + 1))
            x = int(rng.integers(width - self._side + 1))
            turns, flip, swap = (int(n) for n in rng.integers((4, 2, 2)))
            window = (slice(y, y + self._side), slice(x, x + self._side))
            source, target = pair.drawn(window, bool(swap), rng)
            if self._augment:
                source, target = _turned(source, turns, flip), _turned(target, turns, flip)
            inputs.append(source)
            targets.append(target)
        return torch.stack(inputs).to(self._device), torch.stack(targets).to(self._device)

    def _pair_of(self, draw: int) -> int:
        """Index of the pair of the ``draw``-th crop: every epoch takes each pair once."""
        epoch, position = divmod(draw, len(self._pairs))
        order = np.random.default_rng((self._seed, 2, epoch)).permutation(len(self._pairs))
        return int(order[position])


def _turned(crop: Tensor, quarter_turns: int, flip: int) -> Tensor:
    turned = torch.rot90(crop, quarter_turns, (1, 2))
    return turned.flip(2) if flip else turned
