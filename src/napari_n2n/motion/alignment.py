"""From a movie to its aligned halves."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_n2n.devices import choose_device
from napari_n2n.errors import DeviceProblem, NotEnoughData
from napari_n2n.io import Movie
from napari_n2n.io.kept_counts import KeptCounts
from napari_n2n.motion.adding import add_frames_steps
from napari_n2n.motion.config import MotionConfig
from napari_n2n.motion.defects import standing_out
from napari_n2n.motion.dose import DoseWeights
from napari_n2n.motion.frames import CroppedFrames, read_cropped_steps
from napari_n2n.motion.halves import Halves, make_halves, require_frames, sum_halves_steps
from napari_n2n.motion.lines import described, lines_and_blocks
from napari_n2n.motion.local import GRID, SMALLEST_FIELD_ANGSTROM, measure_bending_steps
from napari_n2n.motion.noise import noise_correlation
from napari_n2n.motion.trajectory import Trajectory
from napari_n2n.motion.whole_field import measure_drift_steps
from napari_n2n.progress import Steps, run_to_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_FRAME_PX = 64
_CORRELATED = 0.02
"""Correlation of the halves' noise beyond which the user is told."""


def align(movie: Movie, config: MotionConfig | None = None) -> Halves:
    """Align a movie and return its halves; see `align_steps`, which tells how far it is."""
    return run_to_end(align_steps(movie, config))


def align_steps(movie: Movie, config: MotionConfig | None = None) -> Steps[Halves]:
    """Measure the motion of a movie, move its frames back, add the odd, the even and all of them.

    The movie is read twice, ahead of the work, by one thread; the events of an EER movie are
    decoded once, and its counts kept in two bits a pixel. In memory are these, the sums, the
    Fourier-cropped frames and three frames, whatever its length. Where the pixel size is unknown, a
    pixel counts as 1 Å.

    Raises
    ------
    NotEnoughData
        When the movie has one frame, or dose weighting is asked for and the dose is unknown.
    BadPixels
        When every frame is blank, or one holds NaN.
    UnreadableFile
        When a frame is torn.
    DeviceProblem
        When the device is missing or its memory does not suffice.
    """
    config = MotionConfig() if config is None else config
    require_frames(movie)
    device = _device(config.device)
    try:
        try:
            return (yield from _align(movie, config, device))
        except RuntimeError as error:
            if config.device != "auto" or device.type == "cpu":
                raise
            # The user left the choice to us, and the CPU can do it in less memory.
            halves = yield from _align(movie, config, torch.device("cpu"))
            note = f"Aligned on the CPU, because the device {device.type!r} failed: {error}."
            return replace(halves, notes=(*halves.notes, note))
    except (RuntimeError, MemoryError) as error:
        # torch says so, and nothing more special, when memory runs out on a CPU.
        raise DeviceProblem(
            f"Aligning {movie.path} failed on the device {config.device!r}: {error}. If its memory "
            "ran out, close what else uses it or choose the device 'cpu'."
        ) from error


def _align(movie: Movie, config: MotionConfig, device: torch.device) -> Steps[Halves]:
    notes = []
    if movie.source.row_order == "eer":
        movie = replace(movie, source=KeptCounts(movie.source))
    pixel = movie.pixel_size_angstrom
    if pixel is None:
        pixel = 1.0
        notes.append("The pixel size is unknown: motion is given in pixels.")
    weights = _dose_weights(movie, config, device)
    if min(movie.shape[1:]) < _SMALLEST_FRAME_PX:
        return (yield from _unmoved(movie, notes))
    reference = 0 if config.reference_frame == "first" else len(movie) // 2
    coarse = config.estimation_pixel_size_angstrom
    frames = yield from read_cropped_steps(movie, pixel, coarse, device)
    hot = standing_out(frames.total)
    lines = lines_and_blocks(frames.total, hot)
    defects = hot | lines
    if (hot & ~lines).any():
        count = np.count_nonzero(hot & ~lines)
        notes.append(f"{count:,} hot or dead pixels were filled in from their neighbours.")
    if lines.any():
        notes.append(described(lines))
        # They stood still and held the frames: motion is measured without them.
        known = movie.defects
        movie = movie.replaced(defects=defects if known is None else defects | known)
        defects = np.zeros_like(defects)
        del frames
        frames = yield from read_cropped_steps(movie, pixel, coarse, device)
    if frames.blank.any():
        numbers = ", ".join(str(index + 1) for index in np.flatnonzero(frames.blank)[:10])
        notes.append(f"Blank frames ({numbers}) say nothing about motion.")
    trajectory, remarks = yield from _trajectory(movie, config, frames, reference, pixel)
    notes += remarks
    # The cropped frames make room for the sums.
    del frames
    sums = yield from add_frames_steps(movie, trajectory, pixel, defects, weights, device)
    correlation, limit = noise_correlation(sums[0], sums[1])
    if correlation > max(_CORRELATED, limit):
        remedy = (
            "Give the gain reference."
            if movie.gain is None
            else "Check that the gain reference is that of these movies, and lies as they do."
        )
        notes.append(
            f"The noise of the two halves is correlated ({correlation:.2f}): a pattern of the "
            f"detector stands in both, and a denoiser will keep it. {remedy}"
        )
    return make_halves(movie, sums, trajectory, tuple(notes))


def _unmoved(movie: Movie, notes: list[str]) -> Steps[Halves]:
    """Add frames that are too small to show motion as they are."""
    count, height, width = movie.shape
    halves = yield from sum_halves_steps(movie)
    still = Trajectory(np.zeros((count, 2)), None, movie.pixel_size_angstrom, count // 2)
    note = (
        f"Frames of {width} × {height} px are too small to show motion; they were added as they "
        "are."
    )
    return replace(halves, trajectory=still, notes=(*halves.notes, *notes, note))


def _trajectory(
    movie: Movie, config: MotionConfig, frames: CroppedFrames, reference: int, pixel: float
) -> Steps[tuple[Trajectory, list[str]]]:
    """Return how the specimen moved, and what the user should know of how that was found."""
    count, height, width = movie.shape
    known = movie.pixel_size_angstrom
    field: NDArray[np.float64] | None = None
    # Beyond a quarter of the field too little is left to compare.
    reach = min(config.largest_drift_angstrom, min(height, width) * pixel / 4)
    drift = yield from measure_drift_steps(frames, reference, reach)
    if drift is None:
        still = Trajectory(np.zeros((count, 2)), None, known, reference)
        return still, [
            "The frames show nothing clear enough to measure motion by (empty ice, or too low a "
            "dose per frame); they were added as they are."
        ]
    shifts = drift.shifts_angstrom
    large_enough = min(height, width) * pixel >= SMALLEST_FIELD_ANGSTROM
    if config.patches is True or (config.patches == "auto" and large_enough):
        bending = yield from measure_bending_steps(frames, shifts, reference)
        if bending is not None:
            # The field's mean belongs to the drift of the whole.
            shifts = shifts + bending.coefficients_angstrom[:, 0]
            field = bending.on_grid(GRID, GRID) + drift.shifts_angstrom.T[:, :, None, None]
    return Trajectory(shifts, field, known, reference, drift.error_angstrom), []


def _dose_weights(movie: Movie, config: MotionConfig, device: torch.device) -> DoseWeights | None:
    if not config.dose_weighting:
        return None
    if movie.dose_per_frame is None or movie.pixel_size_angstrom is None:
        missing = "dose per frame" if movie.dose_per_frame is None else "pixel size"
        raise NotEnoughData(
            f"{movie.path} does not say its {missing}, which dose weighting needs. Give it by "
            "hand, or switch dose weighting off."
        )
    return DoseWeights(
        (movie.shape[1], movie.shape[2]),
        movie.pixel_size_angstrom,
        movie.dose_per_frame,
        config.pre_exposure,
        config.voltage_kv,
        device,
    )


def _device(name: str) -> torch.device:
    """Return the device to align on; the CPU where Apple's GPU is asked for.

    That one has neither double nor complex numbers of every kind, which motion is measured with.

    Raises
    ------
    DeviceProblem
        There is no such device here.
    """
    device = choose_device(name)
    return torch.device("cpu") if device.type == "mps" else device
