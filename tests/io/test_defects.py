"""Hot and dead pixels are found, the specimen is left alone, and the gaps are filled smoothly."""

from __future__ import annotations

import numpy as np
import pytest

from napari_n2n.io import fill_with_neighbours, find_defects, read_micrograph, replace_defects


def test_hot_and_dead_pixels_columns_and_clusters_are_found_and_nothing_else():
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:256, :256]
    # Ice gradient and particles of 20 % contrast, 40 frames of one electron.
    expected = 40 * (1 + 0.2 * x / 256) * (1 - 0.2 * (np.hypot(y % 64 - 32, x % 64 - 32) < 12))
    image = rng.poisson(expected).astype(np.float32)
    truth = np.zeros(image.shape, bool)
    truth[10, 20] = truth[0, 0] = truth[100:102, 50:52] = truth[:, 200] = True
    image[truth] = 0
    image[10, 20] = 400
    np.testing.assert_array_equal(find_defects(image), truth)


@pytest.mark.parametrize("mean", [0.5, 3, 100])
def test_pure_poisson_noise_has_hardly_a_defect(mean):
    noise = np.random.default_rng(9).poisson(mean, (512, 512))
    assert find_defects(noise).sum() <= 2


def test_a_real_micrograph_with_carbon_loses_next_to_nothing(shared_data):
    image = read_micrograph(shared_data / "micrographs" / "carbon_edge.mrc").pixels
    assert find_defects(image).mean() < 5e-4


def test_nan_is_a_defect_and_a_flat_image_has_none():
    image = np.ones((32, 32))
    assert not find_defects(image).any()
    image[3, 4] = np.nan
    assert np.argwhere(find_defects(image)).tolist() == [[3, 4]]


def test_never_more_than_the_allowed_fraction():
    rng = np.random.default_rng(10)
    image = rng.normal(0, 1, (200, 200))
    image[rng.random(image.shape) < 0.05] = 100
    assert find_defects(image, max_fraction=0.01).sum() <= 400


def test_a_gap_gets_the_median_of_its_good_neighbours():
    image = np.arange(25, dtype=np.float32).reshape(5, 5)
    defects = np.zeros((5, 5), bool)
    defects[2, 2] = True
    image[2, 2] = np.nan
    assert replace_defects(image, defects)[2, 2] == 12
    assert np.isnan(image[2, 2])  # the input is not changed


@pytest.mark.parametrize("width", [1, 4, 11, 30])
def test_gaps_of_any_width_are_filled(width):
    rng = np.random.default_rng(11)
    image = rng.normal(100, 1, (64, 64)).astype(np.float32)
    defects = np.zeros(image.shape, bool)
    defects[:, 5 : 5 + width] = True
    image[defects] = 1e9
    filled = replace_defects(image, defects)
    assert np.abs(filled - 100).max() < 6
    np.testing.assert_array_equal(filled[~defects], image[~defects])


def test_nothing_to_fill_costs_nothing():
    image = np.ones((4, 4), np.float32)
    assert replace_defects(image, np.zeros((4, 4), bool)) is image
    assert (replace_defects(image, np.ones((4, 4), bool)) == 0).all()


@pytest.mark.parametrize("mean", [0.4, 3, 200])
@pytest.mark.parametrize("where", [np.s_[:, 100], np.s_[40:90, 30:80], np.s_[::9, ::9], np.s_[:8]])
def test_what_is_filled_frame_by_frame_has_the_mean_and_the_noise_of_its_surroundings(mean, where):
    rng = np.random.default_rng(12)
    defects = np.zeros((128, 160), bool)
    defects[where] = True
    frames = rng.poisson(mean, (30, 128, 160)).astype(np.float32)
    frames[:, defects] = 1e6
    filled = np.stack([fill_with_neighbours(frame, defects) for frame in frames])
    np.testing.assert_array_equal(filled[:, ~defects], frames[:, ~defects])
    assert filled[:, defects].mean() == pytest.approx(mean, rel=0.06)
    assert filled[:, defects].var() == pytest.approx(mean, rel=0.12)
    # Two halves of the frames have no more in common there than elsewhere.
    odd, even = (half.sum(axis=0)[defects] for half in (filled[::2], filled[1::2]))
    assert abs(np.corrcoef(odd, even)[0, 1]) < 4 / np.sqrt(defects.sum())
    np.testing.assert_array_equal(fill_with_neighbours(frames[0], defects), filled[0])


def test_nothing_good_to_draw_from_is_zero_and_nothing_to_fill_costs_nothing():
    image = np.ones((4, 5), np.float32)
    assert (fill_with_neighbours(image, np.ones((4, 5), bool)) == 0).all()
    assert fill_with_neighbours(image, np.zeros((4, 5), bool)) is image
