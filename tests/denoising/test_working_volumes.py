import numpy as np
import pytest

from napari_n2n.denoising import working_volumes
from napari_n2n.denoising.working_volumes import (
    FilledVolume,
    coarser_steps,
    finer,
    intensities_of,
    working_volume_shape,
)
from napari_n2n.errors import BadValue
from napari_n2n.progress import run_to_end

from .conftest import clean_volume, noisy_volumes


def waves(shape: tuple[int, int, int]) -> np.ndarray:
    """Return slow waves along every axis, the same ones on every grid."""
    # Each meets the edges at a crest, as an image and its mirror image do.
    z, y, x = (np.pi * (np.arange(n) + 0.5) / n for n in shape)
    return (np.cos(4 * z)[:, None, None] + np.cos(6 * y)[:, None] + np.cos(2 * x)).astype(
        np.float32
    )


@pytest.mark.parametrize("voxels_at_once", [1 << 24, 700])
def test_slow_waves_come_back_from_the_working_grid(monkeypatch, voxels_at_once):
    monkeypatch.setattr(working_volumes, "_VOXELS_AT_ONCE", voxels_at_once)
    fine = waves((20, 36, 30))
    coarse = run_to_end(coarser_steps(fine, (14, 24, 22)))
    assert coarse.shape == (14, 24, 22)
    assert coarse.std() == pytest.approx(fine.std(), rel=0.02)
    back = np.concatenate([slab for _, slab in finer(coarse, fine.shape)])
    np.testing.assert_allclose(back, fine, atol=1e-4)


def test_a_volume_at_the_working_size_stays_as_it_is():
    volume = clean_volume(0)
    np.testing.assert_array_equal(run_to_end(coarser_steps(volume, volume.shape)), volume)


@pytest.mark.parametrize(
    ("size", "working", "shape"),
    [(10.0, 20.0, (6, 20, 15)), (25.0, 20.0, (12, 40, 30)), (None, 20.0, (12, 40, 30))],
)
def test_no_volume_is_made_finer_than_it_is(size, working, shape):
    assert working_volume_shape((12, 40, 30), size, working) == shape


def test_gold_does_not_change_the_scale():
    volume = clean_volume(1) * 5 + 100
    golden = volume.copy()
    golden[:6, :20] = -1e4
    before, after = intensities_of(volume), intensities_of(golden)
    assert after.scale == pytest.approx(before.scale, rel=0.15)
    assert after.offset == pytest.approx(before.offset, abs=0.15 * before.scale)


def test_what_was_not_reconstructed_is_hidden_and_put_back():
    volume = noisy_volumes(2).odd + 100
    volume[:, :, :9] = 0
    filled = FilledVolume(volume)
    assert filled[3:5].min() > 30
    result = filled.returned(slice(0, 24), np.ones_like(volume))
    assert (result[:, :, :9] == 0).all()
    assert (result[:, :, 9:] == 1).all()


def test_grey_levels_of_bytes_are_no_filling():
    bytes_ = np.clip(np.random.default_rng(0).normal(120, 3, (12, 40, 40)), 0, 255).round()
    np.testing.assert_array_equal(FilledVolume(bytes_)[2:5], bytes_[2:5])


def test_nan_is_refused_with_the_sections():
    volume = clean_volume(3)
    volume[7, 3, 3] = np.nan
    with pytest.raises(BadValue, match=r"[Ss]ections .* NaN or infinite"):
        run_to_end(coarser_steps(FilledVolume(volume), volume.shape))
