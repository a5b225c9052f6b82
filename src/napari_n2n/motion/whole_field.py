"""The drift of the whole field: a first guess, then each frame against the sum of the others."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.motion.correlation import (
    STRIP_ROWS,
    Band,
    coarse_peak,
    fine_peak,
    optimal_weights,
    power_of,
)
from napari_n2n.motion.first_guess import first_guess_steps
from napari_n2n.motion.frames import CroppedFrames
from napari_n2n.motion.smoothing import SHORTEST, smoothed
from napari_n2n.progress import Progress, Steps, Stopwatch, passed_on
from napari_n2n.threads import in_strips, side_by_side

_ROUNDS = 5
"""Most movies have settled after 3 or 4; the noisiest never do, and gain no more by going on."""
_SEARCHES = 2
"""Rounds in which a frame may jump to a far peak; after them it only climbs."""
_CLIMB_ANGSTROM = 8.0
"""From the highest pixel the top is less than one away: 4 Å by default, and as much to spare."""
_FIRST_B_FACTOR = 1500.0
"""Å², favours coarse features while the frames are not yet aligned: waves of 20 Å count 0.4."""
_SETTLED_ANGSTROM = 0.005
"""A sixth of the least error measured on simulated movies."""
_OUTLIER_SIGMA = 6.0
"""Chance alone takes no frame of a movie so far: it was mistaken for something else."""
_CLEAR_HEIGHT = 5.0
"""Sigma. The highest of thousands of chance values lies near 4."""
_ROUGH = 1.5
"""Times the known error. Of 12 frames, y and x, chance scatters the rms by 1 / √48, a seventh."""
_CLOSE_ANGSTROM = 4.0
"""Peaks of chance lie anywhere within reach, most of them tens of Å from any curve."""


@dataclass(frozen=True, eq=False)
class MeasuredDrift:
    """Shifts of all frames relative to the reference frame.

    Attributes
    ----------
    shifts_angstrom
        (frame, 2) y, x, smooth.
    error_angstrom
        Standard error of one frame's shift as measured, before smoothing.
    """

    shifts_angstrom: NDArray[np.float64]
    error_angstrom: float | None


def measure_drift_steps(
    frames: CroppedFrames, reference_frame: int, reach_angstrom: float
) -> Steps[MeasuredDrift | None]:
    """Measure the drift of the whole field.

    From a first guess on (`first_guess_steps`), each frame is compared with the sum of the others,
    every frequency weighted by what it can tell (``optimal_weights``), until nothing changes; and
    the shifts are smoothed in time. Simulated movies of 2048² px x 40 frames at 1 Å/px and 1 e/Å² a
    frame are left 0.06 px off, where the first guess is 0.3 px off.

    Parameters
    ----------
    reach_angstrom
        How far from the last round's place a frame is looked for.

    Returns
    -------
    MeasuredDrift | None
        None where the frames show nothing to measure motion by.
    """
    power = power_of(frames.spectra)  # (y, x // 2 + 1)
    # exp(-B k² / 4) is the usual envelope of amplitudes.
    weights = torch.exp(-_FIRST_B_FACTOR / 4 * frames.band.frequency**2)  # (y, x // 2 + 1)
    guess = first_guess_steps(frames, reference_frame, reach_angstrom)
    before = Progress("Measuring drift", 0, _ROUNDS)
    shifts = yield from passed_on(guess, lambda _: [before])  # (frame, 2)
    count = int((~frames.blank).sum())
    error = None
    watch = Stopwatch()
    for round_ in range(_ROUNDS):
        total = aligned_sum(frames.spectra, frames.band, shifts)  # (y, x // 2 + 1)
        if round_:
            weights = optimal_weights(power_of(total[None]), power, count, frames.band)
        searched = round_ < _SEARCHES
        measured, sharpness, highest = _measured(
            frames, total, weights, shifts, reach_angstrom if searched else None
        )
        if searched:
            heights = highest
        if round_:
            error = _error_angstrom(sharpness, count) or error
        # While frames may still be mistaken for others, jumps are not believed.
        known_error = None if searched else error
        curve = smooth_drift(measured, sharpness, heights > _CLEAR_HEIGHT, known_error)
        if round_ == _SEARCHES - 1 and not _believable(measured, curve, heights, ~frames.blank):
            return None
        new = torch.from_numpy(curve - curve[reference_frame])  # (frame, 2)
        change = float((new - shifts).abs().max())
        shifts = new
        yield watch.progress("Measuring drift", round_ + 1, _ROUNDS)
        if not searched and change < _SETTLED_ANGSTROM:
            break
    return MeasuredDrift(shifts.numpy(), error)


def _measured(
    frames: CroppedFrames,
    total: torch.Tensor,  # (y, x // 2 + 1) sum of the frames moved back
    weights: torch.Tensor,  # (y, x // 2 + 1)
    shifts_angstrom: torch.Tensor,  # (frame, 2) by which they were
    reach_angstrom: float | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compare each frame with the sum of the others.

    Without a reach the peak next to where the frame is already is taken.

    Returns
    -------
    measured
        (frame, 2) y, x shifts in Å.
    sharpness
        (frame,) curvature of the peak, an inverse variance up to a factor; 0 for blank frames.
    heights
        (frame,) of the highest peak within reach in standard deviations; 0 without a reach.
    """
    band, device, count = frames.band, frames.spectra.device, len(frames.spectra)
    measured = np.zeros((count, 2))
    sharpness, heights = np.zeros(count), np.zeros(count)

    def compare(index: int) -> None:
        own = band.move_back_(frames.spectra[index].clone(), shifts_angstrom[index].to(device))
        # The frame itself is taken out: it would match itself, noise and all.
        cross = (total - own).conj_physical_().mul_(own).mul_(weights)[None]  # (1, y, x // 2 + 1)
        start = torch.zeros(1, 2, dtype=torch.float64, device=device)
        if reach_angstrom is not None:
            start, height = coarse_peak(cross, band, reach_angstrom)  # (1, 2), (1,)
            start, heights[index] = start.double(), float(height)
        step, curvature = fine_peak(cross, band, start, _CLIMB_ANGSTROM)  # (1, 2), (1,)
        measured[index] = (shifts_angstrom[index] + step[0].cpu()).numpy()
        sharpness[index] = float(curvature[0])

    side_by_side(compare, range(count), device)
    sharpness[frames.blank] = 0
    return measured, sharpness, heights


def _error_angstrom(
    sharpness: NDArray[np.float64],  # (frame,)
    count: int,  # of frames that are not blank
) -> float | None:
    """Return the standard error of a single frame's shift; None where no frame has a peak."""
    peaked = np.sort(sharpness[sharpness > 0])
    if not len(peaked):
        return None
    # The weights are in units of the noise: the curvature is an inverse variance, added up over
    # the other frames.
    typical = float(peaked[(len(peaked) - 1) // 2]) / max(1, count - 1)
    return float(typical**-0.5)


def _believable(
    measured: NDArray[np.float64],  # (frame, 2)
    curve: NDArray[np.float64],  # (frame, 2)
    heights: NDArray[np.float64],  # (frame,)
    alive: NDArray[np.bool_],  # (frame,)
) -> bool:
    """Return whether peaks stand out of the noise, or at least lie on a curve together.

    Of heights, the median counts: by chance half of the frames do not reach ``_CLEAR_HEIGHT``.
    """
    if alive.sum() < 2 or not np.isfinite(heights).all():
        return False
    if np.median(heights[alive]) > _CLEAR_HEIGHT:
        return True
    distance = np.linalg.norm(measured - curve, axis=1)[alive]  # (living frame,)
    return bool(alive.sum() >= SHORTEST and np.median(distance) < _CLOSE_ANGSTROM)


def aligned_sum(
    spectra: torch.Tensor,  # (frame, y, x // 2 + 1)
    band: Band,
    shifts_angstrom: torch.Tensor,  # (frame, 2)
) -> torch.Tensor:
    """Return the sum of the spectra with each frame moved back by its shift, (y, x // 2 + 1)."""
    total = torch.zeros_like(spectra[0])  # (y, x // 2 + 1)
    y, x = band.phases(shifts_angstrom.to(spectra.device))  # (frame, y), (frame, x // 2 + 1)

    def add(rows: slice) -> None:
        for index in range(len(spectra)):
            total[rows] += spectra[index, rows] * y[index, rows, None] * x[index, None, :]

    in_strips(add, len(total), STRIP_ROWS, spectra.device)
    return total


def smooth_drift(
    measured: NDArray[np.float64],  # (frame, 2)
    sharpness: NDArray[np.float64],  # (frame,) 0: not measured
    clear: NDArray[np.bool_],  # (frame,) whether its peak stood out of the noise
    error_angstrom: float | None,
) -> NDArray[np.float64]:
    """Return smooth curves through the shifts, or the shifts themselves where they jump for real.

    A frame far off the others' curve does not count unless its peak was clear. If the frames stray
    from the curve by more than they can be mismeasured (``error_angstrom``), the specimen did.
    """
    curve = smoothed(measured, sharpness)  # (frame, 2)
    distance = np.linalg.norm(measured - curve, axis=1)  # (frame,)
    counted = sharpness > 0
    if not counted.any():
        return np.zeros_like(measured)
    # 1.4826: the median absolute deviation of a Gaussian is so much smaller than its sigma. At
    # least 1e-3 Å, for where the curve goes through nearly every frame the rest is no outlier.
    limit = _OUTLIER_SIGMA * max(1.4826 * float(np.median(distance[counted])), 1e-3)
    strays = counted & ~clear & (distance > limit)
    if strays.any() and (counted & ~strays).sum() >= SHORTEST:
        counted &= ~strays
        curve = smoothed(measured, np.where(counted, sharpness, 0))
    residual = np.sqrt(np.mean((measured - curve)[counted] ** 2))
    if error_angstrom is not None and residual > _ROUGH * error_angstrom:
        curve = np.where(counted[:, None], measured, curve)
    return curve
