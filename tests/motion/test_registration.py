"""How one image lies on another is told where it is beyond doubt, and undone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_n2n.motion import Registration, register


def images(seed=0, sides=(384, 448)):
    rng = np.random.default_rng(seed)
    clean = ndimage.gaussian_filter(rng.normal(0, 1, sides), 4)
    clean *= 1 / clean.std()
    return [(clean + rng.normal(0, 1, sides)).astype(np.float32) for _ in range(2)]


@settings(deadline=None, max_examples=20)
@given(
    rows=st.booleans(),
    columns=st.booleans(),
    inverted=st.booleans(),
    shift=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
)
def test_what_was_done_to_an_image_is_undone(rows, columns, inverted, shift):
    first, second = images()
    moved = second[:: -1 if rows else 1, :: -1 if columns else 1] * (-1 if inverted else 1)
    moved = np.roll(moved, shift, (0, 1))
    lies = register(first, moved)
    assert (lies.flipped_rows, lies.flipped_columns, lies.inverted) == (rows, columns, inverted)
    back = lies.undone(moved)
    aligned = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    # To a pixel or two, which these blobs of 4 px hardly notice.
    assert np.corrcoef(first.ravel(), back.ravel())[0, 1] > 0.8 * aligned


@pytest.mark.parametrize("sides", [(64, 64), (17, 33), (2, 5)])
def test_noise_has_no_way_to_lie(sides):
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (2, *sides)).astype(np.float32)
    assert register(first, second) == Registration(is_certain=False)


@pytest.mark.parametrize("how", [lambda i: np.roll(i, (9, 17), (0, 1)), lambda i: i[::-1]])
def test_what_is_faint_is_told_by_its_coarse_waves(how):
    rng = np.random.default_rng(4)
    clean = ndimage.gaussian_filter(rng.normal(0, 1, (512, 512)), 8)
    clean *= 0.3 / clean.std()
    first, second = (clean + rng.normal(0, 1, clean.shape) for _ in range(2))
    lies = register(first.astype(np.float32), how(second).astype(np.float32))
    assert lies != Registration()
    assert lies.is_certain


def test_an_empty_image_lies_as_it_is():
    assert register(np.zeros((64, 64), np.float32), images()[0][:64, :64]).shift_px == (0, 0)
