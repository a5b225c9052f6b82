"""The simulator tells the truth: its images obey optics and counting statistics."""

import csv
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage

from napari_n2n.simulation import SimulationConfig, build_scene, simulate, simulated_frames

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "simulated_apoferritin"

SMALL = SimulationConfig(
    shape=(384, 512), n_frames=6, contaminant_count=0, n_particles=6, global_drift_angstrom=8
)


def radial_power(image, bins=64):
    spectrum = np.abs(np.fft.rfft2(image - image.mean())) ** 2 / image.size
    k = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1])[None, :])
    index = np.minimum((k * 2 * bins).astype(int), bins)
    total = np.bincount(index.ravel(), spectrum.ravel(), bins + 1)
    return (np.arange(bins) + 0.5) / (2 * bins), (total / np.bincount(index.ravel()))[:bins]


def without_ice(clean):
    return clean - ndimage.uniform_filter(clean, 301)


def test_the_same_seed_gives_the_same_movie_and_another_seed_another():
    first, again = simulate(SMALL), simulate(SMALL)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.truth.clean, again.truth.clean)
    assert first.truth.labels == again.truth.labels
    other = simulate(SMALL.replaced(seed=1))
    assert not np.array_equal(first.frames, other.frames)
    assert not np.array_equal(first.truth.centres_px, other.truth.centres_px)


def test_frames_made_one_by_one_are_those_made_together():
    together = simulate(SMALL)
    np.testing.assert_array_equal(np.stack(list(simulated_frames(SMALL))), together.frames)


@pytest.mark.parametrize(("pixel", "dose"), [(1.0, 1.0), (1.5, 0.8)])
def test_counts_are_poisson_at_the_given_dose(pixel, dose):
    config = SMALL.replaced(
        pixel_size_angstrom=pixel, dose_per_frame=dose, global_drift_angstrom=0.0
    )
    movie = simulate(config)
    expected = dose * pixel**2
    assert movie.frames.mean() == pytest.approx(expected, rel=0.02)
    residual = movie.frames - movie.truth.clean
    # With no drift, what is left after the clean image is noise whose variance is the count.
    assert residual.mean() == pytest.approx(0, abs=0.005)
    assert residual.var() == pytest.approx(movie.truth.clean.mean(), rel=0.02)
    first, last = residual[0].ravel(), residual[-1].ravel()
    assert abs(np.corrcoef(first, last)[0, 1]) < 4 / np.sqrt(first.size)


@pytest.fixture(scope="module")
def usual_clean():
    return build_scene(SimulationConfig(contaminant_count=0)).truth.clean


def test_contrast_of_the_usual_field_is_realistic(usual_clean):
    signal = 40 * without_ice(usual_clean)
    assert 0.03 < signal.var() / (40 * usual_clean.mean()) < 0.05


def test_power_spectrum_is_that_of_the_reference_simulation(usual_clean):
    path = REFERENCE / "test_00_clean.mrc"
    if not path.exists():
        pytest.skip(f"no reference simulation at {path}")
    reference = mrcfile.read(path).astype(np.float32)
    k, theirs = radial_power(without_ice(reference))
    _, ours = radial_power(without_ice(usual_clean))
    band = (k > 0.01) & (k < 0.1)
    assert np.corrcoef(np.log(theirs[band]), np.log(ours[band]))[0, 1] > 0.8
    assert 0.5 < ours[band].sum() / theirs[band].sum() < 2


@pytest.mark.parametrize("defocus", [1.0, 2.0])
def test_first_zero_of_the_contrast_transfer_is_where_the_formula_has_it(defocus):
    config = SimulationConfig(
        shape=(1024, 1024), defocus_micrometer=defocus, contaminant_count=0, ice_gradient=0
    )
    k, power = radial_power(build_scene(config).truth.clean, bins=128)
    # π λ k² Δf + asin(A) = π at λ = 0.019687 Å; Cs changes it by less than a bin.
    zero = np.sqrt((1 - np.arcsin(0.07) / np.pi) / (0.019687 * defocus * 1e4))
    near = np.abs(k - zero) < 0.012
    lowest = k[near][np.argmin(power[near])]
    assert lowest == pytest.approx(zero, abs=0.006)
    assert power[near].min() < 0.1 * power[np.abs(k - zero * 0.75).argmin()]


@pytest.mark.parametrize(("defocus", "sign"), [(1.5, -1), (-1.5, 1)])
def test_protein_is_dark_under_focus_and_bright_over_focus(defocus, sign):
    config = SMALL.replaced(
        defocus_micrometer=defocus, broken_fraction=0.0, ice_gradient=0.0, amplitude_contrast=0.0
    )
    truth = build_scene(config).truth
    y, x = np.mgrid[:384, :512]
    distance = np.min([np.hypot(y - cy, x - cx) for cy, cx in truth.centres_px], axis=0)
    shell = truth.clean[(distance > 44) & (distance < 56)].mean()
    far = truth.clean[distance > 100].mean()
    assert np.sign(shell - far) == sign
    assert abs(shell - far) > 0.02


@pytest.mark.parametrize("specimen", ["apoferritin", "aldolase"])
def test_particles_are_where_the_truth_says_and_do_not_overlap(specimen):
    config = SimulationConfig(
        specimen=specimen, shape=(1024, 1024), broken_fraction=0.3, contaminant_count=1, seed=2
    )
    truth = build_scene(config).truth
    assert truth.labels.count("contaminant") == 1
    assert len(truth.labels) == config.particle_count + 1
    contrast = ndimage.gaussian_filter(np.abs(truth.clean - np.median(truth.clean)), 20)
    everywhere = np.median(contrast)
    for (y, x), label in zip(truth.centres_px, truth.labels, strict=True):
        if label == "intact":
            assert contrast[int(y), int(x)] > 1.5 * everywhere
    particles = truth.centres_px[[label != "contaminant" for label in truth.labels]]
    gaps = np.hypot(*(particles[:, None] - particles[None]).transpose(2, 0, 1))
    assert gaps[gaps > 0].min() > 100


def test_broken_fraction_is_that_of_the_labels():
    config = SimulationConfig(shape=(3072, 3072), n_frames=1, broken_fraction=0.4)
    labels = build_scene(config).truth.labels
    particles = [label for label in labels if label != "contaminant"]
    assert np.mean([label == "broken" for label in particles]) == pytest.approx(0.4, abs=0.1)


def test_broken_particles_look_different_from_intact_ones():
    intact = SMALL.replaced(broken_fraction=0.0)
    broken = SMALL.replaced(broken_fraction=1.0)
    contrasts = [without_ice(build_scene(config).truth.clean).var() for config in (intact, broken)]
    assert contrasts[1] < 0.85 * contrasts[0]


def test_contaminants_are_the_darkest_things():
    plain = build_scene(SMALL).truth.clean.min()
    grimy = build_scene(SMALL.replaced(contaminant_count=1)).truth
    assert grimy.clean.min() < plain
    y, x = grimy.centres_px[grimy.labels.index("contaminant")].astype(int)
    smooth = ndimage.gaussian_filter(grimy.clean, 15)
    assert smooth[y, x] < 0.85 * np.median(smooth)


def test_ice_gradient_changes_the_brightness_across_the_field():
    empty = {"n_particles": 0, "contaminant_count": 0}
    flat = build_scene(SMALL.replaced(**empty, ice_gradient=0.0)).truth.clean
    sloped = build_scene(SMALL.replaced(**empty, ice_gradient=0.1)).truth.clean
    np.testing.assert_allclose(flat, 1, atol=1e-4)
    assert 0.05 < np.ptp(sloped) < 0.25
    assert sloped.mean() == pytest.approx(1, abs=0.02)


def test_drift_is_zero_in_the_middle_frame_and_as_long_as_asked():
    truth = simulate(SMALL).truth
    np.testing.assert_array_equal(truth.drift_angstrom[3], 0)
    steps = np.linalg.norm(np.diff(truth.drift_angstrom, axis=0), axis=1)
    assert steps.sum() == pytest.approx(8)
    # Beams move specimens most when they first hit them.
    assert steps[0] > steps[-1]


@pytest.mark.parametrize("local", [0.0, 6.0])
def test_frames_show_the_clean_image_displaced_by_the_drift(local):
    # Many electrons leave little noise between the frame and its expectation.
    config = SMALL.replaced(dose_per_frame=60.0, local_drift_angstrom=local, n_frames=3)
    movie = simulate(config)
    y, x = np.mgrid[40:344, 40:472].astype(float)
    for index, frame in enumerate(movie.frames):
        dy, dx = movie.truth.drift.displacement_angstrom(index, y, x)
        # What was at (y, x) minus its displacement is now at (y, x), to first order in bending.
        expected = ndimage.map_coordinates(movie.truth.clean, [y - dy, x - dx], order=3)
        noise = frame[40:344, 40:472] - expected
        smooth = ndimage.gaussian_filter(noise, 3)
        assert noise.var() == pytest.approx(60, rel=0.03)
        assert np.abs(smooth).max() < 6 * smooth.std()
        unmoved = frame[40:344, 40:472] - movie.truth.clean[40:344, 40:472]
        if np.hypot(dy, dx).mean() > 2:
            assert unmoved.var() > 1.02 * noise.var()


def test_local_drift_reaches_what_was_asked_at_a_corner_and_averages_to_the_whole():
    config = SMALL.replaced(local_drift_angstrom=5.0)
    drift = build_scene(config).truth.drift
    height, width = config.shape
    y, x = np.meshgrid(np.linspace(0, height - 1, 41), np.linspace(0, width - 1, 41))
    local = np.array(
        [
            drift.displacement_angstrom(frame, y, x)
            - drift.whole_field_angstrom[frame][:, None, None]
            for frame in (0, 5)
        ]
    )
    assert np.linalg.norm(local[1] - local[0], axis=0).max() == pytest.approx(5, rel=0.02)
    assert np.abs(local.mean(axis=(2, 3))).max() < 0.3


def test_gain_reference_flattens_what_the_gain_pattern_bent():
    config = SMALL.replaced(gain_pattern=0.1, n_particles=0, ice_gradient=0.0, n_frames=40)
    movie = simulate(config)
    raw = movie.frames.mean(axis=0)
    corrected = np.mean([movie.as_movie().frame(i) for i in range(40)], axis=0)
    assert movie.truth.gain.mean() == pytest.approx(1)
    assert movie.truth.gain.std() == pytest.approx(0.1, rel=0.1)
    assert np.corrcoef(raw.ravel(), 1 / movie.truth.gain.ravel())[0, 1] > 0.4
    assert abs(np.corrcoef(corrected.ravel(), 1 / movie.truth.gain.ravel())[0, 1]) < 0.02


def test_hot_pixels_shine_in_every_frame_where_the_truth_says():
    movie = simulate(SMALL.replaced(hot_pixels=25))
    hot = movie.truth.hot_pixels
    assert len({tuple(place) for place in hot}) == 25
    assert (movie.frames[:, hot[:, 0], hot[:, 1]] > 5).all()
    rest = movie.frames.copy()
    rest[:, hot[:, 0], hot[:, 1]] = 0
    assert rest.max() < 15


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_particles": 10_000}, "would overlap"),
        ({"dose_per_frame": 50.0, "pixel_size_angstrom": 2.0}, "do not fit the 8-bit frames"),
        ({"shape": (8, 100)}, "between 16 and 16384"),
        ({"specimen": "ribosome"}, "apoferritin"),
        ({"magnification": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_reason(changes, message):
    with pytest.raises(ValidationError, match=message):
        SimulationConfig(**changes)


@pytest.mark.parametrize("format", ["mrc", "tiff", "eer"])
def test_written_movies_read_back_as_they_were_simulated(tmp_path, format):
    from napari_n2n.io import open_movie, read_gain, read_micrograph
    from napari_n2n.simulation import write_simulated

    config = SMALL.replaced(shape=(256, 256), n_particles=2, n_frames=4, gain_pattern=0.05)
    simulated = simulate(config)
    written = write_simulated(simulated, tmp_path / "new", "movie", format=format)
    movie = open_movie(written.movie)
    if format == "eer":
        from napari_n2n.io import EerRendering

        movie = open_movie(written.movie, eer=EerRendering(frames=4))
    assert movie.pixel_size_angstrom == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_array_equal(np.stack(list(movie)), simulated.frames)
    clean = read_micrograph(written.clean)
    np.testing.assert_array_equal(clean.pixels, simulated.truth.clean)
    corrected = movie.replaced(gain=read_gain(written.gain)).frame(0)
    np.testing.assert_allclose(
        corrected, simulated.frames[0] * simulated.truth.gain, rtol=1e-5, atol=1e-5
    )
    with written.particles.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["label"] for row in rows] == simulated.truth.labels
    assert float(rows[0]["x_px"]) == pytest.approx(simulated.truth.centres_px[0, 1], abs=0.06)
    with written.drift.open() as handle:
        drift = [float(row["y_shift_angstrom"]) for row in csv.DictReader(handle)]
    np.testing.assert_allclose(drift, simulated.truth.drift_angstrom[:, 0], atol=1e-4)


def test_a_scene_is_written_without_holding_its_movie(tmp_path):
    from napari_n2n.io import open_movie
    from napari_n2n.simulation import write_simulated

    written = write_simulated(build_scene(SMALL), tmp_path, "movie")
    assert written.gain is None
    np.testing.assert_array_equal(open_movie(written.movie)[:], simulate(SMALL).frames)
