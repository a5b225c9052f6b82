"""Moving frames back into register and adding them up, one at a time."""

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.io import Movie, replace_defects
from napari_n2n.motion.dose import DoseWeights
from napari_n2n.motion.trajectory import Trajectory
from napari_n2n.motion.warping import (
    move_back_,
    move_back_whole,
    moved_back_locally,
    tile_centres,
)
from napari_n2n.progress import Progress, Stopwatch


class _Sum:
    """The sum of some frames, in Fourier space, and how much of it each pixel saw."""

    def __init__(self, shape: tuple[int, int], device: torch.device) -> None:
        self.spectrum = torch.zeros(
            (shape[0], shape[1] // 2 + 1), dtype=torch.complex64, device=device
        )
        self.squares: torch.Tensor | None = None
        self.seen = np.zeros(shape, np.uint16)
        self.mean = 0.0
        self.frames = 0

    def image(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the sum; where frames moved away from an edge, the noise is kept even."""
        spectrum = self.spectrum
        if self.squares is not None:
            spectrum = spectrum * (self.frames / self.squares.clamp(min=1e-12)).sqrt()
        image: NDArray[np.float32] = torch.fft.irfft2(spectrum, s=shape).cpu().numpy()
        if self.seen.min(initial=self.frames) < self.frames:
            image *= np.sqrt(self.frames / np.maximum(self.seen, 1), dtype=np.float32)
        image += np.float32(self.mean)
        return image


def add_frames(
    movie: Movie,
    trajectory: Trajectory,
    pixel_size_angstrom: float,
    defects: NDArray[np.bool_],
    dose_weights: DoseWeights | None,
    device: torch.device,
) -> Generator[
    Progress, None, tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
]:
    """Return the sums of odd frames (the first, third, ...), even frames, and all, each (y, x).

    Two sums and two frames are in memory. A frame that moved as a whole is moved by whole pixels
    and then by a ramp of phases: nothing wraps around, nothing is interpolated. Where a frame
    reaches no pixel it adds its mean.
    """
    count, height, width = movie.shape
    shape = (height, width)
    odd, even = _Sum(shape, device), _Sum(shape, device)
    repair = bool(defects.any())
    # One buffer each for all frames: new memory costs more than the arithmetic.
    moved = torch.empty(shape, device=device)
    spectrum = torch.empty_like(odd.spectrum)
    watch = Stopwatch()
    for index in range(count):
        pixels = movie.frame(index)
        if repair:
            pixels = replace_defects(pixels, defects)
        target = even if index % 2 else odd
        frame = torch.from_numpy(pixels).to(device)
        mean = float(frame.mean())
        frame.sub_(mean)
        shift = trajectory.shifts_angstrom[index] / pixel_size_angstrom
        whole = (round(float(shift[0])), round(float(shift[1])))
        valid = move_back_whole(frame, whole, moved)
        if trajectory.field_angstrom is not None:
            y, x = tile_centres(shape)
            local = trajectory.displacement_angstrom(index, y.numpy(), x.numpy())
            local = local / pixel_size_angstrom - np.array(whole)[:, None, None]
            torch.fft.rfft2(moved_back_locally(moved, torch.from_numpy(local)), out=spectrum)
        else:
            left = (float(shift[0]) - whole[0], float(shift[1]) - whole[1])
            torch.fft.rfft2(moved, out=spectrum)
            move_back_(spectrum, shape, left)
        if dose_weights is not None:
            weights = dose_weights.of_frame(index)
            spectrum.mul_(weights)
            square = weights.square_()
            target.squares = square if target.squares is None else target.squares.add_(square)
        target.spectrum += spectrum
        target.seen[valid] += 1
        target.mean += mean
        target.frames += 1
        yield watch.progress("Adding frames", index + 1, count)
    both = _Sum.__new__(_Sum)
    both.spectrum = odd.spectrum + even.spectrum
    both.squares = None
    if odd.squares is not None and even.squares is not None:
        both.squares = odd.squares + even.squares
    both.seen, both.mean = odd.seen + even.seen, odd.mean + even.mean
    both.frames = odd.frames + even.frames
    images = (odd.image(shape), even.image(shape), both.image(shape))
    return images
