import numpy as np
import pytest

from napari_n2n.simulation.tomograms import structures
from napari_n2n.simulation.tomograms.variety import seeded_tomogram

SHAPE = (20, 40, 36)


@pytest.fixture(scope="module")
def tomograms():
    return [seeded_tomogram((7, i), 14.0, SHAPE) for i in range(8)]


def test_equal_seeds_give_equal_tomograms_and_others_others(tomograms):
    again = seeded_tomogram((7, 1), 14.0, SHAPE)
    np.testing.assert_array_equal(again.signal, tomograms[1].signal)
    np.testing.assert_array_equal(again.noise, tomograms[1].noise)
    assert len({float(one.noise.std()) for one in tomograms}) == len(tomograms)


def test_they_are_as_large_as_was_asked_for_at_the_working_voxel_size(tomograms):
    for one in tomograms:
        size = np.array(one.signal.shape) * one.voxel_size_angstrom
        np.testing.assert_allclose(size, 14.0 * np.array(SHAPE), rtol=0.03)
        assert one.noise.shape == one.signal.shape
        assert np.isfinite(one.signal).all()
    assert len({one.voxel_size_angstrom for one in tomograms}) > 1


def test_there_is_something_in_nearly_all_and_noise_knows_nothing_of_it(tomograms):
    ratios = []
    for one in tomograms:
        signal, noise = one.signal.ravel(), one.noise.ravel()
        if signal.std() > 1e-6:
            assert abs(np.corrcoef(signal, noise)[0, 1]) < 0.05
            ratios.append(signal.std() / noise.std())
    assert len(ratios) >= 5
    # At 1 e/Å², which most tomograms have a hundred times.
    assert np.median(ratios) < 0.5


@pytest.mark.parametrize("make", [structures.ring, structures.capsid, structures.chain])
def test_a_particle_lies_within_its_radius(make):
    for seed in range(3):
        beads = make(np.random.default_rng(seed), 150.0)
        assert len(beads) > 50
        assert np.percentile(np.linalg.norm(beads, axis=1), 95) < 1.2 * 150


def test_a_rod_is_as_thick_as_the_virus_and_hollow():
    _, y, x = (beads := structures.rod(np.random.default_rng(0), 1000.0)).T[[2, 0, 1]]
    away = np.hypot(y, x)
    assert 80 < away.max() < 100
    assert away.min() > 15
    assert np.ptp(beads[:, 2]) == pytest.approx(1000, rel=0.02)
