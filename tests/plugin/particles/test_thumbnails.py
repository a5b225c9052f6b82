import numpy as np
import pytest

from napari_n2n.errors import BadValue
from napari_n2n.plugin.particles.thumbnails import Thumbnails

pytestmark = pytest.mark.usefixtures("qapp")


def grey(pixmap):
    """Return the (y, x) grey levels of a pixmap, and where it is truly grey."""
    image = pixmap.toImage()
    rgb = np.array(
        [
            [image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())]
            for y in range(image.height())
        ]
    )
    return rgb[..., 0], (rgb == rgb[..., :1]).all(-1)


def thumbnails(image, box_px, side):
    made = Thumbnails()
    made.set_image(image)
    made.set_box(box_px)
    made.set_side(side)
    return made


@pytest.mark.parametrize(("box_px", "side"), [(64, 64), (32, 64), (200, 50), (100, 64)])
def test_the_particle_is_in_the_middle(box_px, side):
    y, x = np.mgrid[:400, :400]
    image = np.exp(-((y - 210) ** 2 + (x - 163) ** 2) / 2 / (box_px / 12) ** 2).astype(np.float32)
    levels, _ = grey(thumbnails(image, box_px, side).pixmap(0, 210.0, 163.0))
    assert levels.shape == (side, side)
    weights = levels.astype(float) - levels.min()
    centre = [np.average(axis, weights=weights) for axis in np.mgrid[:side, :side]]
    # Half a pixel of the image at most.
    np.testing.assert_allclose(centre, (side - 1) / 2, atol=0.6 * max(1, side / box_px))


def test_up_is_up_and_left_is_left():
    image = np.zeros((100, 100))
    image[:50, :50] = 1
    levels, _ = grey(thumbnails(image, 40, 40).pixmap(0, 49.5, 49.5))
    assert levels[5, 5] == 255
    assert levels[5, 35] == levels[35, 5] == levels[35, 35] == 0


def test_past_the_edge_there_is_no_micrograph():
    image = np.random.default_rng(0).normal(size=(100, 100))
    levels, is_grey = grey(thumbnails(image, 40, 40).pixmap(0, 2.0, 50.0))
    assert levels.shape == (40, 40)
    assert not is_grey[:16].any()
    assert is_grey[19:].all()


def test_the_contrast_is_the_same_for_all_and_one_hot_pixel_does_not_set_it():
    rng = np.random.default_rng(0)
    image = rng.normal(100, 1, (256, 256)).astype(np.float32)
    image[:, 128:] += 4
    image[3, 3] = 1e6
    image[4, 4] = np.nan
    made = thumbnails(image, 64, 64)
    low, high = made.contrast()
    assert 96 < low < high < 108
    dark, _ = grey(made.pixmap(0, 128, 60))
    bright, _ = grey(made.pixmap(1, 128, 196))
    assert bright.mean() > dark.mean() + 60


def test_averaging_away_noise_leaves_no_grey_levels_unused():
    image = np.random.default_rng(0).normal(size=(512, 512))
    fine, coarse = thumbnails(image, 64, 64), thumbnails(image, 256, 64)
    levels, _ = grey(coarse.pixmap(0, 256, 256))
    assert coarse.contrast()[1] < 0.4 * fine.contrast()[1]
    assert levels.std() > 30


def test_what_changed_is_cut_again_and_what_did_not_is_not():
    image = np.zeros((100, 100))
    made = thumbnails(image, 20, 20)
    first = made.pixmap(7, 50, 50)
    assert made.pixmap(7, 50, 50) is first
    made.forget(np.array([8]))
    assert made.pixmap(7, 50, 50) is first
    made.forget(np.array([7]))
    assert made.pixmap(7, 50, 50) is not first


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("napari_n2n.plugin.particles.thumbnails._CACHE_BYTES", 10 * 4 * 20**2)
    made = thumbnails(np.zeros((100, 100)), 20, 20)
    for which in range(50):
        made.pixmap(which, 50, 50)
    assert len(made) == 10


@pytest.mark.parametrize("image", [np.full((50, 50), 3.0), np.full((50, 50), np.nan), None])
def test_nothing_to_see_is_no_error(image):
    levels, _ = grey(thumbnails(image, 20, 20).pixmap(0, 25, 25))
    assert levels.std() == 0


def test_faults_are_told():
    made = Thumbnails()
    with pytest.raises(BadValue, match="3D"):
        made.set_image(np.zeros((3, 4, 5)))
    with pytest.raises(BadValue, match="diameter above 0"):
        made.set_box(0)
