from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import read_micrograph
from napari_n2n.particles import find_contamination
from napari_n2n.simulation import SimulationConfig, build_scene

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")


@pytest.fixture(scope="module")
def truth():
    """Apoferritin and two contaminants, 4 Å/px, without noise."""
    config = SimulationConfig(
        shape=(384, 384), pixel_size_angstrom=4.0, seed=3, contaminant_count=2
    )
    return build_scene(config).truth


def found(image, pixel_size=4.0, **settings):
    return find_contamination(image, pixel_size, diameter_angstrom=120, **settings)


def test_contaminants_are_found_and_particles_are_not(truth):
    mask = found(truth.clean)
    at = np.rint(truth.centres_px).astype(int)
    labels = np.array(truth.labels)
    covered = mask[tuple(at.T)]
    assert covered[labels == "contaminant"].all()
    assert covered[labels != "contaminant"].mean() < 0.02
    assert mask.mean() < 0.05


def test_bright_contaminants_are_found_when_told(truth):
    np.testing.assert_array_equal(found(truth.clean), found(-truth.clean, contrast="bright"))


def test_a_clean_field_has_next_to_nothing_to_avoid():
    config = SimulationConfig(
        shape=(384, 384), pixel_size_angstrom=4.0, seed=4, contaminant_count=0
    )
    assert found(build_scene(config).truth.clean).mean() < 0.002


def test_ice_that_gets_thicker_is_no_contamination(truth):
    y, x = np.mgrid[:384, :384] / 384
    contrast = truth.clean.std()
    slope = truth.clean - contrast * 6 * np.exp(-((1 - y) ** 2 + x**2) / 0.15)
    assert abs(found(slope).mean() - found(truth.clean).mean()) < 0.01


def test_a_carbon_film_is_avoided(truth):
    y, x = np.mgrid[:384, :384]
    rng = np.random.default_rng(0)
    film = x + 0.3 * y > 330
    texture = ndimage.gaussian_filter(rng.standard_normal(film.shape), 2)
    image = truth.clean - film * truth.clean.std() * (6 + 6 * texture)
    mask = found(image)
    assert mask[film].mean() > 0.9
    # The truth's own two contaminants are found besides.
    assert mask[~film].mean() < 0.1


def test_scale_and_offset_of_the_intensities_change_nothing(truth):
    scaled = found(truth.clean * 700 + 30000)
    assert (scaled != found(truth.clean)).mean() < 1e-3


def test_the_mask_has_the_image_s_shape_and_what_cannot_be_is_told():
    image = np.random.default_rng(0).standard_normal((201, 157)).astype(np.float32)
    assert found(image, 3.7).shape == (201, 157)
    with pytest.raises(NotEnoughData):
        found(np.ones((200, 200)))
    with pytest.raises(BadValue):
        found(image, None)


@needs_data
def test_a_real_carbon_edge_is_found():
    folder = DATA / "micrographs"
    true = read_micrograph(folder / "carbon_edge_mask.mrc").pixels > 0.5
    image = read_micrograph(folder / "carbon_edge.mrc").pixels
    mask = find_contamination(image, 1.0, diameter_angstrom=40)
    assert (mask & true).sum() / (mask | true).sum() > 0.8


@needs_data
def test_a_real_clean_field_has_nothing_to_avoid():
    image = read_micrograph(DATA / "apoferritin" / "May08_05.31.00_rest.mrc").pixels
    assert found(image, 1.5).mean() < 0.002


@pytest.mark.parametrize("count", [6, 12, 30])
@pytest.mark.parametrize("background", ["quiet", "with ripples", "uneven"])
def test_sparse_particles_without_fringes_are_no_contamination(count, background):
    # Negative stain, a phase plate: a dark particle, its faint skirt, and next to nothing around.
    side, across = 800, 60
    rng = np.random.default_rng(count)
    y, x = np.mgrid[:side, :side]
    places = rng.permutation(np.mgrid[80:760:110, 80:760:110].reshape(2, -1).T)[: count + 1]
    image = np.zeros((side, side))
    for cy, cx in places[:count]:
        image -= rng.uniform(2.4, 3.6) * (np.hypot(y - cy, x - cx) < across / 2)
    crystal = tuple(slice(at - 20, at + 20) for at in places[count])
    image[crystal] -= 40
    image = ndimage.gaussian_filter(image, 2)
    grain = rng.normal(0, 1, image.shape)
    image += 0.02 * ndimage.gaussian_filter(grain, 6)
    if background == "with ripples":
        for cy, cx in rng.uniform(0, side, (60, 2)):
            image -= rng.uniform(0.1, 0.6) * np.exp(-(np.hypot(y - cy, x - cx) ** 2) / 200)
    if background == "uneven":
        image += 8 * (ndimage.gaussian_filter(grain, 60) > 0) * ndimage.gaussian_filter(grain, 8)
    mask = find_contamination(image, 2.0, diameter_angstrom=2.0 * across)
    assert not mask[tuple(places[:count].T)].any()
    assert mask[crystal].mean() > 0.8


def test_gold_that_outnumbers_what_stands_out_is_not_taken_for_particles(truth):
    image = ndimage.gaussian_filter(truth.clean.astype(np.float32), 1)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    gold = np.zeros(image.shape, bool)
    for cy, cx in rng.integers(20, min(image.shape) - 20, (40, 2)):
        gold |= np.hypot(y - cy, x - cx) < 6
    before = found(image)
    image[gold] *= 0.25
    mask = found(image)
    assert mask[gold].mean() > 0.95
    assert mask.mean() < before.mean() + 8 * gold.mean()
