import numpy as np
import pytest

from napari_n2n import metrics
from napari_n2n.experiments.cryo.judging import (
    BAND_ANGSTROM,
    band_cycles_per_px,
    fitted_psnr,
    mean_frc,
)
from napari_n2n.experiments.panels import DETAIL_ANGSTROM, write_panels


@pytest.fixture
def clean():
    return np.random.default_rng(0).normal(100, 5, (64, 64)).astype(np.float32)


def test_psnr_after_the_fit_knows_no_scale_and_no_offset(clean):
    noise = np.random.default_rng(1).normal(0, 5, clean.shape)
    noisy = (clean + noise).astype(np.float32)
    assert fitted_psnr(40 * noisy + 7, clean) == pytest.approx(fitted_psnr(noisy, clean), abs=1e-3)
    assert fitted_psnr(3 * clean - 2, clean) > 90


def test_psnr_after_the_fit_is_what_the_correlation_says(clean):
    noisy = clean + np.random.default_rng(2).normal(0, 9, clean.shape)
    r = metrics.correlation(noisy, clean)
    peak = float(np.ptp(clean))
    expected = 10 * np.log10(peak**2 / (clean.var(dtype=np.float64) * (1 - r**2)))
    assert fitted_psnr(noisy, clean) == pytest.approx(expected, abs=1e-3)


def test_the_band_is_that_of_the_benchmark_at_its_pixel_size_and_never_beyond_nyquist():
    assert band_cycles_per_px(1.5) == pytest.approx((0.003, 0.1))
    low, high = band_cycles_per_px(20.0)
    assert low < high == 0.5
    assert BAND_ANGSTROM[0] > BAND_ANGSTROM[1]


def test_the_mean_of_a_curve_looks_beyond_its_first_zero():
    frequency = np.linspace(0, 0.5, 101)
    falls_early = np.where(frequency <= 0.05, 1.0, 0.0)
    rises_again = np.where((frequency > 0.06) & (frequency < 0.09), 1.0, falls_early)
    first, second = (metrics.RingCorrelation(frequency, c) for c in (falls_early, rises_again))
    assert first.resolution_angstrom(0.5) == second.resolution_angstrom(0.5)
    assert mean_frc(second) > mean_frc(first) == pytest.approx(0.5)


def test_pictures_show_the_whole_and_its_middle(tmp_path):
    from PIL import Image

    image = np.zeros((1600, 2000), np.float32)
    image[750:850, 950:1050] = 1.0
    write_panels(tmp_path / "whole.png", tmp_path / "detail.png", image, 1.0)
    whole, detail = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("whole", "detail"))
    assert whole.shape[1] / whole.shape[0] == pytest.approx(2000 / 1600, rel=0.01)
    assert detail.shape[0] == detail.shape[1]
    share = (100 / DETAIL_ANGSTROM) ** 2
    assert (detail > 127).mean() == pytest.approx(share, rel=0.1)
