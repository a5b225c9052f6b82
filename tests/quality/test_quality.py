"""Figures of images, halves, drift and particles: what they must say of what is known."""

import numpy as np
import pytest

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.quality import (
    FIGURES,
    drift_figures,
    half_figures,
    image_figures,
    overall,
    particle_figures,
)
from napari_n2n.simulation import SimulationConfig, build_scene

SIDE, PIXEL = 512, 4.0


def seen(brightness, seed=1, dose=40.0):
    """Return a micrograph of relative brightness (y, x) at 4 Å a pixel, taken with 40 e/Å²."""
    dice = np.random.default_rng(seed)
    expected = brightness / brightness.mean() * dose * PIXEL**2
    return dice.poisson(expected).astype(np.float32)


def field(**settings):
    config = SimulationConfig(
        shape=(SIDE, SIDE),
        pixel_size_angstrom=PIXEL,
        **{"contaminant_count": 0, "seed": 5, **settings},
    )
    return build_scene(config).truth.clean.astype(np.float64)


@pytest.fixture(scope="module")
def clean():
    return field()


@pytest.fixture(scope="module")
def good(clean):
    return image_figures(seen(clean), PIXEL)


def test_every_figure_is_defined(good):
    assert set(good) <= set(FIGURES)
    for name, figure in FIGURES.items():
        assert figure.name == name
        assert figure.definition.endswith(".")
        assert figure.title
        assert figure.source


def test_a_good_field_scores_high(good):
    assert good["contaminated_percent"] < 2
    assert good["empty_percent"] < 5
    assert good["structure"] > 1
    assert overall(good).value > 70


def test_noise_alone_is_empty():
    figures = image_figures(seen(np.ones((SIDE, SIDE))), PIXEL)
    assert figures["empty_percent"] > 90
    assert figures["structure"] < 0.3
    assert overall(figures).value < 40


def test_figures_do_not_depend_on_the_scale_of_the_counts(clean, good):
    again = image_figures(seen(clean) * 0.01, PIXEL)
    assert again.pop("brightness") == pytest.approx(0.01 * good["brightness"], rel=1e-4)
    for name, value in again.items():
        assert value == pytest.approx(good[name], rel=0.01, abs=0.01), name


def test_where_the_mean_was_taken_away_there_is_no_gradient(clean, good):
    image = seen(clean)
    figures = image_figures(image - image.mean(), PIXEL)
    assert "brightness_gradient" not in figures
    assert figures["structure"] == pytest.approx(good["structure"], rel=0.01)


@pytest.mark.parametrize("gradient", [0.1, 0.4])
def test_the_gradient_is_the_rise_across_the_field(clean, gradient):
    ramp = 1 + gradient * np.linspace(-0.5, 0.5, SIDE)[:, None] * np.ones(SIDE)
    figures = image_figures(seen(clean * ramp), PIXEL)
    own = image_figures(seen(clean), PIXEL)["brightness_gradient"]
    assert figures["brightness_gradient"] == pytest.approx(100 * gradient, abs=own + 2)


def test_blotches_are_coarser_than_particles(clean, good):
    dice = np.random.default_rng(3)
    frequency = np.hypot(np.fft.fftfreq(SIDE, PIXEL)[:, None], np.fft.fftfreq(SIDE, PIXEL))
    band = np.exp(-(((frequency - 1 / 260) / (1 / 900)) ** 2))
    waves = np.fft.ifft2(np.fft.fft2(dice.normal(size=(SIDE, SIDE))) * band).real
    blotchy = image_figures(seen(clean / clean.mean() + 0.06 * waves / waves.std()), PIXEL)
    assert blotchy["blotches"] > 3 * good["blotches"]
    score = overall(blotchy)
    assert score.value < overall(good).value - 20
    assert score.reasons[0].startswith("blotches")


def test_a_blurred_movie_has_streaks(clean, good):
    smeared = np.mean([np.roll(clean, shift, axis=0) for shift in range(-12, 13)], axis=0)
    blurred = image_figures(seen(smeared), PIXEL)
    assert blurred["streaks"] > good["streaks"] + 0.05


def test_a_denoised_image_shows_contamination_through_noise():
    dirty = field(contaminant_count=6)
    image = seen(dirty, dose=3.0)
    figures = image_figures(image, PIXEL, denoised=dirty.astype(np.float32))
    assert figures["contaminated_percent"] > 1


def test_crystalline_ice_is_seen_at_its_spacing():
    dice = np.random.default_rng(0)
    image = dice.poisson(40, (512, 512)).astype(np.float32)
    vitreous = image_figures(image, 1.0)["crystalline_ice"]
    y, x = np.mgrid[:512, :512]
    lattice = np.cos(2 * np.pi * (0.6 * y + 0.8 * x) / 3.67)
    crystal = image_figures((image + 2 * lattice).astype(np.float32), 1.0)["crystalline_ice"]
    assert vitreous < 0.1
    assert crystal > 1
    elsewhere = np.cos(2 * np.pi * (0.6 * y + 0.8 * x) / 5.0)
    assert image_figures((image + 2 * elsewhere).astype(np.float32), 1.0)["crystalline_ice"] < 0.1
    assert "crystalline_ice" not in image_figures(image, 2.0)
    assert "crystalline_ice" not in image_figures(image, None)


def test_an_image_of_unknown_pixel_size_is_taken_for_a_usual_field(clean):
    image = seen(clean)
    known = image_figures(image, 4096 / SIDE)
    assert image_figures(image, None) == known


@pytest.mark.parametrize("shape", [(70, 300), (33, 33), (9, 9), (1, 500)])
def test_small_images_have_the_figures_that_they_can_have(shape):
    image = np.random.default_rng(0).poisson(40, shape).astype(np.float32)
    figures = image_figures(image, 8.0)
    assert figures["brightness"] == pytest.approx(40, abs=3)
    assert all(np.isfinite(value) for value in figures.values())
    assert ("structure" in figures) == (min(shape) >= 32)


def test_unusable_images_are_refused():
    with pytest.raises(NotEnoughData):
        image_figures(np.full((64, 64), 3, np.float32), 1.0)
    with pytest.raises(BadValue):
        image_figures(np.full((64, 64), np.nan, np.float32), 1.0)


def test_halves_of_a_better_movie_agree_further(clean):
    few = half_figures(seen(clean, 1, 5.0), seen(clean, 2, 5.0), PIXEL)
    many = half_figures(seen(clean, 1, 40.0), seen(clean, 2, 40.0), PIXEL)
    assert many["snr"] > 3 * few["snr"] > 0
    assert many["resolution_angstrom"] < few["resolution_angstrom"]


def test_halves_that_share_nothing(clean):
    image = seen(np.ones((SIDE, SIDE)), 1), seen(np.ones((SIDE, SIDE)), 2)
    figures = half_figures(*image, PIXEL)
    assert figures["snr"] < 0.02
    assert half_figures(*image, None) == {}


def test_the_sums_signal_to_noise_is_what_was_put_in():
    dice = np.random.default_rng(0)
    signal = dice.normal(0, 1, (SIDE, SIDE))
    halves = [(signal + dice.normal(0, 2, signal.shape)).astype(np.float32) for _ in range(2)]
    # The sum of both: signal 1, noise 4 / 2.
    assert half_figures(*halves, 10.0)["snr"] == pytest.approx(0.5, abs=0.05)


def test_drift_is_the_length_of_the_path():
    shifts = np.zeros((40, 2))
    shifts[:, 0] = np.concatenate([np.arange(5) * 3.0, np.full(35, 12.0)])
    shifts[20:, 1] = 8.0
    figures = drift_figures(shifts)
    assert figures["drift_total_angstrom"] == pytest.approx(20)
    assert figures["drift_early_angstrom"] == pytest.approx(12)
    assert figures["drift_late_angstrom"] == pytest.approx(8)
    by_dose = drift_figures(shifts, dose_per_frame=2.0)  # 4 e/Å² are two frames
    assert by_dose["drift_early_angstrom"] == pytest.approx(6)
    assert drift_figures(shifts[:1]) == {}


def test_particles_are_counted_without_contaminants():
    centres = np.random.default_rng(0).random((40, 2)) * 1000
    labels = ["intact"] * 15 + ["broken"] * 5 + ["unlabelled"] * 10 + ["contaminant"] * 10
    figures = particle_figures(centres, labels, (1000, 1000), 10.0)
    assert figures["particles"] == 30
    assert figures["particles_per_square_micrometre"] == pytest.approx(30)
    assert figures["broken_percent"] == pytest.approx(25)
    assert "particles_per_square_micrometre" not in particle_figures(
        centres, labels, (1000, 1000), None
    )


def test_no_particles():
    figures = particle_figures(np.empty((0, 2)), [], (100, 100), 100.0)
    assert figures == {"particles": 0, "particles_per_square_micrometre": 0}
    assert overall(figures).value < 50


def test_evenness_knows_random_even_and_clustered():
    dice = np.random.default_rng(1)

    def evenness(centres):
        labels = ["unlabelled"] * len(centres)
        return particle_figures(centres, labels, (1000, 2000), 1.0)["particle_evenness"]

    random = dice.random((400, 2)) * (1000, 2000)
    grid = np.stack(np.meshgrid(np.arange(25, 1000, 50), np.arange(25, 2000, 50)), 2)
    clusters = dice.random((20, 2)) * (1000, 2000)
    clustered = np.repeat(clusters, 20, axis=0) + dice.normal(0, 10, (400, 2))
    assert evenness(random) == pytest.approx(1, abs=0.08)
    assert evenness(grid.reshape(-1, 2)) == pytest.approx(1.9, abs=0.15)
    assert evenness(clustered) < 0.5
