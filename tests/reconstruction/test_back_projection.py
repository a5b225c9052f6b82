import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.reconstruction import back_projected_slabs, weighted

ANGLES = [float(angle) for angle in range(-60, 61, 4)]


def volume(images, depth, angles=ANGLES):
    return np.concatenate(list(back_projected_slabs(weighted(images), angles, depth)))


def tilt_images(specimen):
    """Project a small volume (z, y, x) along z, turned about y."""
    return np.stack(
        [
            ndimage.rotate(specimen, angle, axes=(2, 0), reshape=False, order=1).sum(axis=0)
            for angle in ANGLES
        ]
    ).astype(np.float32)


@pytest.fixture(scope="module")
def dots() -> np.ndarray:
    specimen = np.zeros((32, 24, 64), np.float32)
    for place in [(10, 6, 20), (20, 12, 40), (16, 18, 30)]:
        specimen[place] = 100
    return ndimage.gaussian_filter(specimen, 1.5)


def test_what_was_projected_comes_back_where_it_was(dots):
    made = volume(tilt_images(dots), len(dots))
    assert made.shape == dots.shape
    for place in [(10, 6, 20), (20, 12, 40), (16, 18, 30)]:
        around = tuple(slice(at - 3, at + 4) for at in place)
        brightest = np.unravel_index(made[around].argmax(), made[around].shape)
        assert np.abs(np.subtract(brightest, 3)).max() <= 1
    # Missing wedge and all, it is most of what there is.
    assert np.corrcoef(made.ravel(), dots.ravel())[0, 1] > 0.8


def test_it_is_linear_and_slabs_are_the_whole(dots, monkeypatch):
    images = tilt_images(dots)
    whole = volume(images, 32)
    np.testing.assert_allclose(volume(2 * images, 32), 2 * whole, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr("napari_n2n.reconstruction.back_projection._ENTRIES", 20_000)
    monkeypatch.setattr("napari_n2n.reconstruction.back_projection._ROWS", 7)
    slabs = list(back_projected_slabs(weighted(images), ANGLES, 32))
    assert len(slabs) > 3
    np.testing.assert_allclose(np.concatenate(slabs), whole, rtol=1e-5, atol=1e-6)


def test_independent_noise_stays_independent():
    rng = np.random.default_rng(0)
    one, other = (
        volume(rng.normal(size=(len(ANGLES), 24, 64)).astype(np.float32), 24) for _ in range(2)
    )
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05


def test_each_image_needs_an_angle():
    with pytest.raises(ValueError, match="2 images have 31 angles"):
        next(back_projected_slabs(np.zeros((2, 8, 8), np.float32), ANGLES, 4))
