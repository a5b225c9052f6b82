import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.training.pixel_noise import noise_power, without_outliers

from ..conftest import blobs

SIDE = 384


def noise(seed: int = 0, blur_px: float = 0.0) -> np.ndarray:
    """Return noise of unit variance (y, x) as a detector that spreads its electrons gives it."""
    white = np.random.default_rng(seed).normal(size=(SIDE, SIDE))
    if blur_px:
        white = ndimage.gaussian_filter(white, blur_px, mode="wrap", truncate=6)
        white /= white.std()
    return white.astype(np.float32)


def measured(image: np.ndarray) -> np.ndarray | None:
    return noise_power(torch.from_numpy(image))


def long_waves(image: np.ndarray) -> float:
    """Return the power of waves of 10 px and more."""
    power = np.abs(np.fft.fft2(image)) ** 2 / image.size
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE)] * 2))
    return float(power[(k > 0) & (k < 0.1)].mean())


@pytest.mark.parametrize("blur_px", [0.0, 0.35, 0.5])
def test_noise_at_long_waves_is_told_from_short_ones(blur_px):
    image = noise(0, blur_px)
    found = measured(image + 3 * blobs(1, SIDE))
    assert found[1:10].mean() == pytest.approx(long_waves(image), rel=0.12)


def test_thon_rings_and_ice_are_no_noise():
    image = noise()
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    rings = np.fft.irfft2(
        np.fft.rfft2(noise(1)) * (np.sin(80 * k**2) ** 2 * np.exp(-((k / 0.12) ** 2))
                                  + 2 * (np.abs(k - 0.27) < 0.01)),
        s=image.shape,
    )  # fmt: skip
    found = measured((image + 2 * rings).astype(np.float32))
    assert found[1:10].mean() == pytest.approx(1, rel=0.05)


def test_an_image_that_was_enlarged_or_smoothed_does_not_tell_its_noise():
    small = torch.from_numpy(noise()[None, : SIDE // 2, : SIDE // 2].copy())
    enlarged = rescale(small, (SIDE, SIDE))[0].numpy()
    assert measured(enlarged) is None
    assert measured(ndimage.gaussian_filter(noise(), 2.0)) is None
    assert measured(np.zeros((SIDE, SIDE), np.float32)) is None


def test_a_few_hot_pixels_change_nothing():
    image = noise()
    hot = image.copy()
    hot[::97, ::89] = 1e4
    assert measured(hot)[:10].mean() == pytest.approx(measured(image)[:10].mean(), rel=0.05)
    assert float(without_outliers(torch.from_numpy(hot)).max()) < 1e3
