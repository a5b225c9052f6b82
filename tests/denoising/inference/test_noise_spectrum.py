import numpy as np
import pytest
import torch

from napari_n2n.denoising.inference.noise_spectrum import noise_spectrum
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.spectral_rings import RING, RingSums

from ...disturbed import DOSE, PIXEL_SIZE_ANGSTROM, field

SIDE = 512


def waves(side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Rings' frequencies (cycles/px) and how many waves of a square image are in each."""
    k = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    counts = np.bincount((k / RING).astype(int).ravel()).astype(float)
    return (np.arange(len(counts)) + 0.5) * RING, counts


@pytest.mark.parametrize(("bell", "tail"), [(0, 0), (1.5, 0), (0, 0.8), (2, 0.5)])
@pytest.mark.parametrize("thon", [0.0, 3.0])
def test_the_noise_is_found_below_thon_rings(bell, tail, thon):
    k, counts = waves()
    expected = 2.5 * np.exp(-bell * k**2 - tail * k)
    scatter = 1 + np.random.default_rng(0).normal(size=len(k)) * np.sqrt(2 / np.maximum(counts, 1))
    rings = np.sin(40 * np.pi * k**2) ** 2 * np.exp(-12 * k)
    found = noise_spectrum(expected * scatter * (1 + thon * rings), counts)
    band = k < 0.5
    np.testing.assert_allclose(found[band], expected[band], rtol=0.06)


# Power of apoferritin at 0.6 µm of underfocus and 40 e/Å², simulated, in rings at 4 Å/px.
CLOSE_TO_FOCUS = np.fromstring(
    """
    126 101 19.4 4.07 3.97 3.69 3.91 1.86 1.64 2.94 2.59 1.49 1.24 1.78 1.72 1.3
    1.2 1.4 1.32 1.16 1.09 1 0.992 0.879 1.07 1.22 1.15 0.944 0.98 1.17 1.06 0.833
    0.84 0.772 0.689 0.654 0.638 0.641 0.686 0.672 0.681 0.726 0.719 0.674 0.674 0.68 0.692 0.642
    0.64 0.644
    """,
    sep=" ",
)


def test_a_signal_that_falls_smoothly_is_not_taken_for_noise():
    k, counts = waves()
    band = k < 0.5
    power = np.ones(len(k))
    power[band] = CLOSE_TO_FOCUS
    np.testing.assert_allclose(noise_spectrum(power, counts)[band], 0.66, rtol=0.1)


@pytest.mark.parametrize("zeros", [1.0, 3.0])
def test_a_signal_that_reaches_the_highest_frequencies_is_not_taken_for_noise(zeros):
    """As in coarse images: contrast transfer that begins at 0 and is strong at Nyquist."""
    k, counts = waves()
    power = 1 + 6 * np.sin(np.pi * (zeros - 0.5) * (k / 0.5) ** 2) ** 2
    found = noise_spectrum(power, counts)
    np.testing.assert_allclose(found[k < 0.5], 1, atol=0.35)


@pytest.mark.parametrize("end", [0.25, 0.32, 0.4])
def test_noise_is_measured_where_an_enlarged_image_has_any(end):
    k, counts = waves()
    power = np.where(k < end, 1 + 50 * np.exp(-((k / 0.05) ** 2)), 1e-6)
    inside = k < end - 0.03
    np.testing.assert_allclose(noise_spectrum(power, counts)[inside], 1, rtol=0.1)


@pytest.mark.parametrize("specimen", [{}, {"seed": 3, "n_particles": 80}], ids=["few", "dense"])
@pytest.mark.parametrize("pixel_size", [8.0, 10.0, 12.0])
def test_where_the_specimen_reaches_nyquist_the_corners_tell_the_noise(pixel_size, specimen):
    """Without them it was found 3 to 7 times too strong, and the specimen went with it."""
    fine = field(**specimen)
    side = round(len(fine.counts) * PIXEL_SIZE_ANGSTROM / pixel_size / 2) * 2
    clean = (DOSE * fine.clean).astype(np.float32)
    raw, expected = (
        rescale(torch.from_numpy(image)[None], (side, side))[0] for image in (fine.counts, clean)
    )
    rings = RingSums(side, side, torch.device("cpu"))
    noise = rings.mean_power(torch.fft.rfft2(raw - expected))
    found = noise_spectrum(rings.mean_power(torch.fft.rfft2(raw - raw.mean())), rings.waves)
    band = slice(2, 25)  # 0.02 to 0.25 cycles/px
    ratio = np.average(found[band], weights=rings.waves[band]) / np.average(
        noise[band], weights=rings.waves[band]
    )
    assert 0.9 < ratio < 2


@pytest.mark.parametrize("fall", [0.0, 2.0, 4.0])
def test_noise_alone_is_found_however_it_falls(fall):
    k, counts = waves(192)
    scatter = 1 + np.random.default_rng(3).normal(size=len(k)) * np.sqrt(2 / np.maximum(counts, 1))
    expected = np.exp(-fall * k**2)
    found = noise_spectrum(expected * scatter, counts)
    band = (k > 0.02) & (k < 0.5)
    np.testing.assert_allclose(found[band], expected[band], rtol=0.12)
