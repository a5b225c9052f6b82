"""The one training loop, and its pace.

A recipe (`micrographs`, `general`, `photographs`) says what is drawn, how it is judged and where
it is kept; how a training goes on, tells, saves and ends is here alone.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Generator
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.reports import Preview, TrainingProgress
from napari_n2n.denoising.training.learner import Learner, Loss, squared_error
from napari_n2n.devices import Backlog, describe_device
from napari_n2n.errors import TrainingDiverged
from napari_n2n.progress import Interrupted, Stop

# Listeners hear of the training this often; reading the loss more often would hold a GPU up.
_SECONDS_BETWEEN_REPORTS = 0.25
# What a power cut may cost.
_SECONDS_BETWEEN_SAVES = 15.0
# Steps between validations, once the first, which come at powers of two, are done.
_VALIDATE_EVERY = 50
STEPS_TOLD = 500
"""The loss that is told is the mean of at most so many steps, if nothing else is asked for."""

# The parts of a training that progress is counted in.
_PARTS = 1000


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


def is_milestone(step: int) -> bool:
    """Whether to validate after ``step``: often at first, when much changes, then regularly."""
    return step % _VALIDATE_EVERY == 0 or (step < _VALIDATE_EVERY and step & (step - 1) == 0)


def learn_steps(
    learner: Learner,
    draw: Callable[[int], tuple[Tensor, Tensor]],
    pace: Pace,
    *,
    stop: Stop,
    save: Callable[[bool], None] = lambda _is_good: None,
    loss_of: Loss = squared_error,
    mean_over: int | None = STEPS_TOLD,
    validate: Callable[[], object] | None = None,
    milestone: Callable[[int], bool] = is_milestone,
    look: Callable[[], Preview | None] = lambda: None,
    output: Path | None = None,
) -> Generator[TrainingProgress, None, None]:
    """Train ``learner`` until ``pace`` ends it; once ``stop()`` is true it ends within a second.

    Parameters
    ----------
    draw
        Makes inputs and targets, (n, channel, y, x), of the number of a step.
    save
        Called every 15 s and at the end, however that comes, with whether the newest weights are
        good. After divergence they are not: what was saved of them before is worth more.
    mean_over
        The loss that is told is the mean of so many steps; None: of those since it was told last.
    validate
        Called at milestones and at the end; it may be stopped in between, as everything the
        network is used for here.
    milestone
        Says after which steps; by default often at first and then after every 50.
    look
        Called with every progress, for something to show.
    output
        Where the best model lies; divergence says so.

    Raises
    ------
    TrainingDiverged
        The loss is no number any more.
    Interrupted
        ``stop()`` was true before the first step was done. Nothing is saved.
    """
    losses: deque[Tensor] = deque(maxlen=mean_over)
    pixels, reported, saved = 0, monotonic(), monotonic()
    device = describe_device(learner.device)
    backlog = Backlog(learner.device)
    try:
        with interruptible(learner.network, stop), interruptible(learner.averaged, stop):
            # One step at least, also where the time went into making ready: none is no model.
            while (learner.step == 0 or pace.fraction(learner.step) < 1) and not stop():
                rate = pace.learning_rate(learner.step)
                inputs, targets = draw(learner.step)
                losses.append(learner.learn(inputs, targets, rate, loss_of))
                backlog.add()
                pixels += inputs[:, 0].numel()
                fraction = pace.fraction(learner.step)
                # The last report tells of the weights that training ends with.
                ends = fraction >= 1
                judged = validate is not None and (milestone(learner.step) or ends)
                since = monotonic() - reported
                if not judged and not ends and since < _SECONDS_BETWEEN_REPORTS:
                    continue
                loss = mean_loss(losses)
                _require_finite(loss, learner, output)
                if validate is not None and judged:
                    validate()
                if monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                    save(True)
                    saved = monotonic()
                yield TrainingProgress(
                    "training",
                    round(_PARTS * fraction),
                    _PARTS,
                    pace.seconds_left(learner.step),
                    step=learner.step,
                    loss=loss,
                    learning_rate=rate,
                    total_steps=pace.total_steps,
                    megapixels_per_second=pixels / max(since, 1e-6) / 1e6,
                    elapsed_seconds=pace.elapsed_seconds,
                    device=device,
                    preview=look(),
                )
                if mean_over is None:
                    losses.clear()
                pixels, reported = 0, monotonic()
            if validate is not None and learner.step and math.isfinite(mean_loss(losses)):
                validate()
    except Interrupted:
        pass
    finally:
        # Reached too when the generator is closed or fails: what was learnt is on disk. It may
        # have diverged since the loss was last looked at.
        if learner.step:
            save(math.isfinite(mean_loss(losses)))
    if not learner.step:
        raise Interrupted


def mean_loss(losses: Collection[Tensor]) -> float:
    """Return the mean of the losses of some steps; of none it is 0."""
    return float(torch.stack(list(losses)).mean()) if losses else 0.0


def _require_finite(loss: float, learner: Learner, output: Path | None) -> None:
    if math.isfinite(loss):
        return
    kept = f" The best model so far is in {output}." if output else ""
    raise TrainingDiverged(
        f"Training diverged at step {learner.step}: the loss is no number any more.{kept} "
        f"Try a learning rate ten times smaller than {learner.config.learning_rate:g}."
    )
