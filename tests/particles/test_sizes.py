from pathlib import Path

import numpy as np
import pytest

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import read_micrograph
from napari_n2n.particles import first_guess_diameter
from napari_n2n.particles.sizes import guess_steps
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulationConfig, build_scene
from napari_n2n.simulation.specimens import random_rotation, subunits_of

DATA = Path(__file__).parents[3] / "shared" / "data"


def mean_width(specimen):
    """Mean over random views of the width (Å) across a random direction."""
    beads = subunits_of(specimen).reshape(-1, 3)
    rng = np.random.default_rng(0)
    return np.mean([np.ptp((beads @ random_rotation(rng).T)[:, 0]) for _ in range(100)])


@pytest.mark.parametrize("specimen", ["apoferritin", "aldolase"])
@pytest.mark.parametrize("contrast", ["dark", "bright"])
def test_the_first_guess_is_close(specimen, contrast):
    config = SimulationConfig(
        specimen=specimen, shape=(384, 384), pixel_size_angstrom=4.0, seed=1, broken_fraction=0.1
    )
    clean = build_scene(config).truth.clean
    noise = np.random.default_rng(0).standard_normal(clean.shape) * clean.std() * 0.5
    image = (clean + noise) * (1 if contrast == "dark" else -1)
    guess = first_guess_diameter(image, 4.0, contrast=contrast)
    assert guess == pytest.approx(mean_width(specimen), rel=0.2)


def test_the_guess_is_in_angstrom():
    config = SimulationConfig(shape=(300, 300), pixel_size_angstrom=4.0, seed=1)
    clean = build_scene(config).truth.clean
    assert first_guess_diameter(clean, 8.0) == pytest.approx(
        2 * first_guess_diameter(clean, 4.0), rel=0.15
    )


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
def test_the_guess_is_close_on_real_apoferritin():
    image = read_micrograph(DATA / "apoferritin" / "May08_05.31.00_rest.mrc").pixels
    assert first_guess_diameter(image, 1.5) == pytest.approx(120, rel=0.1)


def test_what_cannot_be_guessed_is_told():
    with pytest.raises(BadValue, match="pixel size"):
        first_guess_diameter(np.eye(100), None)
    with pytest.raises(NotEnoughData, match="too few"):
        first_guess_diameter(np.eye(20), 2.0)
    with pytest.raises(NotEnoughData, match="the same"):
        first_guess_diameter(np.zeros((100, 100)), 2.0)


def apoferritin_frame(name):
    return read_micrograph(DATA / "apoferritin" / f"{name}_frame.mrc").pixels


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
def test_the_guess_is_close_on_one_noisy_frame():
    guess = run_to_end(guess_steps(apoferritin_frame("May08_07.08.55"), 1.5))
    assert guess.diameter_angstrom == pytest.approx(120, rel=0.25)


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
def test_where_two_ways_to_guess_disagree_both_are_told():
    guess = run_to_end(guess_steps(apoferritin_frame("May08_03.05.02"), 1.5))
    assert not guess.is_certain
    both = np.array([guess.diameter_angstrom, guess.other_angstrom])
    assert (abs(both / 120 - 1) < 0.25).any()


def test_what_is_no_particle_gives_no_certain_guess():
    noise = np.random.default_rng(0).standard_normal((256, 256))
    assert not run_to_end(guess_steps(noise, 4.0)).is_certain


def test_a_clear_guess_is_certain():
    config = SimulationConfig(shape=(384, 384), pixel_size_angstrom=4.0, seed=1)
    assert run_to_end(guess_steps(build_scene(config).truth.clean, 4.0)).is_certain
