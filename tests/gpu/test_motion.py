"""Movies are aligned on the card as on the CPU."""

import numpy as np
import pytest

from napari_n2n.motion import MotionConfig, Trajectory, align_steps
from napari_n2n.motion.adding import add_frames_steps
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulatedMovie, SimulationConfig, simulate

from .card import CPU, assert_alike, sized


@pytest.fixture(scope="module")
def movie() -> SimulatedMovie:
    """Return a movie whose field bends; on a card it is wide enough for patches."""
    side = sized(1024, 128)
    return simulate(
        SimulationConfig(
            shape=(side, side),
            n_frames=sized(20, 13),
            pixel_size_angstrom=2.5,
            global_drift_angstrom=20,
            local_drift_angstrom=10,
            gain_pattern=0.05,
            hot_pixels=20,
            seed=3,
        )
    )


@pytest.mark.parametrize("dose_weighting", [False, True])
@pytest.mark.parametrize("patches", [False, True])
def test_motion_and_sums(movie, device, patches, dose_weighting):
    ours, theirs = (
        run_to_end(
            align_steps(
                movie.as_movie(),
                MotionConfig(device=str(home), patches=patches, dose_weighting=dose_weighting),
            )
        )
        for home in (device, CPU)
    )
    assert not any("Aligned on the CPU" in note for note in ours.notes)
    np.testing.assert_allclose(
        ours.trajectory.shifts_angstrom, theirs.trajectory.shifts_angstrom, atol=0.05
    )
    assert (ours.trajectory.field_angstrom is None) == (theirs.trajectory.field_angstrom is None)
    if theirs.trajectory.field_angstrom is not None:
        np.testing.assert_allclose(
            ours.trajectory.field_angstrom, theirs.trajectory.field_angstrom, atol=0.2
        )
    for a, b in ((ours.odd, theirs.odd), (ours.even, theirs.even), (ours.full, theirs.full)):
        assert_alike(a, b, within=0.05)


@pytest.mark.parametrize("bends", [False, True])
def test_frames_that_are_moved_alike_add_up_alike(movie, device, bends):
    """With one motion for both there is only arithmetic left to differ by."""
    count, (height, width) = movie.config.n_frames, movie.config.shape
    pixel = movie.config.pixel_size_angstrom
    shifts = movie.truth.drift.whole_field_angstrom
    field = None
    if bends:
        ramp = np.linspace(-4, 4, 5)
        field = shifts.T[:, :, None, None] + np.linspace(0, 1, count)[None, :, None, None] * ramp
        field = np.broadcast_to(field, (2, count, 5, 5))
    motion = Trajectory(shifts, field, pixel, count // 2)
    none = np.zeros((height, width), bool)
    ours, theirs = (
        run_to_end(add_frames_steps(movie.as_movie(), motion, pixel, none, None, home))
        for home in (device, CPU)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert_alike(a, b, within=2e-3)
