"""Photographs to learn from: clean images in memory, crops of them, and noise of known strength.

Intensities are those of 8 bits a channel, 0 to 255, and so are the deviations of noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.normalisation import Intensities, from_channels, to_channels
from napari_n2n.errors import NotEnoughData
from napari_n2n.io.photographs import WHITE
from napari_n2n.settings import Settings

Deviation = Annotated[float, Field(ge=0, le=10 * WHITE)]


class PhotographNoise(Settings):
    """The noise of training examples, as in the paper by default.

    Each input and each target gets Gaussian noise of its own, whose standard deviation is drawn
    evenly from ``least`` to ``most``, for the two independently. It is added to real numbers and
    nothing is cut off, so its mean is zero, which is what training on noisy targets rests on.
    ``clipped`` rounds to the 256 values that a file has instead, and ``mean`` adds a mean: both
    are there to show what they cost. With ``targets`` clean there is none in the target.
    """

    least: Deviation = 0.0
    most: Deviation = 50.0
    clipped: bool = False
    mean: Annotated[float, Field(ge=-WHITE, le=WHITE)] = 0.0
    targets: Literal["noisy", "clean"] = "noisy"

    def __str__(self) -> str:
        parts = [f"noise of deviation {self.least:g} to {self.most:g}"]
        parts += ["clipped to 8 bits"] if self.clipped else []
        parts += [f"mean {self.mean:g}"] if self.mean else []
        return ", ".join((*parts, f"{self.targets} targets"))


@dataclass(frozen=True, eq=False)
class Photographs:
    """Clean images, each (y, x, 3) of 8 bits, and their ``names``.

    Raises
    ------
    NotEnoughData
        There is none.
    """

    images: Sequence[NDArray[np.uint8]]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.images:
            raise NotEnoughData(
                "There is no colour photograph to train on. Give a folder with PNG or JPEG files."
            )

    def leading(self, count: int) -> "Photographs":
        """Return the first ``count`` of them, or as many as there are."""
        return Photographs(self.images[:count], self.names[:count])

    def chosen(self, count: int, seed: int = 0) -> "Photographs":
        """Return ``count`` of them, chosen by chance; more hold all that fewer hold."""
        order = np.random.default_rng(seed).permutation(len(self.images))[:count]
        return Photographs(
            [self.images[i] for i in order], tuple(self.names[int(i)] for i in order)
        )


def add_noise(
    images: Tensor,
    deviations: Tensor,
    generator: torch.Generator,
    *,
    mean: float = 0.0,
    clipped: bool = False,
) -> Tensor:
    """Return ``images``, (n, 3, y, x) from 0 to 255, with noise of ``deviations``, (n,).

    ``clipped`` makes of the result what an 8-bit file can hold: whole numbers from 0 to 255. In
    the shadows that leaves out the noise that darkens, so that its mean is no longer ``mean``.
    """
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    noisy = images + mean + noise * deviations[:, None, None, None]
    return noisy.round().clamp(0, WHITE) if clipped else noisy


def noisy_photograph(
    image: NDArray[np.generic],
    deviation: float,
    seed: int,
    *,
    mean: float = 0.0,
    clipped: bool = False,
) -> NDArray[np.float32]:
    """Return the photograph ``image``, (y, x, 3) or (y, x), with noise; the same for one ``seed``.

    See `add_noise`.
    """
    channels = to_channels(image.astype(np.float32))
    noisy = add_noise(
        channels[None],
        torch.tensor([deviation]),
        torch.Generator().manual_seed(seed),
        mean=mean,
        clipped=clipped,
    )
    return from_channels(noisy[0])


class PhotographExamples:
    """Noisy crops of photographs as the network sees them; a step always draws the same ones.

    Nothing is remembered between steps, so a resumed training goes on exactly where it stopped.
    Where in which photograph, and the noise of the inputs, do not depend on what the targets are,
    so that trainings on noisy and on clean targets can be compared.
    """

    def __init__(
        self,
        photographs: Photographs,
        config: TrainingConfig,
        noise: PhotographNoise,
        device: torch.device,
    ) -> None:
        self._images = [padded(image, config.crop) for image in photographs.images]
        self._config = config
        self._noise = noise
        self._device = device
        self._scale = Intensities.of(torch.empty(0), "photograph")
        self.target_noise_power = torch.zeros(())
        """Mean square of the noise in the targets that were drawn last, in grey levels squared."""

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a step, each (batch, 3, crop, crop)."""
        config, noise = self._config, self._noise
        rng = np.random.default_rng((config.seed, 1, step))
        first = step * config.batch
        crops = np.stack([self._crop(k, rng) for k in range(first, first + config.batch)])
        clean = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float()
        examples = []
        for part in range(2):
            # A stream of its own for input and for target: neither knows of the other.
            stream = np.random.default_rng((config.seed, 2 + part, step))
            deviations = stream.uniform(noise.least, noise.most, config.batch)
            generator = torch.Generator(self._device).manual_seed(int(stream.integers(2**62)))
            if part == 1 and noise.targets == "clean":
                examples.append(clean)
                continue
            examples.append(
                add_noise(
                    clean,
                    torch.from_numpy(deviations).to(clean),
                    generator,
                    mean=noise.mean,
                    clipped=noise.clipped,
                )
            )
        self.target_noise_power = (examples[1] - clean).square().mean()
        inputs, targets = (self._scale.normalise(images) for images in examples)
        return inputs, targets

    def _crop(self, draw: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the ``draw``-th crop, (crop, crop, 3): every epoch takes each photograph once."""
        epoch, position = divmod(draw, len(self._images))
        order = np.random.default_rng((self._config.seed, 4, epoch)).permutation(len(self._images))
        image = self._images[int(order[position])]
        side = self._config.crop
        y, x = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
        turns, flip = (int(n) for n in rng.integers((4, 2)))
        crop = image[y : y + side, x : x + side]
        if self._config.augment:
            crop = np.rot90(crop[:, ::-1] if flip else crop, turns)
        return crop


def padded(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return ``image``, (y, x, 3), mirrored at its edges until it has ``side`` pixels each way.

    One that is large enough is returned as it is. Nothing is stretched: that would change what
    is natural about it, and make noise smooth.
    """
    missing = [max(0, side - length) for length in image.shape[:2]]
    if not any(missing):
        return image
    widths = [(n // 2, n - n // 2) for n in missing]
    return np.pad(image, (*widths, (0, 0)), mode="reflect")
