"""Faults of a camera are found where they are, and nowhere else."""

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.io.faults import find_faults, mend, returned
from napari_n2n.metrics import correlation

SIDE, LARGE = 256, 512
KINDS = ["pixel", "pixels", "x-rays", "column", "hot row", "border", "rows", "block", "bar", "step"]


@pytest.fixture(scope="module", params=["counts", "few counts", "around zero"])
def sound(request) -> np.ndarray:
    """Return a specimen on noise, as counts or with a mean of 0."""
    rng = np.random.default_rng(3)
    specimen = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 5)
    specimen /= specimen.std()
    if request.param == "around zero":
        return (3000 * (0.4 * specimen + rng.normal(size=(SIDE, SIDE)))).astype(np.float32)
    mean = 80 if request.param == "counts" else 0.8
    return rng.poisson(mean * np.maximum(1 + 0.06 * specimen, 0)).astype(np.float32)


def disturbed(sound: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the image with a fault, and where that is; a step is nowhere."""
    image, where = sound.copy(), np.zeros(sound.shape, bool)
    strong = float(sound.mean() + 50 * sound.std())
    parts: dict[str, tuple[list, float]] = {
        "pixel": ([np.s_[70, 90]], 65535.0),
        "pixels": ([np.s_[17 * i + 3, 23 * i + 5] for i in range(10)], strong),
        "x-rays": ([np.s_[40 * i + 9 : 40 * i + 11, 30:33] for i in range(5)], strong),
        "column": ([np.s_[:, 85]], 0.0),
        "hot row": ([np.s_[131]], strong),
        "border": ([np.s_[:8], np.s_[-8:], np.s_[:, :8], np.s_[:, -8:]], 0.0),
        "rows": ([np.s_[:40]], 0.0),
        "block": ([np.s_[50:70, 100:150]], float(sound.mean())),
        "bar": ([np.s_[-30:-22, 20:100]], strong),
        "step": ([], 0.0),
    }
    places, value = parts[kind]
    # Dead lines of a camera whose zero was taken off are below everything.
    value = value if value or sound.min() >= 0 else float(sound.min())
    for place in places:
        image[place], where[place] = value, True
    if kind == "step":
        image[SIDE // 2 :] += 3 * sound.std()
    return image, where


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_found_and_filled_in_and_costs_only_its_place(sound, kind):
    image, where = disturbed(sound, kind)
    faults = find_faults(image)
    assert faults.where[where].all()
    away = ~ndimage.binary_dilation(where, iterations=9)
    assert not faults.where[away].any(), np.argwhere(faults.where & away)[:8]
    assert faults.sentence
    mended = mend(image, faults)
    assert correlation(mended[away], sound[away]) > 0.98
    assert mended.std() == pytest.approx(sound.std(), rel=0.05)


def test_nothing_is_found_in_a_sound_image(sound):
    faults = find_faults(sound)
    assert not faults.where.any()
    assert faults.offset is None
    assert not faults.sentence
    np.testing.assert_array_equal(mend(sound, faults), sound)


def test_areas_come_back_as_they_were_recorded_and_lines_filled_in(sound):
    image, block = disturbed(sound, "block")
    image[:, 200] = sound.mean() + 9 * sound.std()
    faults = find_faults(image)
    result = returned(mend(image, faults), image, faults)
    np.testing.assert_array_equal(result[block], image[block])
    assert (result[:, 200] < image[:, 200]).all()


def test_gold_is_carried_around_and_comes_back():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    gold = sum((np.hypot(y - a, x - b) < 14) for a, b in ((60, 60), (170, 120), (90, 200))) > 0
    image = (rng.normal(size=(SIDE, SIDE)) - 20 * gold).astype(np.float32)
    faults = find_faults(image)
    mended = mend(image, faults)
    assert mended.std() < 0.5 * image.std()
    np.testing.assert_allclose(returned(mended, image, faults), image, atol=1e-3)


def _grid_of_tiles(image):
    for k, share in enumerate(np.random.default_rng(2).uniform(-1.5, 1.5, 16)):
        y, x = (k // 4) * LARGE // 4, (k % 4) * LARGE // 4
        image[y : y + LARGE // 4, x : x + LARGE // 4] += share * image.std()


def _wide_band(image):
    image[:, 100:108] += 3 * image.std()


def _rows_at_the_edge(image):
    image[:3] -= 3 * image.std()


def _noisy_blocks(image):
    rng = np.random.default_rng(1)
    for y, x in rng.integers(20, LARGE - 40, (4, 2)):
        image[y : y + 12, x : x + 16] += (60 + 3 * rng.normal(size=(12, 16))) * image.std()


def _border_of_noise(image):
    noise = 0.2 * image.std() * np.random.default_rng(1).normal(size=image.shape)
    inner = image[16:-16, 16:-16].copy()
    image[:] = inner.mean() - 20 * inner.std() + noise
    image[16:-16, 16:-16] = inner


@pytest.mark.parametrize(
    "disturb",
    [_grid_of_tiles, _wide_band, _rows_at_the_edge, _noisy_blocks, _border_of_noise],
)
def test_what_remains_of_a_fault_spoils_nothing_elsewhere(disturb):
    rng = np.random.default_rng(3)
    specimen = ndimage.gaussian_filter(rng.normal(size=(LARGE, LARGE)), 5)
    sound = (0.4 * specimen / specimen.std() + rng.normal(size=(LARGE, LARGE))).astype(np.float32)
    image = sound.copy()
    disturb(image)
    image = image.astype(np.float32)
    near = ndimage.binary_dilation(np.abs(image - sound) > 2.5, iterations=6)
    if disturb is _grid_of_tiles:
        edges = np.minimum(np.arange(LARGE) % (LARGE // 4), -np.arange(LARGE) % (LARGE // 4)) < 4
        near = edges[:, None] | edges
    faults = find_faults(image)
    assert faults.sentence
    mended = mend(image, faults)
    # Tiles that differ by less than a specimen does are left as they are.
    least = 0.85 if disturb is _grid_of_tiles else 0.97
    assert np.corrcoef(mended[~near], sound[~near])[0, 1] > least


@pytest.mark.parametrize("kind", ["all the same", "not finite", "tiny", "one row"])
def test_what_holds_no_image_is_left_alone(kind):
    noise = np.random.default_rng(0).random((128, 128))
    image = {
        "all the same": np.full((128, 128), 7.0),
        "not finite": np.where(np.eye(128) > 0, np.nan, noise),
        "tiny": np.zeros((3, 5)),
        "one row": np.zeros((1, 500)),
    }[kind].astype(np.float32)
    assert mend(image, find_faults(image)).shape == image.shape


def faint_field() -> np.ndarray:
    """Return counts with specimen as large as a tenth of the field, whose sections differ."""
    rng = np.random.default_rng(8)
    specimen = sum(ndimage.gaussian_filter(rng.normal(size=(LARGE, LARGE)), s) * s for s in (5, 25))
    specimen /= specimen.std()
    return rng.poisson(8 * (1 + 0.08 * specimen)).astype(np.float32)


def test_a_part_that_counts_more_leaves_one_step_and_no_block():
    image = faint_field()
    image[:, 171:] *= 1.3
    offset = find_faults(image).offset
    assert offset is not None
    assert offset[:, 175:].std() < 0.02 * image.std()
    assert offset[:, :167].std() < 0.02 * image.std()
    assert offset[:, 300].mean() - offset[:, 80].mean() == pytest.approx(2.4, rel=0.15)


@pytest.mark.parametrize("part", [np.s_[:, : LARGE // 2], np.s_[: LARGE // 2, : LARGE // 2]])
@pytest.mark.parametrize("value", [0, 8])
def test_a_dead_half_makes_no_faults_of_the_other(part, value):
    image = faint_field()
    image[part] = value
    faults = find_faults(image)
    away = np.ones(image.shape, bool)
    away[part] = False
    away = ndimage.binary_erosion(away, iterations=12, border_value=1)
    assert not faults.where[away].any()
    assert faults.offset is None
