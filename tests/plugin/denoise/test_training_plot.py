from types import SimpleNamespace

import pytest

from napari_n2n.denoising.training.evaluation import Validation
from napari_n2n.plugin.denoise.training_plot import TrainingPlot


@pytest.fixture
def plot(qtbot):
    plot = TrainingPlot()
    qtbot.addWidget(plot)
    return plot


def told(step, loss, truth=None, kept=None):
    validation, best = (
        None if one is None else Validation(loss, 0.1, noise_floor=0.8, truth_correlation=one)
        for one in (truth, truth if kept is None else kept)
    )
    return SimpleNamespace(step=step, loss=loss, validation=validation, kept=best)


def test_the_figure_that_tells_good_from_better_stands_beside_the_loss(plot):
    for step, loss, truth in [(1, 5.0, 0.2), (50, 0.9, 0.7), (100, 0.85, 0.913)]:
        plot.add(told(step, loss, truth))
    assert "0.913" in plot._figure.text()
    assert plot.noise_floor == 0.8
    # The floor is drawn, dashed, over all steps.
    x, y = plot._floor.getData()
    assert list(x) == [0, 100]
    assert list(y) == [0.8, 0.8]


def test_the_figure_is_that_of_the_weights_that_are_kept_and_the_curve_that_of_the_newest(plot):
    plot.add(told(50, 0.9, 0.934))
    plot.add(told(100, 1.1, 0.702, kept=0.934))
    assert "0.934" in plot._figure.text()
    assert plot.truth_correlation == 0.934
    assert plot._truth_curve.getData()[1][-1] == 0.702


def test_the_first_steps_do_not_press_the_rest_flat(plot):
    for step in range(1, 200):
        plot.add(told(step, 100.0 if step < 5 else 0.9 + 0.1 / step, 0.5))
    low, high = plot._loss.getViewBox().viewRange()[1]
    assert high < 5
    assert low < 0.8


def test_what_is_unknown_is_not_invented(plot):
    plot.add(told(1, 0.9))
    assert plot.truth_correlation is None
    assert plot.noise_floor is None
    assert "–" in plot._figure.text()
    assert not plot._floor.getData()[0].size if plot._floor.getData()[0] is not None else True


def test_a_new_training_starts_a_new_curve_and_a_resumed_one_goes_on(plot):
    plot.add(told(10, 0.9))
    plot.add(told(20, 0.8))
    assert plot.points()[0] == [10, 20]
    plot.add(told(1, 1.0))
    assert plot.points()[0] == [1]


def test_a_long_training_does_not_grow_without_end(plot, monkeypatch):
    monkeypatch.setattr("napari_n2n.plugin.denoise.training_plot._MOST_POINTS", 50)
    for step in range(500):
        plot.add(told(step, 1.0))
    steps, _ = plot.points()
    assert len(steps) <= 50
    assert steps[0] == 0
    assert steps[-1] > 480
