import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_fourier_shell_correlation import fourier_ring_correlation, fourier_shell_correlation

from napari_n2n import metrics


def without_axes(image: np.ndarray) -> np.ndarray:
    """Leave out both axes of frequency with a line to each side, from the sixth ring on."""
    k = [np.abs(np.fft.fftfreq(side, 1 / side)) for side in image.shape]
    spectrum = np.fft.fft2(image)
    spectrum[(np.minimum(k[0][:, None], k[1]) <= 1) & (np.hypot(k[0][:, None], k[1]) >= 6)] = 0
    return np.fft.ifft2(spectrum).real


def noise(seed: int, shape: tuple[int, int] = (128, 128)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_an_image_correlates_perfectly_with_itself_at_every_frequency():
    curve = metrics.frc(noise(0), noise(0), 1.5)
    np.testing.assert_allclose(curve.correlation, 1, atol=1e-3)
    assert curve.frequency[-1] == pytest.approx(1 / 3.0)  # Nyquist of 1.5 Å/px
    assert curve.resolution_angstrom() == pytest.approx(3.0)


def test_independent_noise_does_not_correlate():
    curve = metrics.frc(noise(0), noise(1), 1.0)
    assert np.abs(curve.correlation[10:]).mean() < 0.1
    assert curve.resolution_angstrom() is None or curve.resolution_angstrom() > 25


@pytest.mark.parametrize("shape", [(64, 64), (97, 130)])
def test_the_frc_is_that_of_torch_fourier_shell_correlation(shape):
    shared = noise(2, shape)
    a, b = (shared + noise(seed, shape) for seed in (3, 4))
    side = min(shape) // 2 * 2
    y, x = ((length - side) // 2 for length in shape)
    taper = np.outer(*[scipy.signal.windows.tukey(side, 0.2)] * 2)
    squares = (image[y : y + side, x : x + side] for image in (a, b))
    tensors = (torch.from_numpy(without_axes((s - s.mean()) * taper)) for s in squares)
    expected = fourier_ring_correlation(*tensors).numpy()
    found = metrics.frc(a, b, 1.0).correlation
    assert found[1:-1] == pytest.approx(expected[1:-1], abs=2e-3)


def test_the_fsc_of_a_cube_is_that_of_torch_fourier_shell_correlation():
    shared = scipy.ndimage.gaussian_filter(noise(5, (48, 48, 48)), 1.5) * 6
    a, b = (shared + noise(seed, shared.shape) for seed in (6, 7))
    taper = scipy.signal.windows.tukey(48, 0.2)
    window = taper[:, None, None] * taper[:, None] * taper
    tensors = (torch.from_numpy((v - v.mean()) * window) for v in (a, b))
    expected = fourier_shell_correlation(*tensors).numpy()
    curve = metrics.fourier_shell_correlation(a, b, 10.0)
    assert curve.correlation[1:-1] == pytest.approx(expected[1:-1], abs=0.02)
    assert curve.frequency[-1] == pytest.approx(1 / 20)


@pytest.mark.parametrize("shape", [(24, 64, 56), (9, 31, 40)])
def test_volumes_of_any_shape_are_compared_at_every_frequency(shape):
    a, b = noise(8, shape), noise(9, shape)
    same = metrics.fourier_shell_correlation(a, a, 10.0)
    np.testing.assert_allclose(same.correlation[1:], 1, atol=1e-3)
    assert same.resolution_angstrom() == pytest.approx(20, rel=0.04)
    other = metrics.fourier_shell_correlation(a, b, 10.0)
    assert np.abs(other.correlation[6:]).mean() < 0.06
    with pytest.raises(ValueError, match="one shape"):
        metrics.fourier_shell_correlation(a, b[1:], 10.0)


def test_gold_in_both_halves_is_no_agreement_and_large_volumes_are_compared_in_their_middle(
    monkeypatch,
):
    a, b = noise(10, (24, 64, 64)), noise(11, (24, 64, 64))
    for volume in (a, b):
        volume[12, 30:33, 30:33] = 1000
    assert metrics.fourier_shell_correlation(a, b, 10.0).correlation[5:].mean() < 0.1
    monkeypatch.setattr(metrics, "_COMPARED_VOXELS", 24 * 32 * 32)
    assert len(metrics.fourier_shell_correlation(a, b, 10.0).correlation) == 17


@pytest.mark.parametrize("shape", [(128, 128), (97, 130), (161, 140)])
def test_the_frc_falls_where_the_signal_ends(shape):
    cutoff = 0.2
    signal = metrics.band_limited(noise(0, shape), 0, cutoff)
    a, b = (signal + 0.3 * noise(seed, shape) for seed in (1, 2))
    resolution = metrics.frc(a, b, 2.0).resolution_angstrom()
    assert resolution == pytest.approx(2.0 / cutoff, rel=0.15)


def test_the_snr_of_halves_is_the_true_one():
    signal = noise(0, (512, 512))
    a, b = (signal + 2 * noise(seed, (512, 512)) for seed in (1, 2))
    assert metrics.snr_of_halves(a, b) == pytest.approx(0.25, rel=0.05)
    assert metrics.snr_of_halves(signal, signal) == float("inf")


def test_psnr_by_its_formula():
    image = np.zeros((10, 10), np.float32)
    assert metrics.psnr(image + 5, image, peak=255) == pytest.approx(20 * np.log10(255 / 5))
    assert metrics.psnr(image, image, peak=255) == float("inf")


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_correlation_does_not_see_scale_and_offset(scale, offset):
    a, b = noise(0, (16, 16)), noise(0, (16, 16)) + noise(1, (16, 16))
    changed = b.astype(np.float64) * scale + offset
    assert metrics.correlation(a, changed) == pytest.approx(metrics.correlation(a, b), abs=1e-6)


def test_a_constant_image_correlates_with_nothing():
    assert metrics.correlation(np.ones((8, 8)), noise(0, (8, 8))) == 0


def test_the_best_gaussian_is_the_one_that_fits_the_noise():
    clean = metrics.band_limited(noise(0), 0, 0.05)
    clean /= clean.std()
    noisy = clean + 3 * noise(1)
    best, sigma = metrics.best_gaussian_correlation(noisy, clean, (0.1, 3.0, 40.0))
    assert sigma == 3.0
    assert best > metrics.correlation(noisy, clean)


@pytest.mark.parametrize("figure", [metrics.correlation, metrics.psnr])
def test_shapes_must_match(figure):
    with pytest.raises(ValueError, match="one shape"):
        figure(noise(0, (8, 8)), noise(0, (8, 9)))


def test_lines_of_a_detector_in_both_images_make_them_no_more_alike():
    a, b = noise(5, (256, 256)), noise(6, (256, 256))
    for image in (a, b):
        image[:, 100] += 5
        image[30] -= 3
    assert metrics.frc(a, b, 1.0).correlation[6:-1] == pytest.approx(0, abs=0.5)
    assert metrics.frc(a, b, 1.0).correlation[20:-1].mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("value", [65535.0, 300.0, -500.0])
def test_hot_pixels_in_both_images_make_them_no_more_alike(value):
    rng = np.random.default_rng(8)
    specimen = scipy.ndimage.gaussian_filter(rng.normal(size=(512, 512)), 2.5) * 8
    halves = [specimen + rng.normal(size=(512, 512)) for _ in range(2)]
    alike = metrics.frc(*halves, 2.0).resolution_angstrom()
    hot = tuple(rng.integers(0, 512, (2, 300)))
    for half in halves:
        half[hot] = value
    assert metrics.frc(*halves, 2.0).resolution_angstrom() == pytest.approx(alike, rel=0.05)
