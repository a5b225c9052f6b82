import numpy as np
import pytest

from napari_n2n.particles import suggested_threshold


@pytest.mark.parametrize(("many", "few"), [(300, 100), (200, 200), (150, 30)])
@pytest.mark.parametrize("distance", [0.25, 0.5])
def test_the_threshold_lies_between_two_clear_groups(many, few, distance):
    rng = np.random.default_rng(0)
    background = 0.05 + np.abs(rng.normal(0, 0.04, many))
    particles = rng.normal(0.1 + distance, 0.05, few)
    threshold = suggested_threshold(np.concatenate([background, particles]))
    assert (background > threshold).mean() < 0.05
    assert (particles < threshold).mean() < 0.15


@pytest.mark.parametrize("scores", [[], [0.5] * 40, [0.1, 0.9], [np.nan] * 20])
def test_too_little_to_divide_gives_a_usual_value(scores):
    assert 0.1 < suggested_threshold(scores) < 0.4


def test_the_order_of_the_scores_and_unknown_ones_do_not_matter():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.uniform(0.05, 0.2, 80), rng.uniform(0.4, 0.8, 40)])
    shuffled = np.append(rng.permutation(scores), [np.nan, np.nan])
    assert suggested_threshold(scores) == suggested_threshold(shuffled)


def test_a_little_noise_does_not_tip_the_threshold_from_one_end_to_the_other():
    # As on a real micrograph at 0.67 to 10 Å a pixel: one hump with a long tail.
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(0.05, 0.25, 450), rng.normal(0.33, 0.08, 380)])
    scores = scores[scores > 0.05]
    told = []
    for seed in range(20):
        shaken = scores + np.random.default_rng(seed).normal(0, 0.005, len(scores))
        told.append(int((shaken >= suggested_threshold(shaken)).sum()))
    assert max(told) < 1.08 * min(told)
