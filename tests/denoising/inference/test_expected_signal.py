import numpy as np
import pytest

from napari_n2n.denoising.inference.expected_signal import expected_signal, presence

K = (np.arange(70) + 0.5) * 0.01


def rings(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Waves and the power of white noise in the rings of a square image."""
    k = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    waves = np.bincount((k / 0.01).astype(int).ravel(), minlength=70)[:70].astype(float)
    return waves, waves * side**2


def test_signal_is_believed_where_it_stands_out():
    waves, noise = rings(512)
    signal = np.zeros_like(noise)
    signal[5:9] = noise[5:9]
    told = expected_signal(signal, noise, waves)
    assert presence(signal, noise, waves) == 1
    np.testing.assert_allclose(told.power[5:9], signal[5:9], rtol=0.1)
    assert (told.share[5:9] > 0.95).all()
    assert (told.power[20:50] < 0.05 * noise[20:50]).all()


def test_of_nothing_little_is_expected():
    waves, noise = rings(512)
    told = expected_signal(np.zeros_like(noise), noise, waves)
    assert presence(np.zeros_like(noise), noise, waves) == 0
    assert not told.share.any()
    assert (told.power[:50] <= 0.061 * noise[:50]).all()
    # Fine detail is noise before all.
    assert told.power[40] / noise[40] < 0.3 * told.power[1] / noise[1]


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1])
def test_a_faint_signal_is_told_better_by_all_rings_than_by_each(width):
    waves, noise = rings(224)
    truth = 0.25 * np.exp(-0.5 * (K / width) ** 2)
    rng = np.random.default_rng(0)
    errors = np.zeros(2)
    for _ in range(50):
        waver = rng.normal(size=len(K)) * np.sqrt(2 / np.maximum(waves, 1)) * (1 + truth)
        measured = truth + waver
        told = expected_signal(measured * noise, noise, waves).power / np.maximum(noise, 1)
        for i, found in enumerate((told, np.maximum(measured, 0))):
            errors[i] += np.mean((found - truth)[:50] ** 2 * waves[:50])
    assert errors[0] < 0.5 * errors[1]
