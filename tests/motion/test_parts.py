"""The pieces of motion correction, each against arithmetic that must hold."""

import numpy as np
import pytest
import torch

from napari_n2n.motion import MotionConfig, Trajectory, noise_correlation
from napari_n2n.motion.correlation import Band, coarse_peak, fine_peak, optimal_weights
from napari_n2n.motion.defects import standing_out
from napari_n2n.motion.dose import DoseWeights
from napari_n2n.motion.smoothing import SHORTEST, smoothed
from napari_n2n.motion.warping import (
    add_moved_back_locally_,
    move_back_,
    move_back_whole,
    transform_,
    within,
)

CPU = torch.device("cpu")


def smooth_image(shape, seed=0, waves=40, highest=0.2):
    """Return a sum of waves below ``highest`` cycles/px, which can be evaluated anywhere."""
    rng = np.random.default_rng(seed)
    k = rng.uniform(-highest, highest, (waves, 2))
    phase = rng.uniform(0, 2 * np.pi, waves)

    def at(y, x):
        return np.cos(
            2 * np.pi * (k[:, 0, None, None] * y + k[:, 1, None, None] * x) + phase[:, None, None]
        ).sum(axis=0)

    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    return at, y, x


def spectrum_of(image):
    return torch.fft.rfft2(torch.from_numpy(image.astype(np.float32)))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.31, -0.47), (-6.25, 11.8)])
@pytest.mark.parametrize("shape", [(96, 128), (95, 127)])
def test_the_peak_of_a_shifted_image_is_found_far_below_a_pixel(shape, shift):
    rng = np.random.default_rng(3)
    band = Band.of(shape, (2.0, 2.0), CPU)
    reference = spectrum_of(rng.standard_normal(shape))
    # A band-limited image, moved by a ramp of phases: its shift is exact.
    reference *= band.frequency < 0.15
    moved = band.move_back_(reference.clone(), torch.tensor(shift, dtype=torch.float64) * -2.0)
    cross = (moved * reference.conj())[None]
    start, height = coarse_peak(cross, band, 40.0)
    assert height > 20
    assert np.abs(start.numpy() / 2 - shift).max() <= 0.5
    found, curvature = fine_peak(cross, band, start.double(), 4.0)
    np.testing.assert_allclose(found[0].numpy(), np.array(shift) * 2, atol=2e-4)
    assert curvature > 0


def test_a_peak_beyond_reach_is_not_returned():
    band = Band.of((64, 64), (1.0, 1.0), CPU)
    reference = spectrum_of(np.random.default_rng(0).standard_normal((64, 64)))
    moved = band.move_back_(reference.clone(), torch.tensor([-20.0, 0.0], dtype=torch.float64))
    start, _ = coarse_peak((moved * reference.conj())[None], band, 10.0)
    assert start.abs().max() <= 10


@pytest.mark.parametrize("shape", [(64, 48), (63, 47)])
def test_the_coarse_peak_is_that_of_the_inverse_transform(shape):
    rng = np.random.default_rng(6)
    band = Band.of(shape, (1.0, 1.0), CPU)
    cross = torch.stack([spectrum_of(rng.standard_normal(shape) + 3) for _ in range(5)])
    shifts, heights = coarse_peak(cross, band, 9.0)
    for spectrum, shift, height in zip(cross, shifts, heights, strict=True):
        correlation = np.fft.irfft2(spectrum.numpy(), s=shape)
        near = np.roll(correlation, (9, 9), axis=(0, 1))[:19, :19]
        place = np.unravel_index(near.argmax(), near.shape)
        np.testing.assert_allclose(shift, np.array(place) - 9)
        assert float(height) == pytest.approx(near.max() / correlation.std(), rel=1e-4)


def test_an_empty_spectrum_has_no_peak():
    band = Band.of((32, 32), (1.0, 1.0), CPU)
    cross = torch.zeros(1, 32, 17, dtype=torch.complex64)
    shift, curvature = fine_peak(cross, band, torch.zeros(1, 2, dtype=torch.float64), 4.0)
    assert not shift.any()
    assert not curvature.any()


def test_weights_are_zero_where_there_is_only_noise_and_not_where_there_is_signal():
    rng = np.random.default_rng(5)
    shape, count = (128, 128), 20
    band = Band.of(shape, (1.0, 1.0), CPU)
    signal = spectrum_of(rng.standard_normal(shape)) * (band.frequency < 0.15)
    spectra = [signal + spectrum_of(2 * rng.standard_normal(shape)) for _ in range(count)]
    total = torch.stack(spectra).sum(0).abs().square()
    power = sum(s.abs().square() for s in spectra)
    weights = optimal_weights(total, power, count, band)
    assert (weights[(band.frequency < 0.12) & (band.frequency > 0.03)] > 0).all()
    assert (weights[band.frequency > 0.25] == 0).float().mean() > 0.95


def test_curvature_predicts_the_error_of_a_measured_shift():
    rng = np.random.default_rng(8)
    shape, count = (128, 128), 40
    band = Band.of(shape, (1.0, 1.0), CPU)
    signal = spectrum_of(3 * rng.standard_normal(shape)) * (
        (band.frequency < 0.12) & (band.frequency > 0.01)
    )
    spectra = torch.stack(
        [signal + spectrum_of(4 * rng.standard_normal(shape)) for _ in range(count)]
    )
    total, power = spectra.sum(0), spectra.abs().square().sum(0)
    weights = optimal_weights(total.abs().square(), power, count, band)
    cross = weights * spectra * (total - spectra).conj()
    shifts, curvature = fine_peak(cross, band, torch.zeros(count, 2, dtype=torch.float64), 4.0)
    predicted = float((curvature.median() / (count - 1)) ** -0.5)
    assert predicted == pytest.approx(float(shifts.std()), rel=0.35)


def test_smoothing_halves_the_error_of_a_noisy_path_and_fills_gaps():
    rng = np.random.default_rng(0)
    time = np.linspace(0, 1, 40)
    path = np.stack([10 * (1 - np.exp(-time / 0.3)), 4 * np.sin(2 * time)], axis=1)
    noisy = path + 0.3 * rng.standard_normal(path.shape)
    noisy[17] = 1e6
    weights = np.ones(40)
    weights[17] = 0
    smooth = smoothed(noisy, weights)
    assert np.sqrt(np.mean((smooth - path) ** 2)) < 0.5 * 0.3
    np.testing.assert_allclose(smooth[17], path[17], atol=0.4)


def test_few_frames_are_left_as_measured():
    values = np.random.default_rng(0).standard_normal((SHORTEST - 1, 2))
    np.testing.assert_array_equal(smoothed(values, np.ones(SHORTEST - 1)), values)
    assert not smoothed(values, np.zeros(SHORTEST - 1)).any()


@pytest.mark.parametrize("shape", [(90, 64), (63, 81)])
def test_a_ramp_of_phases_moves_an_image_back_exactly(shape):
    rng = np.random.default_rng(1)
    image = torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
    rolled = torch.roll(image, (3, -5), dims=(0, 1))
    back = torch.fft.irfft2(move_back_(torch.fft.rfft2(rolled), shape, (3.0, -5.0)), s=shape)
    np.testing.assert_allclose(back, image, atol=1e-5)


@pytest.mark.parametrize("shift", [(0, 0), (3, -4), (-7, 2), (100, 0)])
def test_moving_by_whole_pixels_wraps_nothing_around(shift):
    image = torch.arange(1.0, 20 * 30 + 1).reshape(20, 30)
    moved = torch.full_like(image, torch.nan)
    move_back_whole(image, shift, moved)
    valid = within(20, shift[0])[0], within(30, shift[1])[0]
    for y, x in np.ndindex(20, 30):
        source = (y + shift[0], x + shift[1])
        inside = 0 <= source[0] < 20 and 0 <= source[1] < 30
        assert moved[y, x] == (image[source] if inside else 0)
    assert moved[valid].numel() == (moved != 0).sum()


def moved_locally(image, whole, field):
    total = torch.zeros(image.shape)
    add_moved_back_locally_(total, image, whole, torch.from_numpy(field))
    return total.numpy()


@pytest.mark.parametrize("shape", [(300, 420), (257, 99)])
def test_a_transform_in_strips_is_that_of_the_whole_image(shape):
    image = torch.from_numpy(np.random.default_rng(4).standard_normal(shape).astype(np.float32))
    spectrum = torch.empty((shape[0], shape[1] // 2 + 1), dtype=torch.complex64)
    expected = np.fft.rfft2(image.numpy())
    np.testing.assert_allclose(transform_(image, spectrum), expected, atol=2e-3)


@pytest.mark.parametrize("whole", [(0, 0), (3, -130), (-40, 7), (400, 0), (0, -900)])
def test_tiles_that_move_by_whole_pixels_only_are_the_moved_image(whole):
    image = torch.from_numpy(np.random.default_rng(2).standard_normal((300, 420)).astype("f4"))
    expected = torch.empty_like(image)
    move_back_whole(image, whole, expected)
    moved = moved_locally(image, whole, np.zeros((2, 3, 4)))
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_tiles_are_added_to_what_is_there():
    image = torch.ones(130, 130)
    total = torch.full((130, 130), 2.0)
    add_moved_back_locally_(total, image, (0, 0), torch.zeros(2, 2, 2))
    np.testing.assert_allclose(total, 3.0, atol=1e-6)


def test_tiles_follow_a_bending_field():
    shape = (300, 420)
    at, y, x = smooth_image(shape)
    # The field that the tiles' middles sample, in px: up to 3, and linear over the image.
    rows, columns = 3, 4
    field = np.zeros((2, rows, columns))
    field[0] = np.linspace(-1.5, 1.5, rows)[:, None]
    field[1] = np.linspace(-3, 3, columns)[None, :]
    image = torch.from_numpy(at(y, x).astype(np.float32))
    moved = moved_locally(image, (0, 0), field)
    for row, column in np.ndindex(rows, columns):
        inner = np.s_[row * 128 + 16 : row * 128 + 112, column * 128 + 16 : column * 128 + 112]
        inner = tuple(
            slice(s.start, min(s.stop, n - 16)) for s, n in zip(inner, shape, strict=True)
        )
        dy, dx = field[:, row, column]
        np.testing.assert_allclose(moved[inner], at(y + dy, x + dx)[inner], atol=0.02)


def test_tiles_keep_the_noise_white():
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.standard_normal((512, 512)).astype(np.float32))
    moved = moved_locally(noise, (0, 0), np.full((2, 4, 4), 0.5))
    power = np.abs(np.fft.rfft2(moved)) ** 2 / moved.size
    k = np.maximum(np.abs(np.fft.fftfreq(512))[:, None], np.fft.rfftfreq(512)[None, :])
    # Bicubic interpolation has lost a third of the power at 0.35 cycles a pixel.
    assert power[(k > 0.33) & (k < 0.37)].mean() == pytest.approx(1, abs=0.05)


def test_standing_out_finds_hot_and_dead_pixels_and_no_others():
    rng = np.random.default_rng(0)
    total = rng.poisson(400, (600, 700)).astype(np.float32)
    total *= np.linspace(0.8, 1.2, 700, dtype=np.float32)
    bad = np.zeros(total.shape, bool)
    bad[[5, 300, 599], [9, 350, 699]] = True
    bad[100, 100:102] = True
    total[bad] = 4000
    total[200, 200] = 0
    bad[200, 200] = True
    np.testing.assert_array_equal(standing_out(total), bad)
    assert not standing_out(np.zeros((64, 64), np.float32)).any()
    sparse = rng.poisson(2, (1000, 1000)).astype(np.float32)
    assert standing_out(sparse).sum() <= 1


def test_dose_weights_are_those_of_grant_and_grigorieff():
    weights = DoseWeights((100, 100), 1.0, 2.0, 0.0, 300.0, CPU)
    # At 0.1 1/Å the critical exposure is 0.245 * 0.1^-1.665 + 2.81 = 14.14 e/Å².
    first, tenth = weights.of_frame(0), weights.of_frame(9)
    assert float(first[10, 0]) == pytest.approx(np.exp(-2 / (2 * 14.138)), rel=1e-3)
    assert float(tenth[10, 0]) == pytest.approx(np.exp(-20 / (2 * 14.138)), rel=1e-3)
    assert (tenth <= first).all()
    assert float(tenth[0, 0]) == pytest.approx(1, abs=1e-6)
    softer = DoseWeights((100, 100), 1.0, 2.0, 0.0, 200.0, CPU).of_frame(9)
    assert float(softer[10, 0]) == pytest.approx(np.exp(-20 / (2 * 0.8 * 14.138)), rel=1e-3)
    later = DoseWeights((100, 100), 1.0, 2.0, 18.0, 300.0, CPU).of_frame(0)
    np.testing.assert_allclose(later, tenth, rtol=1e-5)


def test_noise_correlation_tells_independent_from_common_noise():
    rng = np.random.default_rng(0)
    first, second, common = rng.standard_normal((3, 512, 640)).astype(np.float32)
    alone, limit = noise_correlation(first, second)
    assert abs(alone) < limit
    assert limit < 0.05
    shared, _ = noise_correlation(first + common, second + common)
    assert shared == pytest.approx(0.5, abs=0.03)
    assert noise_correlation(np.zeros((64, 64), np.float32), np.zeros((64, 64), np.float32))[0] == 0


def test_a_trajectory_without_a_field_is_the_same_everywhere():
    path = np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, 3.0]])
    trajectory = Trajectory(path, None, 0.5, 1)
    at = trajectory.displacement_angstrom(0, np.array([0.0, 0.5]), np.array([0.1, 0.2, 1.0]))
    assert at.shape == (2, 2, 3)
    np.testing.assert_array_equal(at[0], 1)
    np.testing.assert_array_equal(at[1], 2)
    np.testing.assert_allclose(trajectory.shifts_px[0], [2, 4])
    assert trajectory.path_length_angstrom == pytest.approx(np.sqrt(5) + np.sqrt(10))


def test_a_quadratic_field_is_read_exactly_between_its_points():
    y, x = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5), indexing="ij")
    field = np.stack([y**2 + x * y, 3 * x**2 - y])[:, None]
    trajectory = Trajectory(np.zeros((1, 2)), field, 1.0, 0)
    at = trajectory.displacement_angstrom(0, np.array([0.3]), np.array([0.15, 0.9]))
    np.testing.assert_allclose(at[0, 0], [0.09 + 0.045, 0.09 + 0.27], atol=1e-9)
    np.testing.assert_allclose(at[1, 0], [3 * 0.0225 - 0.3, 3 * 0.81 - 0.3], atol=1e-9)


def test_a_trajectory_is_written_with_units_in_its_columns(tmp_path):
    path = np.array([[1.0, -2.0], [0.0, 0.0]])
    Trajectory(path, None, 1.2, 1).write_csv(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == [
        "frame,y_shift_angstrom,x_shift_angstrom",
        "1,1.0000,-2.0000",
        "2,0.0000,0.0000",
    ]
    Trajectory(path, None, None, 1).write_csv(tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().startswith("frame,y_shift_px,x_shift_px\n")
    Trajectory(path, np.ones((2, 2, 3, 3)), 1.2, 1).write_csv(tmp_path / "c.csv")
    header, *rows = (tmp_path / "c.csv").read_text().splitlines()
    assert header.count("angstrom") == 2 + 2 * 9
    assert all(row.count(",") == 2 + 2 * 9 for row in rows)


@pytest.mark.parametrize(
    "changes", [{"patches": "sometimes"}, {"voltage_kv": -1}, {"estimation_pixel": 3}]
)
def test_settings_that_cannot_be_meant_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        MotionConfig(**changes)
