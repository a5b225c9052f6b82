"""Weighing what a network makes of halves of a volume against the halves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_n2n.denoising.inference import volume_calibration as calibration
from napari_n2n.denoising.working_volumes import WorkingVolume, intensities_of
from napari_n2n.metrics import correlation
from napari_n2n.progress import run_to_end

from ..conftest import clean_volume

SHAPE = (40, 96, 88)


def halves_of(clean, noise=2.0, seed=0, gain=1.0):
    """Return two noisy halves of ``clean``, (z, y, x), with an offset."""
    rng = np.random.default_rng(seed)
    made = [
        (gain * (clean + rng.normal(0, noise, clean.shape)) + 50).astype(np.float32)
        for _ in range(2)
    ]
    return [WorkingVolume(half, intensities_of(half)) for half in made]


def best_gaussian(halves, clean):
    both = (halves[0].voxels + halves[1].voxels) / 2
    sigmas = (0.5, 1, 1.5, 2, 2.5, 3, 4)
    return max(correlation(ndimage.gaussian_filter(both, sigma), clean) for sigma in sigmas)


@pytest.fixture(scope="module")
def clean():
    return clean_volume(5, SHAPE)


def test_a_network_that_knows_nothing_leaves_the_best_low_pass(clean):
    halves = halves_of(clean)
    nonsense = [
        np.random.default_rng(9 + i).normal(size=SHAPE).astype(np.float32) for i in range(2)
    ]
    result = run_to_end(calibration.weighed_steps(halves, nonsense))
    assert correlation(result, clean) > best_gaussian(halves, clean) - 0.003


def test_one_that_says_nothing_does_as_well(clean):
    halves = halves_of(clean)
    result = run_to_end(calibration.weighed_steps(halves, [np.zeros(SHAPE, np.float32)] * 2))
    assert correlation(result, clean) > best_gaussian(halves, clean) - 0.003


def test_one_that_is_right_in_form_gets_the_right_strength_and_nothing_else(clean):
    halves = halves_of(clean, gain=3.0)
    too_faint = [(0.4 * 3 * clean).astype(np.float32)] * 2
    result = run_to_end(calibration.weighed_steps(halves, too_faint))
    assert correlation(result, clean) > 0.99
    assert np.polyfit(clean.ravel(), result.ravel(), 1) == pytest.approx([3, 50], rel=0.03)


@pytest.mark.parametrize("colour", [0.0, 0.7])
def test_of_halves_of_noise_nothing_is_left(colour):
    halves = halves_of(np.zeros(SHAPE, np.float32), seed=3)
    halves = [
        WorkingVolume(ndimage.gaussian_filter(h.voxels, colour), h.intensities) for h in halves
    ]
    # A network that takes its noise for signal.
    results = [ndimage.gaussian_filter(half.voxels - 50, 1.5) for half in halves]
    result = run_to_end(calibration.weighed_steps(halves, results))
    assert np.ptp(result) < 0.02 * halves[0].voxels.std()


def test_gold_does_not_decide_how_the_rest_is_weighed(clean):
    halves = halves_of(clean)
    results = [ndimage.gaussian_filter(half.voxels - 50, 1.5) for half in halves]
    plain = calibration.shell_weights(calibration.shell_sums(halves, results))
    bead = ndimage.gaussian_filter(np.eye(1, clean.size, 150_000).reshape(SHAPE), 1.2)
    with_gold = [
        WorkingVolume(half.voxels - 100 * (bead / bead.max()).astype(np.float32), half.intensities)
        for half in halves
    ]
    gilded = calibration.shell_weights(calibration.shell_sums(with_gold, results))
    first = calibration.PARTS // 5
    for start in range(first, calibration.PARTS, first):
        told = slice(start + 2, start + 14)
        np.testing.assert_allclose(gilded.network[told], plain.network[told], atol=0.2)


@settings(deadline=None, max_examples=6)
@given(side=st.integers(20, 60))
def test_blocks_change_nothing(side):
    rng = np.random.default_rng(0)
    gains = calibration.ShellWeights(*rng.uniform(size=(2, calibration.PARTS)))
    by_weights = calibration.Filter(gains)
    reach = calibration.REACH
    m, s = rng.normal(size=(2, 40, 60 + 2 * reach, 40)).astype(np.float32)
    whole = by_weights(m, s)
    first = by_weights(m[:, : side + 2 * reach], s[:, : side + 2 * reach])
    np.testing.assert_allclose(first, whole[:, :side], atol=1e-5)
