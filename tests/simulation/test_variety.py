import numpy as np
import pytest

from napari_n2n.simulation.shapes import in_pieces, random_specimen
from napari_n2n.simulation.variety import random_field


@pytest.fixture(scope="module")
def fields():
    return [random_field(np.random.default_rng(seed), 256) for seed in range(40)]


def test_fields_are_about_as_bright_as_the_open_field_and_never_dark(fields):
    for field in fields:
        assert field.brightness.shape == (256, 256)
        assert np.isfinite(field.brightness).all()
        assert field.brightness.min() >= 0
    assert np.median([field.brightness.mean() for field in fields]) == pytest.approx(1, abs=0.05)


def test_equal_seeds_give_equal_fields_and_others_differ(fields):
    again = random_field(np.random.default_rng(3), 256)
    assert np.array_equal(again.brightness, fields[3].brightness)
    contrasts = {round(float(field.brightness.std()), 6) for field in fields}
    assert len(contrasts) == len(fields)


def test_faint_and_strong_fields_fine_and_coarse_pixels_all_occur(fields):
    contrasts = [field.brightness.std() for field in fields]
    assert min(contrasts) < 0.01
    assert max(contrasts) > 0.08
    sizes = [field.pixel_size_angstrom for field in fields]
    assert min(sizes) < 3.5
    assert max(sizes) > 6
    assert all(3 <= size <= 7 for size in sizes)


@pytest.mark.parametrize("diameter", [70.0, 150.0, 320.0])
def test_specimens_have_the_size_asked_for_and_the_mass_of_protein(diameter):
    rng = np.random.default_rng(1)
    for _ in range(20):
        specimen = random_specimen(rng, diameter)
        reach = np.linalg.norm(specimen.beads, axis=1).max()
        assert 2 * reach == pytest.approx(diameter)
        ball = np.pi / 6 * diameter**3
        volume = specimen.bead_volume_angstrom3 * len(specimen.beads)
        # No denser than protein is, and not next to nothing.
        assert 0.005 * ball < volume < 1.5 * ball


def test_a_piece_is_part_of_the_whole():
    rng = np.random.default_rng(2)
    specimen = random_specimen(rng, 120.0)
    whole = {tuple(bead) for bead in specimen.beads}
    for _ in range(10):
        piece = in_pieces(specimen, rng)
        assert 0 < len(piece) < len(specimen.beads)
        assert {tuple(bead) for bead in piece} <= whole
