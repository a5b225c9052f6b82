"""What stands still on the detector, lines and blocks, is found and kept out of the halves."""

import numpy as np
import pytest

from napari_n2n.io import Movie
from napari_n2n.metrics import frc
from napari_n2n.motion import MotionConfig, align_steps
from napari_n2n.motion.lines import described, lines_and_blocks
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulationConfig, simulate

RNG = np.random.default_rng(0)
SHAPE = (512, 640)


def rows(start, stop):
    return np.s_[start:stop, :]


def columns(start, stop):
    return np.s_[:, start:stop]


def found(total):
    return lines_and_blocks(total.astype(np.float32), np.zeros(total.shape, bool))


def field():
    """Return counts on ice of uneven thickness, with round particles."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    particles = np.hypot(y % 90 - 45, x % 90 - 45) < 30
    return RNG.poisson(30 * (1 + 0.2 * x / SHAPE[1]) * (1 - 0.1 * particles))


@pytest.mark.parametrize(
    ("where", "factor"),
    [
        (columns(300, 301), 0),
        (columns(300, 304), 1.3),
        (rows(17, 18), 2),
        (columns(0, 8), 0),
        (rows(500, 512), 0.5),
        (np.s_[192:320, 50], 0),
        (np.s_[100:180, 200:300], 0),
        (np.s_[100:230, 200:300], 1.5),
    ],
)
def test_lines_blocks_and_borders_are_found_to_a_pixel_across(where, factor):
    truth = np.zeros(SHAPE, bool)
    truth[where] = True
    total = field()
    total[where] = RNG.poisson(factor * 30, total[where].shape)
    mask = found(total)
    assert mask[truth].mean() > 0.97
    assert (mask & ~truth).sum() < 0.1 * truth.sum()
    assert f"{mask.mean():.2%} of the field" in described(mask)


def test_a_faint_column_is_found_by_its_length():
    total = RNG.poisson(20, (4096, 256))
    total[:, 77] += RNG.poisson(2, 4096)
    assert np.flatnonzero(found(total).any(axis=0)).tolist() == [77]


@pytest.mark.parametrize("mean", [0.5, 30, 4000])
def test_noise_and_specimen_have_no_lines(mean):
    assert not found(RNG.poisson(mean, (1024, 512))).any()
    assert not found(field()).any()
    assert not found(np.zeros((64, 64)) + np.arange(64)).any()


def test_one_half_of_the_camera_that_differs_is_not_filled_in():
    total = field()
    total[:256] += 10
    assert not found(total).any()


@pytest.fixture(scope="module")
def simulated(threads):
    threads(1)
    config = {"shape": (640, 640), "n_frames": 16, "dose_per_frame": 1.5}
    return simulate(SimulationConfig(**config, global_drift_angstrom=20, seed=5))


@pytest.fixture(scope="module")
def sound(simulated):
    return resolution_and_motion(simulated.frames)


def resolution_and_motion(frames):
    movie = Movie.from_array(frames, 1.0, 1.5)
    halves = run_to_end(align_steps(movie, MotionConfig(device="cpu")))
    resolution = frc(halves.odd, halves.even, 1.0).resolution_angstrom()
    return resolution, halves.trajectory.shifts_px, halves.notes


@pytest.mark.parametrize(
    ("places", "value"),
    [
        ([columns(300, 301), rows(200, 201)], 0),
        ([columns(300, 302), np.s_[128:384, 500]], 40),
        ([np.s_[200:296, 300:380], columns(0, 8)], 0),
    ],
)
def test_the_halves_agree_no_further_than_without_the_fault(simulated, sound, places, value):
    frames = simulated.frames.copy()
    for place in places:
        frames[(slice(None), *place)] = value
    resolution, shifts, notes = resolution_and_motion(frames)
    assert resolution == pytest.approx(sound[0], rel=0.03)
    assert np.sqrt(np.mean((shifts - sound[1]) ** 2)) < 0.2
    assert not any("Lines or blocks" in note for note in sound[2])
    assert any("Lines or blocks of the detector" in note for note in notes)
