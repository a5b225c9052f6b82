"""Halves of single tomograms: noise is added and taken away, of the spectrum that they have."""

import numpy as np
import pytest
from scipy import fft, ndimage

from napari_n2n.denoising.training.noisier_halves import noise_power, noisier_halves

SHAPE = (32, 48, 40)


def wedged(shape, seed=1):
    """Return noise without waves nearer to z than 30 degrees, as a tomogram has it."""
    white = np.random.default_rng(seed).normal(size=shape)
    z, x = fft.fftfreq(shape[0])[:, None, None], fft.rfftfreq(shape[2])
    kept = np.abs(np.arctan2(z, x)) < np.deg2rad(60)
    noise = fft.irfftn(fft.rfftn(white) * kept, s=shape, axes=(0, 1, 2))
    return (noise / noise.std()).astype(np.float32)


@pytest.mark.parametrize("specimen", [0.0, 1.5])
def test_noise_of_the_halves_is_independent(specimen):
    noise = wedged(SHAPE)
    place = np.zeros(SHAPE, np.float32)
    place[16, 20, 20] = place[10, 30, 12] = 1
    signal = ndimage.gaussian_filter(place, 3)
    signal *= 4 * specimen / max(signal.max(), 1e-9)
    one, other = (half - signal for half in noisier_halves(noise + signal, 0))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1
    # Between neighbours as well, along z too, where they are alike.
    for axis in range(3):
        shifted = np.roll(other, 1, axis)
        assert abs(np.corrcoef(one.ravel(), shifted.ravel())[0, 1]) < 0.1
    np.testing.assert_allclose((one + other) / 2, noise, atol=1e-4)


def test_the_missing_wedge_has_no_noise():
    power = noise_power(wedged(SHAPE))
    assert power[10, 0, 3] < 0.3 * power[3, 0, 10]
    assert power.mean() == pytest.approx(1, rel=0.2)


def test_the_same_seed_gives_the_same():
    noise = wedged((17, 21, 25))
    one = noisier_halves(noise, 4)[0]
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, noisier_halves(noise, 4)[0])
    assert not np.array_equal(one, noisier_halves(noise, 5)[0])
