"""The first guess of the drift: close enough for the rounds that follow, whatever the movie."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_n2n.io import Movie
from napari_n2n.motion import first_guess as module
from napari_n2n.motion.correlation import Band, coarse_peak
from napari_n2n.motion.first_guess import first_guess_steps
from napari_n2n.motion.frames import CroppedFrames, read_cropped_steps
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulationConfig, build_scene, simulate, simulated_frames

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread(threads):
    threads(1)


def simulated(**changes):
    settings = {
        "shape": (640, 600),
        "n_frames": 16,
        "dose_per_frame": 3.0,
        "global_drift_angstrom": 30.0,
        "contaminant_count": 0,
        "seed": 5,
    }
    return simulate(SimulationConfig(**{**settings, **changes}))


def cropped(movie) -> CroppedFrames:
    return run_to_end(read_cropped_steps(movie, 1.0, 4.0, CPU))


def guess(frames, reach=150.0, reference=None):
    middle = len(frames.spectra) // 2 if reference is None else reference
    return run_to_end(first_guess_steps(frames, middle, reach)).numpy()


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def error_of(movie, **options):
    found = guess(cropped(movie.as_movie()), **options)
    return rms(found - movie.truth.drift_angstrom)


@pytest.fixture(scope="module")
def usual():
    return simulated()


@pytest.fixture(scope="module")
def frames(usual):
    return cropped(usual.as_movie())


def test_drift_is_guessed_to_far_below_the_pixels_that_are_compared(usual, frames):
    assert rms(usual.truth.drift_angstrom) > 4
    assert rms(guess(frames) - usual.truth.drift_angstrom) < 1


def test_the_reference_frame_does_not_move(frames):
    for reference in (0, 5, 15):
        found = guess(frames, reference=reference)
        assert not found[reference].any()
        np.testing.assert_allclose(found - found[8], guess(frames), atol=1e-9)


def test_neighbours_that_show_nothing_together_are_added_up_until_they_do():
    movie = simulated(shape=(768, 768), n_frames=64, dose_per_frame=0.25)
    frames = cropped(movie.as_movie())
    # What two neighbours show of each other does not stand out of the noise,
    cross = frames.spectra[1:].conj() * frames.spectra[:-1]
    cross *= torch.exp(-2500 / 4 * frames.band.frequency**2)
    _, heights = coarse_peak(cross, frames.band, 150.0)
    assert heights.median() < 4
    # and yet the drift is followed.
    assert rms(movie.truth.drift_angstrom) > 4
    assert rms(guess(frames) - movie.truth.drift_angstrom) < 2


def test_frames_may_drift_further_than_they_are_looked_for():
    movie = simulated(shape=(1000, 1000), n_frames=20, global_drift_angstrom=250.0)
    assert np.abs(movie.truth.drift_angstrom).max() > 120
    assert error_of(movie, reach=100.0) < 2


def test_a_jump_between_two_frames_is_found(usual):
    config = usual.config
    scene = build_scene(config)
    path = scene.truth.drift_angstrom.copy()
    path[11:] += (40.0, -60.0)
    drift = replace(scene.truth.drift, whole_field_angstrom=path)
    moved = replace(scene, truth=replace(scene.truth, drift=drift))
    pixels = np.stack(list(simulated_frames(config, moved)))
    found = guess(cropped(Movie.from_array(pixels, 1.0, 3.0)))
    assert rms(found - path) < 1


def test_hot_pixels_and_a_corrected_gain_do_not_hold_the_frames_still():
    assert error_of(simulated(hot_pixels=60, gain_pattern=0.1)) < 1


def test_thick_ice_on_one_side_does_not_hold_the_frames_still():
    assert error_of(simulated(ice_gradient=0.5)) < 2


def test_where_nothing_is_to_be_seen_nothing_moves():
    noise = np.random.default_rng(0).poisson(1.0, (24, 512, 512)).astype(np.uint8)
    assert not guess(cropped(Movie.from_array(noise, 1.0, 1.0))).any()


def test_a_specimen_that_does_not_move_is_left_where_it_is():
    assert error_of(simulated(global_drift_angstrom=0.0)) < 1


def test_a_blank_frame_lies_where_its_neighbours_do(usual):
    pixels = usual.frames.copy()
    pixels[[3, 4]] = 0
    found = guess(cropped(Movie.from_array(pixels, 1.0, 3.0)))
    error = found - usual.truth.drift_angstrom
    assert rms(np.delete(error, [3, 4], axis=0)) < 1
    assert np.abs(error).max() < 10


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 11])
def test_any_number_of_frames_can_be_paired(usual, frames, count):
    few = replace(frames, spectra=frames.spectra[-count:], blank=frames.blank[-count:])
    truth = usual.truth.drift_angstrom[-count:]
    assert rms(guess(few) - (truth - truth[count // 2])) < 1


def test_how_many_pairs_are_compared_at_once_changes_nothing(frames, monkeypatch):
    expected = guess(frames)
    for at_once in (1, 3):
        monkeypatch.setattr(module, "_PAIRS_AT_ONCE", at_once)
        np.testing.assert_allclose(guess(frames), expected, atol=1e-3)


def test_it_can_be_stopped_after_every_few_pairs(frames, monkeypatch):
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 4)
    seen = [(step.done, step.total) for step in first_guess_steps(frames, 8, 150.0)]
    # Of 16 frames 8 pairs in two goes, then 4 pairs, 2 and 1.
    assert seen == [(4, 15), (8, 15), (12, 15), (14, 15), (15, 15)]


def test_the_frames_are_left_as_they_are(frames):
    before = frames.spectra.clone()
    guess(frames)
    assert torch.equal(frames.spectra, before)


@pytest.mark.parametrize("shape", [(16, 16), (64, 512), (30, 22)])
def test_small_and_long_fields_are_no_trouble(shape):
    band = Band.of(shape, (1.0, 1.0), CPU)
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    spectrum = torch.fft.rfft2(image) * (band.frequency < 0.1)
    frames = CroppedFrames(
        spectrum.expand(4, -1, -1), band, np.zeros(shape, np.float32), np.zeros(4, bool)
    )
    np.testing.assert_allclose(guess(frames, reach=min(shape) / 4), 0, atol=0.05)
