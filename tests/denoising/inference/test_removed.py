from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.inference.removed import Removed, removed
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.io import read_micrograph
from napari_n2n.io.faults import find_faults, mend
from napari_n2n.progress import run_to_end

DATA = Path(__file__).parents[4] / "shared" / "data"
RINGS = DATA / "micrographs" / "ring_particles_ds8.mrc"
REST = DATA / "apoferritin" / "May08_03.05.02_rest.mrc"
needs_data = pytest.mark.skipif(not RINGS.is_file(), reason="needs ../shared/data")


def frequencies(shape):
    return np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])


def filtered(image, gains):
    spectrum = np.fft.rfft2(image) * gains(frequencies(image.shape))
    return np.fft.irfft2(spectrum, s=image.shape).astype(np.float32)


SPECTRA = {
    "white": np.ones_like,
    "spread by the detector": lambda k: np.exp(-8 * k**2),
    "falling": lambda k: np.exp(-4 * k),
    "long waves": lambda k: 1 / (k + 0.02),
    "with a floor": lambda k: np.exp(-2 * k) + 0.3,
}


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_noise_is_taken_for_noise(spectrum):
    alarms = 0
    for seed in range(6):
        noise = np.random.default_rng(seed).standard_normal(((128, 170, 190)[seed % 3], 160))
        noise = filtered(noise, spectrum)
        # Nothing left, and what a low-pass leaves: only noise was removed of either.
        for result in (np.zeros_like(noise), filtered(noise, lambda k: np.exp(-((k / 0.05) ** 2)))):
            alarms += removed(noise, result).holds_structure
    assert alarms == 0


def particles(count=60, side=512, seed=0):
    """Return dark rings of 24 px, (y, x), of unit depth."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side), np.float32)
    for cy, cx in rng.uniform(16, side - 16, (count, 2)):
        near = slice(int(cy) - 16, int(cy) + 18), slice(int(cx) - 16, int(cx) + 18)
        image[near] -= np.exp(-((np.hypot(y[near] - cy, x[near] - cx) - 9) ** 2) / 8)
    return image


def test_particles_that_went_with_the_noise_are_noticed():
    clean = particles()
    raw = clean + np.random.default_rng(1).normal(0, 1, clean.shape).astype(np.float32)
    assert not removed(raw, clean).holds_structure
    assert not removed(raw, 0.8 * clean).holds_structure
    gone = removed(raw, np.zeros_like(raw))
    assert gone.holds_structure
    assert gone.unevenness > 1.5
    assert "not only noise" in gone.warning


def test_particles_that_lie_everywhere_are_noticed_by_their_rings():
    # No place has more of them than another.
    texture = filtered(
        np.random.default_rng(2).standard_normal((512, 512)),
        lambda k: np.exp(-(((k - 0.09) / 0.02) ** 2)),
    )
    raw = texture / texture.std() + np.random.default_rng(3).normal(0, 1, (512, 512))
    gone = removed(raw.astype(np.float32), np.zeros((512, 512), np.float32))
    assert gone.holds_structure
    assert gone.above_noise > 2
    assert "as strong as noise can be" in gone.warning


def test_ice_and_faults_are_no_structure():
    rng = np.random.default_rng(4)
    slope = np.linspace(0.7, 1.3, 512, dtype=np.float32)[None] * np.ones((512, 1), np.float32)
    raw = rng.poisson(20 * slope).astype(np.float32)
    # Thicker ice on one side lets fewer electrons through: less signal, and less noise.
    assert not removed(raw, 20 * slope).holds_structure
    where = np.zeros(raw.shape, bool)
    where[100:180, 200:300] = where[:, 40] = True
    spoilt = np.where(where, 500, raw).astype(np.float32)
    assert not removed(spoilt, 20 * slope, where).holds_structure


def test_a_result_that_is_the_input_or_nothing_is_told():
    noise = np.random.default_rng(5).normal(100, 1, (256, 256)).astype(np.float32)
    assert "Nothing was denoised" in removed(noise, noise.copy()).warning
    assert "Nothing is left" in removed(noise, np.full_like(noise, 100)).warning


@needs_data
def test_real_particles_left_in_what_was_removed_are_noticed():
    pixels = read_micrograph(RINGS).pixels.astype(np.float32)
    faults = find_faults(pixels)
    rings = mend(pixels, faults)
    blurred = ndimage.gaussian_filter(rings, 12)
    sharpened = rings - ndimage.gaussian_filter(rings, 3)
    for wrong in (blurred, sharpened):
        assert removed(rings, wrong, faults.where).holds_structure
    # Crowded: no place has more particles than another.
    crowd = read_micrograph(REST).pixels.astype(np.float32)
    assert removed(crowd, ndimage.gaussian_filter(crowd, 24)).holds_structure


@needs_data
@pytest.mark.parametrize(("pixel_size", "is_right"), [(6.32, True), (0.79, False)])
def test_a_wrong_pixel_size_shows(pixel_size, is_right):
    pixels = read_micrograph(RINGS).pixels.astype(np.float32)[:320, :320]
    steps = denoise_steps(pixels, general_denoiser(), pixel_size_angstrom=pixel_size)
    assert run_to_end(steps).removed.holds_structure != is_right


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Removed(0.432, 0.5, 2.4123, 1.9, True), "more than noise: 43.2 % variance, 2.41 uneven"),
        (Removed(2e6, 0.1, 1234.0, 99, True), "more than noise: 999.0 % variance, 99 uneven"),
        (Removed(1e-5, 1, 1.0, 1.0), "nothing: 0.0 % variance"),
        (Removed(1, 0, 1.0, 0.98), "all: 100.0 % variance, 1 uneven, 0.98 strong"),
        (Removed(0.3, 0.5), "what is too small to judge: 30.0 % variance"),
        (Removed(0.3, 0.5, 1.0, 0.97), "only noise: 30.0 % variance"),
    ],
)
def test_it_fits_into_a_label_and_is_told_by_it(found, words):
    assert len(found.label) <= 80
    assert words in found.label
    told = Removed.from_label(found.label)
    assert told.warning[:34] == found.warning[:34]
    assert told.holds_structure == found.holds_structure
    assert Removed.from_json(found.as_json()).warning == found.warning
    assert Removed.from_label("napari-n2n: denoised") is None
    assert Removed.from_json({}) is None
