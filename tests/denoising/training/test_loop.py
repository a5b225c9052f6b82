import itertools
import math
import time

import pytest
import torch

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.loop import Pace, learn_steps
from napari_n2n.errors import TrainingDiverged
from napari_n2n.progress import Interrupted

NEVER = lambda: False  # noqa: E731


@pytest.fixture
def config(tiny) -> TrainingConfig:
    return tiny.replaced(steps=30, from_scratch=True)


def draw(step):
    generator = torch.Generator().manual_seed(step)
    return tuple(torch.randn((2, 1, 32, 32), generator=generator) for _ in range(2))


def test_it_takes_as_many_steps_as_were_asked_for_and_saves(config):
    learner, saved = Learner(config, torch.device("cpu")), []
    told = list(
        learn_steps(
            learner, draw, Pace(config), stop=NEVER, save=lambda _: saved.append(learner.step)
        )
    )
    assert learner.step == told[-1].step == saved[-1] == 30
    assert told[-1].fraction == 1
    assert told[-1].seconds_left == 0


def test_the_length_is_whichever_ends_first():
    config = TrainingConfig(epochs=3, steps=100, batch=4)
    assert Pace(config, examples=10).total_steps == 8
    assert Pace(config, examples=1000).total_steps == 100
    timed = Pace(TrainingConfig(max_seconds=100), elapsed_before=50)
    assert timed.total_steps is None
    assert timed.fraction(10**9) == pytest.approx(0.5, abs=0.01)


def test_the_rate_rises_and_falls_or_stays():
    falling = Pace(TrainingConfig(steps=1000, learning_rate=1e-3, warmup_steps=10))
    rates = [falling.learning_rate(step) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-3 / 11, rel=0.01)
    assert max(rates) == pytest.approx(1e-3, rel=0.01)
    assert rates.index(max(rates)) == 10
    assert rates[-1] == pytest.approx(1e-5, rel=0.01)
    constant = Pace(
        TrainingConfig(steps=9, learning_rate=1e-3, warmup_steps=0, schedule="constant")
    )
    assert {constant.learning_rate(step) for step in range(9)} == {1e-3}


def test_stopping_ends_it_at_once_and_saves(config):
    learner, saved = Learner(config, torch.device("cpu")), []
    asked = []

    def slowly(step):
        if step == 3:
            asked.append(time.monotonic())
        return draw(step)

    steps = learn_steps(
        learner,
        slowly,
        Pace(config),
        stop=lambda: bool(asked),
        save=lambda _: saved.append(learner.step),
    )
    list(steps)
    assert time.monotonic() - asked[0] < 1
    assert saved == [3]  # the step under way counts as not begun


def test_closing_it_saves(config, monkeypatch):
    monkeypatch.setattr("napari_n2n.denoising.training.loop._SECONDS_BETWEEN_REPORTS", 0.0)
    learner, saved = Learner(config, torch.device("cpu")), []
    steps = learn_steps(
        learner, draw, Pace(config), stop=NEVER, save=lambda _: saved.append(learner.step)
    )
    assert next(steps).step == 1
    steps.close()
    assert saved == [1]


def test_what_diverged_before_anybody_looked_is_not_saved_when_stopped(config, monkeypatch):
    monkeypatch.setattr("napari_n2n.denoising.training.loop._SECONDS_BETWEEN_REPORTS", 60.0)
    saved, drawn = [], []
    learner = Learner(config, torch.device("cpu"))

    def broken(step):
        drawn.append(step)
        inputs, targets = draw(step)
        return inputs, targets * (math.nan if step == 3 else 1)

    stop = lambda: len(drawn) > 5  # noqa: E731
    list(learn_steps(learner, broken, Pace(config), stop=stop, save=saved.append))
    assert learner.step > 3
    assert saved == [False]


def test_what_diverged_is_not_saved(config):
    saved = []
    learner = Learner(config, torch.device("cpu"))

    def broken(step):
        inputs, targets = draw(step)
        return inputs, targets * (math.nan if step == 20 else 1)

    with pytest.raises(TrainingDiverged, match=r"smaller than 0\.002"):
        list(learn_steps(learner, broken, Pace(config), stop=NEVER, save=saved.append))
    assert saved == [False]


def test_what_was_stopped_before_the_first_step_has_learnt_nothing_and_saves_nothing(config):
    saved = []
    learner = Learner(config, torch.device("cpu"))
    with pytest.raises(Interrupted):
        list(learn_steps(learner, draw, Pace(config), stop=lambda: True, save=saved.append))
    assert not saved


def test_the_speed_is_that_of_pixels_whatever_their_channels(tiny, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("napari_n2n.denoising.training.loop.monotonic", lambda: next(clock))
    speeds = []
    for channels in (1, 3):
        network = tiny.network.replaced(in_channels=channels, out_channels=channels)
        config = tiny.replaced(steps=1, network=network)
        images = torch.zeros((2, channels, 32, 32))
        learner = Learner(config, torch.device("cpu"))
        (step,) = learn_steps(learner, lambda _, i=images: (i, i), Pace(config), stop=NEVER)
        speeds.append(step.megapixels_per_second)
    assert speeds[0] == speeds[1] > 0
