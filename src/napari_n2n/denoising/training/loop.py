"""The pace of every training; the loop of models that are made for the box."""

import math
from collections import deque
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from time import monotonic

import torch
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.interruption import Interrupted, interruptible
from napari_n2n.denoising.training.learner import Learner, Loss, squared_error
from napari_n2n.errors import TrainingDiverged

# Listeners hear of the training this often; reading the loss more often would hold a GPU up.
_SECONDS_BETWEEN_REPORTS = 0.25
_SECONDS_BETWEEN_SAVES = 60.0
STEPS_TOLD = 500
"""The loss that is told is the mean of so many steps."""

THOUSAND = 1000
"""The parts of a training that progress is counted in."""


class Pace:
    """How far a training is, and its learning rate then.

    Parameters
    ----------
    config
        Its length is whichever of steps, epochs and seconds ends first.
    examples
        How many are drawn in an epoch.
    elapsed_before
        Seconds that it took before it was resumed.
    """

    def __init__(
        self, config: TrainingConfig, examples: int = 1, elapsed_before: float = 0.0
    ) -> None:
        self._config = config
        self._elapsed_before = elapsed_before
        self._started = monotonic()
        lengths = [] if config.steps is None else [config.steps]
        if config.epochs is not None:
            lengths.append(math.ceil(config.epochs * examples / config.batch))
        self.total_steps = min(lengths, default=None)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds of training, those before it was resumed included."""
        return self._elapsed_before + monotonic() - self._started

    def fraction(self, step: int) -> float:
        """Share that is done after ``step`` steps, by steps or by time, whichever is further."""
        by_steps = step / self.total_steps if self.total_steps else 0.0
        limit = self._config.max_seconds
        return min(1.0, max(by_steps, self.elapsed_seconds / limit if limit else 0.0))

    def seconds_left(self, step: int) -> float | None:
        """Seconds that are left after ``step`` steps; None while nothing tells."""
        fraction = self.fraction(step)
        return self.elapsed_seconds * (1 - fraction) / fraction if fraction else None

    def learning_rate(self, step: int) -> float:
        """Return the rate of the step after ``step``: it rises to that of the config.

        With the schedule ``cosine`` it falls to 1 % of it as half a cosine.
        """
        config = self._config
        rate = config.learning_rate * min(1.0, (step + 1) / (config.warmup_steps + 1))
        if config.schedule == "cosine":
            rate *= 0.01 + 0.99 * (1 + math.cos(math.pi * self.fraction(step))) / 2
        return rate


@dataclass(frozen=True, slots=True)
class LearningProgress:
    """The state of a training after ``step`` steps; ``loss`` is the mean of the last 500."""

    step: int
    fraction: float
    loss: float
    learning_rate: float
    seconds_left: float | None


def learn(
    learner: Learner,
    draw: Callable[[int], tuple[Tensor, Tensor]],
    pace: Pace,
    *,
    stop: Callable[[], bool],
    save: Callable[[], None] = lambda: None,
    loss_of: Loss = squared_error,
) -> Generator[LearningProgress, None, None]:
    """Train ``learner`` on what ``draw`` makes of the number of a step, until ``pace`` ends it.

    ``save`` is called every minute and at the end, however it ends, except after divergence: what
    was saved before that is worth more. Once ``stop()`` is true it ends within a second.

    Raises
    ------
    TrainingDiverged
        The loss is no number any more.
    """
    losses: deque[Tensor] = deque(maxlen=STEPS_TOLD)
    reported = saved = monotonic()
    try:
        with interruptible(learner.network, stop):
            while pace.fraction(learner.step) < 1 and not stop():
                rate = pace.learning_rate(learner.step)
                losses.append(learner.learn(*draw(learner.step), rate, loss_of))
                fraction = pace.fraction(learner.step)
                if fraction < 1 and monotonic() - reported < _SECONDS_BETWEEN_REPORTS:
                    continue
                loss = mean_loss(losses)
                if not math.isfinite(loss):
                    raise TrainingDiverged(
                        f"Training diverged at step {learner.step}: the loss is no number any "
                        f"more. Try a learning rate ten times smaller than "
                        f"{learner.config.learning_rate:g}."
                    )
                if monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                    save()
                    saved = monotonic()
                yield LearningProgress(
                    learner.step, fraction, loss, rate, pace.seconds_left(learner.step)
                )
                reported = monotonic()
    except Interrupted:
        pass
    finally:
        # Reached too when the generator is closed or fails: what was learnt is on disk. It may
        # have diverged since the loss was last looked at.
        if math.isfinite(mean_loss(losses)):
            save()


def mean_loss(losses: Collection[Tensor]) -> float:
    """Return the mean of the losses of some steps; of none it is 0."""
    return float(torch.stack(list(losses)).mean()) if losses else 0.0
