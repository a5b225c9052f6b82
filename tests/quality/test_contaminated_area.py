"""The area that a figure calls contaminated."""

from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import read_micrograph
from napari_n2n.quality import image_figures
from napari_n2n.quality.contaminated_area import contaminated_area
from napari_n2n.quality.working_image import pixels_in_one, working_image
from napari_n2n.simulation import SimulationConfig, build_scene

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")

SIDE, PIXEL = 384, 8.0
PARTICLES = SimulationConfig(
    shape=(SIDE, SIDE), pixel_size_angstrom=PIXEL, dose_per_frame=0.5, seed=2, contaminant_count=0
)


@pytest.fixture(scope="module")
def particles():
    clean = build_scene(PARTICLES).truth.clean.astype(np.float64)
    return clean / clean.mean()


def recorded(brightness):
    return np.random.default_rng(1).poisson(brightness * 40 * PIXEL**2).astype(np.float32)


def film(grey):
    """Return an amorphous film over the left (y, x), relative brightness."""
    y, x = np.mgrid[:SIDE, :SIDE]
    covered = x + 10 * np.sin(y / 60) < 0.45 * SIDE
    rough = np.random.default_rng(2).normal(0, 0.04, (SIDE, SIDE))
    return covered, np.where(covered, grey * (1 + rough), 1.0)


def test_a_carbon_film_over_half_the_image_is_found(particles):
    covered, brightness = film(grey=0.9)
    found = contaminated_area(recorded(particles * brightness))
    assert (found & covered).sum() / (found | covered).sum() > 0.85
    figures = image_figures(recorded(particles * brightness), PIXEL)
    assert figures["contaminated_percent"] == pytest.approx(100 * covered.mean(), abs=7)


def test_what_is_rough_and_brighter_is_no_film(particles):
    covered, brightness = film(grey=1.05)
    assert (contaminated_area(recorded(particles * brightness)) & covered).mean() < 0.02


def test_particles_in_one_half_only_are_no_contamination(particles):
    half = particles.copy()
    half[:, SIDE // 2 :] = np.median(particles)
    assert contaminated_area(recorded(half)).mean() < 0.01


def test_the_size_of_the_particles_decides_what_is_too_large(particles):
    y, x = np.mgrid[:SIDE, :SIDE]
    large = sum(np.exp(-((np.hypot(y - b, x - a) / 14) ** 6)) for a, b in [(90, 90), (280, 200)])
    image = recorded(particles * (1 - 0.3 * large))
    assert contaminated_area(image).mean() > 0.005
    assert contaminated_area(image, diameter_angstrom=400).mean() < 0.001


@needs_data
def test_a_real_carbon_edge_against_a_mask_made_by_hand():
    image = read_micrograph(DATA / "micrographs" / "carbon_edge.mrc").pixels
    mask = read_micrograph(DATA / "micrographs" / "carbon_edge_mask.mrc").pixels > 0.5
    found = contaminated_area(working_image(image, pixels_in_one(image.shape, None)))
    at = (np.arange(side) * n // side for side, n in zip(mask.shape, found.shape, strict=True))
    found = found[np.ix_(*at)]
    assert (found & mask).sum() / (found | mask).sum() > 0.8
