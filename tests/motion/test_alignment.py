"""Motion correction against simulated movies whose drift and clean image are known."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_n2n.errors import BadPixels, DeviceProblem, NotEnoughData, UnreadableFile
from napari_n2n.io import Movie, read_micrograph
from napari_n2n.motion import (
    MotionConfig,
    Trajectory,
    align_steps,
    noise_correlation,
    sum_halves_steps,
    write_halves,
)
from napari_n2n.motion.adding import add_frames_steps
from napari_n2n.motion.trajectory import first_frame_shift_in
from napari_n2n.progress import Progress, run_to_end
from napari_n2n.simulation import SimulationConfig, build_scene, simulate, simulated_frames

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread(threads):
    threads(1)


def aligned(movie, **settings):
    return run_to_end(align_steps(movie, MotionConfig(device="cpu", **settings)))


def sums_with_the_true_motion(simulated, grid=5):
    """Return odd, even and full sums, aligned with the drift that was simulated."""
    drift, (height, width) = simulated.truth.drift, simulated.config.shape
    field = None
    if drift.is_local:
        y, x = np.meshgrid(
            np.linspace(0, height - 1, grid), np.linspace(0, width - 1, grid), indexing="ij"
        )
        field = np.stack(
            [drift.displacement_angstrom(i, y, x) for i in range(len(simulated.frames))], axis=1
        )
    pixel = simulated.config.pixel_size_angstrom
    truth = Trajectory(drift.whole_field_angstrom, field, pixel, len(simulated.frames) // 2)
    hot = np.zeros((height, width), bool)
    hot[tuple(simulated.truth.hot_pixels.T)] = True
    return run_to_end(add_frames_steps(simulated.as_movie(), truth, pixel, hot, None, CPU))


def correlation(image, clean, margin=64):
    """Correlate inside the edges, which frames that moved do not fill."""
    inner = (slice(margin, -margin), slice(margin, -margin))
    return np.corrcoef(image[inner].ravel(), clean[inner].ravel())[0, 1]


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.fixture(scope="module")
def movie_2048():
    """2048² x 40 frames at 1 e/Å² a frame and realistic contrast, through a real detector."""
    return simulate(
        SimulationConfig(
            seed=21,
            global_drift_angstrom=25,
            gain_pattern=0.05,
            hot_pixels=200,
            contaminant_count=0,
        )
    )


@pytest.fixture(scope="module")
def halves_2048(movie_2048):
    return aligned(movie_2048.as_movie())


def test_known_drift_is_recovered_to_a_fifth_of_a_pixel(movie_2048, halves_2048):
    truth = movie_2048.truth
    snr = 40 * truth.clean.var() / truth.clean.mean()
    assert 0.03 < snr < 0.05
    error = halves_2048.trajectory.shifts_px - truth.drift_angstrom
    assert rms(truth.drift_angstrom) > 4
    assert rms(error) <= 0.2
    assert halves_2048.trajectory.error_angstrom == pytest.approx(0.12, abs=0.06)


def test_aligned_sum_is_as_close_to_the_truth_as_one_aligned_with_the_true_drift(
    movie_2048, halves_2048
):
    _, _, full = sums_with_the_true_motion(movie_2048)
    clean = movie_2048.truth.clean
    blurred = run_to_end(sum_halves_steps(movie_2048.as_movie())).full
    assert correlation(halves_2048.full, clean) >= 0.98 * correlation(full, clean)
    assert correlation(blurred, clean) < 0.9 * correlation(full, clean)


def test_noise_of_the_halves_is_uncorrelated(halves_2048):
    correlated, limit = noise_correlation(halves_2048.odd, halves_2048.even)
    assert limit < 0.02
    assert abs(correlated) < limit


def test_hot_pixels_and_gain_are_what_would_correlate_the_noise(movie_2048):
    # The same frames without what `align_steps` does about them.
    unrepaired = Movie.from_array(movie_2048.frames, 1.0, 1.0)
    still = Trajectory(np.zeros((40, 2)), None, 1.0, 20)
    none = np.zeros(movie_2048.config.shape, bool)
    odd, even, _ = run_to_end(add_frames_steps(unrepaired, still, 1.0, none, None, CPU))
    correlated, limit = noise_correlation(odd, even)
    assert correlated > max(limit, 0.02)


def test_halves_add_up_and_count_the_electrons(movie_2048, halves_2048):
    inner = (slice(64, -64), slice(64, -64))
    total = halves_2048.odd[inner] + halves_2048.even[inner]
    np.testing.assert_allclose(halves_2048.full[inner], total, atol=1e-3)
    assert halves_2048.full.mean() == pytest.approx(40 * movie_2048.truth.clean.mean(), rel=0.01)
    assert halves_2048.odd.mean() == pytest.approx(halves_2048.even.mean(), rel=0.01)
    assert halves_2048.dose == 40
    assert halves_2048.pixel_size_angstrom == 1
    # No bright, dark or quiet frame is left around the image.
    edge, middle = halves_2048.full[:, :8], halves_2048.full[:, 1000:1008]
    assert edge.mean() == pytest.approx(middle.mean(), rel=0.05)
    assert edge.std() == pytest.approx(middle.std(), rel=0.15)


def test_local_drift_is_recovered_on_a_large_field():
    simulated = simulate(
        SimulationConfig(
            seed=22,
            shape=(3072, 3072),
            n_frames=8,
            dose_per_frame=5.0,
            global_drift_angstrom=15,
            local_drift_angstrom=8,
            contaminant_count=0,
        )
    )
    halves = aligned(simulated.as_movie())
    assert halves.trajectory.field_angstrom.shape == (2, 8, 5, 5)
    points = np.linspace(0.02, 0.98, 9)
    y, x = np.meshgrid(points * 3071, points * 3071, indexing="ij")
    drift = simulated.truth.drift
    truth = np.array([drift.displacement_angstrom(i, y, x) for i in range(8)])
    found = np.array([halves.trajectory.displacement_angstrom(i, points, points) for i in range(8)])
    whole = drift.whole_field_angstrom[:, :, None, None]
    assert rms(truth - whole) > 0.5
    assert rms(found - truth) <= 0.2
    _, _, best = sums_with_the_true_motion(simulated)
    clean = simulated.truth.clean
    assert correlation(halves.full, clean) >= 0.98 * correlation(best, clean)


def small(**changes):
    settings = {
        "shape": (640, 600),
        "n_frames": 16,
        "dose_per_frame": 4.0,
        "global_drift_angstrom": 16.0,
        "contaminant_count": 0,
        "seed": 5,
    }
    return simulate(SimulationConfig(**{**settings, **changes}))


@pytest.fixture(scope="module")
def small_movie():
    return small()


def test_a_field_that_moved_as_a_whole_is_not_bent(small_movie):
    halves = aligned(small_movie.as_movie(), patches=True)
    assert halves.trajectory.field_angstrom is None
    assert rms(halves.trajectory.shifts_angstrom - small_movie.truth.drift_angstrom) < 0.3


def test_drift_is_measured_in_angstrom_whatever_the_pixel_size():
    simulated = small(shape=(500, 480), pixel_size_angstrom=2.0, dose_per_frame=1.0)
    halves = aligned(simulated.as_movie())
    error = halves.trajectory.shifts_angstrom - simulated.truth.drift_angstrom
    assert rms(error) < 0.4
    np.testing.assert_allclose(halves.trajectory.shifts_px * 2, halves.trajectory.shifts_angstrom)


def test_an_unknown_pixel_size_gives_motion_in_pixels_and_says_so(small_movie, tmp_path):
    halves = aligned(Movie.from_array(small_movie.frames))
    assert halves.pixel_size_angstrom is None
    assert any("pixel size is unknown" in note for note in halves.notes)
    assert rms(halves.trajectory.shifts_px - small_movie.truth.drift_angstrom) < 0.3
    assert "px" in halves.summary.split("drift")[1]
    paths = write_halves(halves, tmp_path)
    assert "y_shift_px" in paths.motion.read_text()


def test_drift_far_beyond_the_first_guess_of_none_is_found():
    simulated = small(global_drift_angstrom=150.0, shape=(900, 900))
    halves = aligned(simulated.as_movie())
    assert rms(halves.trajectory.shifts_angstrom - simulated.truth.drift_angstrom) < 0.4


@pytest.mark.parametrize("kind", ["jump", "jitter"])
def test_motion_that_is_not_smooth_is_not_smoothed_away(kind):
    config = SimulationConfig(
        shape=(1024, 1024), n_frames=20, dose_per_frame=3.0, contaminant_count=0, seed=6
    )
    scene = build_scene(config)
    truth = scene.truth
    rough = np.zeros((20, 2))
    if kind == "jump":
        rough[12:] = (7.0, -5.0)
    else:
        rough = np.random.default_rng(0).normal(0, 2, (20, 2))
    path = truth.drift_angstrom + rough
    path -= path[10]
    drift = replace(truth.drift, whole_field_angstrom=path)
    moved = replace(scene, truth=replace(truth, drift=drift))
    frames = np.stack(list(simulated_frames(config, moved)))
    found = aligned(Movie.from_array(frames, 1.0, 3.0)).trajectory.shifts_angstrom
    assert rms(found - found.mean(axis=0) - path + path.mean(axis=0)) < 0.25


def test_a_blank_frame_is_bridged(small_movie):
    frames = small_movie.frames.copy()
    frames[4] = 0
    halves = aligned(Movie.from_array(frames, 1.0, 4.0))
    assert any("Blank frames (5)" in note for note in halves.notes)
    assert rms(halves.trajectory.shifts_angstrom - small_movie.truth.drift_angstrom) < 0.5


def test_hot_pixels_neither_hold_the_frames_still_nor_reach_the_halves():
    simulated = small(hot_pixels=60)
    halves = aligned(simulated.as_movie())
    assert rms(halves.trajectory.shifts_angstrom - simulated.truth.drift_angstrom) < 0.3
    assert any("60 hot or dead pixels" in note for note in halves.notes)
    assert halves.full.max() < 1.5 * np.percentile(halves.full, 99.9)


def test_a_missing_gain_reference_is_told_by_the_noise():
    simulated = small(gain_pattern=0.2, global_drift_angstrom=1.0)
    without = aligned(Movie.from_array(simulated.frames, 1.0, 4.0))
    assert any("Give the gain reference" in note for note in without.notes)
    assert not any("gain" in note for note in aligned(simulated.as_movie()).notes)


def test_noise_alone_is_not_mistaken_for_drift():
    frames = np.random.default_rng(0).poisson(1.0, (12, 400, 400)).astype(np.uint8)
    halves = aligned(Movie.from_array(frames, 1.0, 1.0))
    assert not halves.trajectory.shifts_angstrom.any()
    assert any("nothing clear enough" in note for note in halves.notes)
    np.testing.assert_allclose(halves.full, frames.sum(axis=0), atol=1e-3)


def test_dose_weighting_dims_late_fine_detail_and_keeps_the_noise_white(small_movie):
    movie = small_movie.as_movie()
    plain, weighted = aligned(movie), aligned(movie, dose_weighting=True)
    np.testing.assert_array_equal(
        plain.trajectory.shifts_angstrom, weighted.trajectory.shifts_angstrom
    )
    assert weighted.full.mean() == pytest.approx(plain.full.mean(), rel=1e-3)
    k = np.hypot(np.fft.fftfreq(640)[:, None], np.fft.rfftfreq(600)[None, :])
    powers = [np.abs(np.fft.rfft2(h.full - h.full.mean())) ** 2 for h in (plain, weighted)]
    for ring in (k > 0.3) & (k < 0.4), (k > 0.15) & (k < 0.2):
        assert powers[1][ring].mean() == pytest.approx(powers[0][ring].mean(), rel=0.05)
    # At high frequency the first frame alone is left, so halves share ever less of the full sum.
    high = (k > 0.4) & (k < 0.5)
    first = np.fft.rfft2(small_movie.frames[0].astype(np.float32))[high]
    shares = [
        abs(np.vdot(first, np.fft.rfft2(h.full)[high])) / np.linalg.norm(first)
        for h in (plain, weighted)
    ]
    assert shares[1] != pytest.approx(shares[0], rel=0.05)


@pytest.mark.parametrize(("pixel", "dose"), [(1.0, None), (None, 1.0)])
def test_dose_weighting_without_dose_or_pixel_size_is_refused(small_movie, pixel, dose):
    movie = Movie.from_array(small_movie.frames, pixel, dose)
    with pytest.raises(NotEnoughData, match="dose per frame" if dose is None else "pixel size"):
        aligned(movie, dose_weighting=True)


def test_a_single_frame_cannot_be_halved():
    movie = Movie.from_array(np.ones((1, 64, 64), np.uint8), path="one.mrc")
    with pytest.raises(NotEnoughData, match=r"one\.mrc has 1 frame"):
        aligned(movie)
    with pytest.raises(NotEnoughData, match="1 frame"):
        run_to_end(sum_halves_steps(movie))


def test_blank_movies_are_refused():
    movie = Movie.from_array(np.zeros((4, 128, 128), np.uint8), 1.0, path="dark.mrc")
    with pytest.raises(BadPixels, match=r"dark\.mrc is blank"):
        aligned(movie)
    with pytest.raises(BadPixels, match=r"dark\.mrc is blank"):
        run_to_end(sum_halves_steps(movie))


@pytest.mark.parametrize("shape", [(2, 3, 5), (3, 16, 16), (5, 40, 2000), (2, 65, 67)])
def test_odd_shapes_and_few_frames_are_added_whatever_they_show(shape):
    frames = np.random.default_rng(0).poisson(3.0, shape).astype(np.uint8)
    frames[0, 0, 0] += 1
    halves = aligned(Movie.from_array(frames, 1.0, 1.0), patches=True)
    np.testing.assert_allclose(halves.full, frames.sum(axis=0), atol=1e-3)
    np.testing.assert_allclose(halves.odd, frames[::2].sum(axis=0), atol=1e-3)
    assert halves.notes


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e6, 0.0), (1.0, -50.0)])
def test_the_units_of_the_camera_do_not_matter(small_movie, scale, offset):
    frames = small_movie.frames.astype(np.float32) * np.float32(scale) + np.float32(offset)
    found = aligned(Movie.from_array(frames, 1.0, 4.0)).trajectory.shifts_angstrom
    expected = aligned(small_movie.as_movie()).trajectory.shifts_angstrom
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_running_out_of_memory_becomes_a_device_problem(small_movie, monkeypatch):
    def exhausted(*_args, **_kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(torch.fft, "rfft", exhausted)
    with pytest.raises(DeviceProblem, match="out of memory"):
        aligned(small_movie.as_movie())


def test_a_device_that_was_not_asked_for_and_fails_is_replaced_by_the_cpu(small_movie, monkeypatch):
    # Tensors on the meta device hold no numbers: asking for one is a RuntimeError.
    monkeypatch.setattr("napari_n2n.motion.alignment._device", lambda _: torch.device("meta"))
    halves = run_to_end(align_steps(small_movie.as_movie()))
    assert rms(halves.trajectory.shifts_angstrom - small_movie.truth.drift_angstrom) < 0.3
    assert any("Aligned on the CPU" in note for note in halves.notes)
    with pytest.raises(DeviceProblem, match="choose the device 'cpu'"):
        run_to_end(align_steps(small_movie.as_movie(), MotionConfig(device="meta")))


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_missing_device_is_named(small_movie, device):
    with pytest.raises(DeviceProblem, match=device):
        run_to_end(align_steps(small_movie.as_movie(), MotionConfig(device=device)))


def test_progress_is_told_for_every_stage_and_ends_complete(small_movie):
    seen: list[Progress] = []
    run_to_end(align_steps(small_movie.as_movie(), MotionConfig(device="cpu")), seen.append)
    stages = {step.stage: step for step in seen}
    assert list(stages) == ["Reading frames", "Measuring drift", "Adding frames"]
    assert stages["Adding frames"].done == stages["Adding frames"].total == 16


def test_frames_that_are_aligned_already_are_added_as_they_are(small_movie):
    halves = run_to_end(sum_halves_steps(small_movie.as_movie()))
    np.testing.assert_array_equal(halves.odd, small_movie.frames[0::2].sum(axis=0))
    np.testing.assert_array_equal(halves.even, small_movie.frames[1::2].sum(axis=0))
    np.testing.assert_array_equal(halves.full, halves.odd + halves.even)
    assert halves.trajectory is None
    assert halves.dose == 64


def test_halves_are_written_under_the_names_relion_gives(small_movie, tmp_path):
    halves = aligned(small_movie.as_movie())
    paths = write_halves(halves, tmp_path / "deep" / "folder", "field_1")
    shown = [path.name for path in paths.odd.parent.iterdir() if path.name[0] != "."]
    assert set(shown) == {
        "field_1_ODD.mrc",
        "field_1_EVN.mrc",
        "field_1.mrc",
        "field_1_motion.csv",
    }
    odd = read_micrograph(paths.odd)
    np.testing.assert_array_equal(odd.pixels, halves.odd)
    assert odd.pixel_size_angstrom == pytest.approx(1)
    with paths.motion.open() as handle:
        rows = list(csv.DictReader(handle))
    found = [float(row["x_shift_angstrom"]) for row in rows]
    np.testing.assert_allclose(found, halves.trajectory.shifts_angstrom[:, 1], atol=1e-4)
    summed = write_halves(run_to_end(sum_halves_steps(small_movie.as_movie())), tmp_path, "plain")
    assert summed.motion is None
    assert not (tmp_path / "plain_motion.csv").exists()


def test_sums_lie_in_the_frame_that_was_chosen(tmp_path):
    config = SimulationConfig(shape=(256, 256), pixel_size_angstrom=3.0, seed=4)
    image, rng = build_scene(config).truth.clean, np.random.default_rng(0)
    frames = [
        np.roll(image, (2 * i, -i), (0, 1)) + rng.normal(0, 0.1 * image.std(), image.shape)
        for i in range(8)
    ]
    movie = Movie.from_array(np.array(frames, np.float32), 3.0, 1.0)
    middle, first = (aligned(movie, reference_frame=frame) for frame in ("middle", "first"))
    shift = np.array(middle.first_frame_shift_px)
    np.testing.assert_allclose(shift, (-8, 4), atol=0.3)
    np.testing.assert_allclose(first.first_frame_shift_px, 0, atol=1e-9)
    # What is at p in the middle frame is at p plus the shift in the first.
    moved = ndimage.shift(middle.full, shift, order=3, mode="nearest")
    assert correlation(moved, first.full) > correlation(middle.full, first.full)
    paths = write_halves(middle, tmp_path)
    found = first_frame_shift_in(paths.motion, middle.pixel_size_angstrom)
    np.testing.assert_allclose(found, shift, atol=1e-3)
    paths.full.with_suffix(".csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match="does not tell how the first frame"):
        first_frame_shift_in(paths.full.with_suffix(".csv"), 1.0)
