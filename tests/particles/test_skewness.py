"""Whether particles are bright on dark shows in the image, and is not seen where there are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_n2n.particles.skewness import plainly_bright
from napari_n2n.simulation import SimulationConfig, build_scene

SIZE = 8.0
THUMBNAILS = Path(__file__).parents[3] / "shared" / "data" / "screening"


def noisy(**changes):
    """Return a simulated cryo micrograph (y, x) with as much noise as specimen."""
    config = SimulationConfig(shape=(256, 256), pixel_size_angstrom=SIZE, **changes)
    clean = build_scene(config).truth.clean
    return clean + np.random.default_rng(0).normal(scale=clean.std(), size=clean.shape)


@pytest.mark.parametrize("specimen", ["apoferritin", "aldolase"])
def test_particles_are_bright_in_the_inverted_image_alone(specimen):
    image = noisy(specimen=specimen)
    assert not plainly_bright(image, SIZE)
    assert plainly_bright(-image, SIZE)


def test_noise_is_neither():
    noise = np.random.default_rng(1).normal(size=(256, 256))
    assert not plainly_bright(noise, SIZE)
    assert not plainly_bright(-noise, SIZE)


def test_a_few_bright_places_are_not_taken_for_particles():
    """A crack or a hole in the ice is bright, and lies in a part of the field."""
    image = np.random.default_rng(2).normal(size=(256, 256))
    image[40:60, 30:200] += 8
    image[150:170, 60:90] += 8
    assert not plainly_bright(image, SIZE)


def test_an_image_that_is_all_the_same_is_not_bright():
    assert not plainly_bright(np.ones((128, 128)), SIZE)


@pytest.mark.skipif(not THUMBNAILS.is_dir(), reason="needs ../shared/data/screening")
def test_no_real_cryo_field_is_taken_for_negative_stain():
    """Dirt, crystals, empty ice and cracks are among them."""
    fields = [np.asarray(Image.open(path).convert("L")) for path in THUMBNAILS.rglob("*.png")]
    size = 4096 / 512
    assert not any(plainly_bright(field, size) for field in fields)
    assert sum(plainly_bright(255.0 - field, size) for field in fields) >= 8
