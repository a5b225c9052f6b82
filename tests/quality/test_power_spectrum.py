"""The power spectrum of images whose waves are known."""

import numpy as np
import pytest

from napari_n2n.quality.power_spectrum import power_spectrum


def test_a_wave_shows_as_a_ring_at_its_length():
    y, x = np.mgrid[:640, :700]
    image = np.sin(2 * np.pi * (0.6 * y + 0.8 * x) / 8).astype(np.float32)  # every 8 px
    found = power_spectrum(image, 2.0)
    assert 1 / found.frequencies[found.rotational.argmax()] == pytest.approx(16.0, rel=0.02)  # Å
    row, column = np.unravel_index(found.power.argmax(), found.power.shape)
    middle, radius = len(found.power) // 2, len(found.power) / 8
    at = np.abs([row - middle, column - middle])
    np.testing.assert_allclose(at, [0.6 * radius, 0.8 * radius], atol=1)


def test_lines_of_a_detector_are_on_no_ring():
    noise = np.random.default_rng(1).standard_normal((1024, 1024)).astype(np.float32)
    lined = noise.copy()
    lined[:, 400] += 20
    lined[300] += 20
    clean, found = (power_spectrum(image, 1.0).rotational[10:] for image in (noise, lined))
    np.testing.assert_allclose(found, clean, atol=0.02)


def test_the_two_dimensional_spectrum_is_even():
    noise = np.random.default_rng(1).standard_normal((256, 256)).astype(np.float32)
    power = power_spectrum(noise, None).power
    inner = power[1:, 1:]  # zero frequency in the middle of these
    np.testing.assert_allclose(inner, inner[::-1, ::-1], atol=1e-5)


def test_white_noise_is_flat_at_its_variance():
    noise = 3 * np.random.default_rng(2).standard_normal((2048, 2048)).astype(np.float32)
    found = power_spectrum(noise, None)
    rings = found.rotational[10:]
    np.testing.assert_allclose(10**rings, 9, rtol=0.2)
    assert found.frequencies[-1] < 0.5
