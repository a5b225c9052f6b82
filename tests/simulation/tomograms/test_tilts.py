import numpy as np
import pytest

from napari_n2n.settings import ConfigProblem, validated
from napari_n2n.simulation.tomograms import TomogramConfig, simulate_tomogram

SMALL = TomogramConfig(shape=(40, 96, 96), tilt_step_degree=6, gold_beads=2)


@pytest.fixture(scope="module")
def small():
    return simulate_tomogram(SMALL)


def test_odd_and_even_halves_share_the_specimen_and_not_the_noise(small):
    series = small.series
    noise = [half - series.clean / 2 for half in (series.odd, series.even)]
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.01
    # Counting statistics: the variance is the mean.
    np.testing.assert_allclose(noise[0].var(), series.clean.mean() / 2, rtol=0.03)
    clean = small.volume(series.clean)
    whole = small.volume(series.odd + series.even)
    assert np.corrcoef(whole.ravel(), clean.ravel())[0, 1] > 0.4


def test_the_reconstruction_shows_the_specimen_dark_where_it_lies(small):
    clean, specimen = small.volume(small.series.clean), small.specimen()
    assert clean.shape == specimen.shape == SMALL.shape
    assert np.corrcoef(clean.ravel(), specimen.ravel())[0, 1] < -0.3
    for one in small.ice.placed:
        z, y, x = (round(at / SMALL.voxel_size_angstrom) for at in one.centre_angstrom)
        if one.kind == "gold":
            assert specimen[z, y, x] > 3 * specimen.std()


def test_the_dose_is_that_of_all_tilts_less_what_the_ice_takes(small):
    electrons = small.series.clean.mean(axis=(1, 2)).sum() / SMALL.voxel_size_angstrom**2
    assert 0.7 * SMALL.dose < electrons < SMALL.dose


def test_equal_configs_give_equal_tomograms_and_other_seeds_others(small):
    again = simulate_tomogram(SMALL)
    np.testing.assert_array_equal(again.series.odd, small.series.odd)
    other = simulate_tomogram(SMALL.replaced(seed=1))
    assert (other.series.clean != small.series.clean).mean() > 0.5


def test_tilts_are_taken_from_the_untilted_one_outwards():
    taken = SMALL.angles_degree[SMALL.order]
    assert taken[0] == 0
    assert sorted(taken) == list(SMALL.angles_degree)
    assert (np.diff(np.abs(taken)) >= 0).all()


def test_ice_thicker_than_the_volume_is_refused():
    with pytest.raises(ConfigProblem, match="does not fit"):
        validated(TomogramConfig, thickness_angstrom=2000)
