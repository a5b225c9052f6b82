"""What training and denoising tell while they go on. No torch, so that a window can import it."""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.photographs import WHITE
from napari_n2n.progress import Progress

# The loss of fewer steps is mostly that of the noise they happened to draw.
_FEWEST_STEPS = 200


@dataclass(frozen=True, eq=False)
class DenoisedRegion:
    """A part of the result that is ready before the rest.

    ``pixels``, (y, x) or RGB (y, x, 3), are on the grid and scale of the input; ``origin`` is
    where their first one lies in it, (y, x) px.
    """

    pixels: NDArray[np.float32]
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True)
class DenoisingProgress(Progress):
    """How far denoising is; one of them carries the ``region`` that was asked for first."""

    region: DenoisedRegion | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """How well a network does on pairs it is not trained on.

    ``loss`` is the mean squared difference from the noisy target, ``noise_floor`` what a perfect
    denoiser would still have there: half the mean squared difference of two equally noisy
    halves, None where the two are not equally noisy. Both in units of the image's variance.

    ``truth_correlation`` estimates the correlation of the result with the clean image that
    nobody has: corr(result, target) / sqrt(corr(input, target)), because two equally noisy
    images correlate by the share that the signal has in the variance of each. None likewise.

    ``output_gain`` is the regression of the input on the result: what brings a result from the
    scale of the target to that of the input. It is 1 where both are equally noisy.
    """

    loss: float
    target_correlation: float
    noise_floor: float | None = None
    truth_correlation: float | None = None
    output_gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Preview:
    """A denoised part of the image a listener asked about.

    ``origin`` (y, x) and the shape of ``pixels`` are in pixels of that image.
    """

    pixels: NDArray[np.float32]
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress(Progress):
    """The state of a training after ``step`` steps; what is not known is None.

    ``loss`` is the mean since the last progress, or of the last 500 steps, as the recipe wants it.
    ``validation`` is that of the newest weights, ``kept`` that of the best, which the model gets.
    """

    step: int
    loss: float
    learning_rate: float
    total_steps: int | None = None
    megapixels_per_second: float = 0.0
    elapsed_seconds: float = 0.0
    device: str = ""
    validation: Validation | None = None
    kept: Validation | None = None
    preview: Preview | None = None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Step and loss, and how like the truth the result is, as far as that can be told.

        It is that of the weights that are kept, whatever the newest do.
        """
        told = f"step {self.step}, loss {self.loss:.4g}"
        truth = None if self.kept is None else self.kept.truth_correlation
        return told if truth is None else f"{told}, correlation with the truth about {truth:.3f}"

    @property
    def sentence(self) -> str:
        """Step, speed and what there is to note."""
        total = f" of {self.total_steps}" if self.total_steps else ""
        notes = "".join(f" {note}" for note in self.notes)
        return (
            f"Training on {self.device}: step {self.step}{total}, "
            f"{self.megapixels_per_second:.2g} megapixels/s.{notes}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographTrainingProgress(TrainingProgress):
    """Training on so many ``photographs``.

    ``excess_loss`` is the mean squared error of late less the power of the targets' noise, in
    grey levels squared: what is left is the error against the clean image.
    """

    photographs: int
    excess_loss: float

    @classmethod
    def of(
        cls, learnt: TrainingProgress, photographs: int, excess_loss: float
    ) -> "PhotographTrainingProgress":
        """Return ``learnt`` with what is known besides."""
        known = {each.name: getattr(learnt, each.name) for each in fields(learnt)}
        return cls(**known, photographs=photographs, excess_loss=excess_loss)

    @property
    def psnr_db(self) -> float | None:
        """PSNR of denoised crops with noise of every strength; None while nothing tells it."""
        if self.step < _FEWEST_STEPS or self.excess_loss <= 0:
            return None
        return 10 * math.log10(WHITE**2 / self.excess_loss)

    @property
    def text(self) -> str:
        """Step and error."""
        error = max(self.excess_loss, 0.0) ** 0.5
        return f"step {self.step}, error {error:.1f} of 255"

    @property
    def sentence(self) -> str:
        """What it is trained on, and the step."""
        many = "one photograph" if self.photographs == 1 else f"{self.photographs} photographs"
        return f"Training on {many}: step {self.step}."
