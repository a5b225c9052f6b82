"""Moving frames back into register and adding them up, one at a time."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.io import Movie, fill_with_neighbours
from napari_n2n.motion.dose import DoseWeights
from napari_n2n.motion.reading import read_ahead
from napari_n2n.motion.trajectory import Trajectory
from napari_n2n.motion.warping import (
    STRIP_ROWS,
    add_moved_back_locally_,
    move_back_,
    move_back_whole,
    tile_centres,
    transform_,
    within,
)
from napari_n2n.progress import Progress, Stopwatch
from napari_n2n.threads import strip_by_strip

_LEAST_WEIGHT = 1e-12
"""Of squared dose weights: where a frequency has faded away in all frames, 0 / 0 is to be 0."""


class _Sum:
    """The sum of some frames, as pixels or in Fourier space, and how much of it each pixel saw."""

    def __init__(self, values: torch.Tensor, shape: tuple[int, int]) -> None:
        self.values = values  # (y, x) float32 or (y, x // 2 + 1) complex64, without the mean
        self.shape = shape
        self.squares: torch.Tensor | None = None  # (y, x // 2 + 1) of the frames' dose weights
        # How many frames reached each pixel. An EER has more than 255.
        self.seen = np.zeros(shape, np.uint16)  # (y, x)
        # Of all frames: kept apart, float32 has all its digits for what differs from it.
        self.mean = 0.0
        self.frames = 0

    @classmethod
    def of_pixels(cls, shape: tuple[int, int], device: torch.device) -> Self:
        return cls(torch.zeros(shape, device=device), shape)

    @classmethod
    def of_spectra(cls, shape: tuple[int, int], device: torch.device) -> Self:
        half_plane = (shape[0], shape[1] // 2 + 1)
        return cls(torch.zeros(half_plane, dtype=torch.complex64, device=device), shape)

    def __add__(self, other: Self) -> Self:
        both = type(self)(self.values + other.values, self.shape)
        if self.squares is not None and other.squares is not None:
            both.squares = self.squares + other.squares
        both.seen, both.mean = self.seen + other.seen, self.mean + other.mean
        both.frames = self.frames + other.frames
        return both

    def image(self) -> NDArray[np.float32]:
        """Return the sum; where frames moved away from an edge, the noise is kept even.

        Takes the sum's memory for it: afterwards the sum is of no use.
        """
        values = self.values
        if self.squares is not None:
            # Σ w F has noise of power Σ w² for each frequency. Divided by √(Σ w²) it is white, and
            # times √n as strong as that of n frames.
            values *= (self.frames / self.squares.clamp(min=_LEAST_WEIGHT)).sqrt()
        if values.is_complex():
            values = torch.fft.irfft2(values, s=self.shape)
        image: NDArray[np.float32] = values.cpu().numpy()  # (y, x)
        # Likewise: m frames have √m times the noise of one, and are to have that of n.
        if self.seen.min(initial=self.frames) < self.frames:
            image *= np.sqrt(self.frames / np.maximum(self.seen, 1), dtype=np.float32)
        image += np.float32(self.mean)
        return image


def add_frames_steps(
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

    Two sums and a few frames are in memory (``FRAMES_ALIVE``). A frame that moved as a whole is
    moved by whole pixels and then by a ramp of phases: nothing wraps around, nothing is
    interpolated. Where a frame reaches no pixel it adds its mean.
    """
    count, height, width = movie.shape
    shape = (height, width)
    bends = trajectory.field_angstrom is not None
    # Tiles are moved as pixels, and only weighting needs their spectrum.
    as_pixels = bends and dose_weights is None
    make = _Sum.of_pixels if as_pixels else _Sum.of_spectra
    odd, even = make(shape, device), make(shape, device)
    # One buffer each for all frames: new memory costs more than the arithmetic.
    moved = torch.empty(() if as_pixels else shape, device=device)  # (y, x)
    # (y, x // 2 + 1)
    spectrum = None if as_pixels else torch.empty_like(odd.values)
    watch = Stopwatch()
    with closing(read_ahead(_repaired(movie, defects), count)) as frames:
        for index, pixels in enumerate(frames):
            target = even if index % 2 else odd
            frame = torch.from_numpy(pixels).to(device)  # (y, x)
            mean = _without_mean_(frame)
            shift = trajectory.shifts_angstrom[index] / pixel_size_angstrom  # (2,) px
            # Whole pixels move without a trace; what is left is half a pixel at most.
            whole = (round(float(shift[0])), round(float(shift[1])))
            if bends:
                y, x = tile_centres(shape)  # (tile row,), (tile column,)
                # (2, tile row, tile column), in px and beyond the whole ones by now.
                local = trajectory.displacement_angstrom(index, y.numpy(), x.numpy())
                local = local / pixel_size_angstrom - np.array(whole)[:, None, None]
                into = target.values if as_pixels else moved.zero_()
                add_moved_back_locally_(into, frame, whole, torch.from_numpy(local))
            else:
                move_back_whole(frame, whole, moved)
            # Let go, so that the next frame can be read.
            del pixels, frame
            if spectrum is not None:
                transform_(moved, spectrum)
                if not bends:
                    left = (float(shift[0]) - whole[0], float(shift[1]) - whole[1])
                    move_back_(spectrum, shape, left)
                if dose_weights is not None:
                    weights = dose_weights.of_frame(index)  # (y, x // 2 + 1)
                    spectrum.mul_(weights)
                    square = weights.square_()
                    target.squares = (
                        square if target.squares is None else target.squares.add_(square)
                    )
                _add(spectrum, target.values)
            target.seen[within(height, whole[0])[0], within(width, whole[1])[0]] += 1
            target.mean += mean
            target.frames += 1
            yield watch.progress("Adding frames", index + 1, count)
    del moved, spectrum
    full = odd + even
    return odd.image(), even.image(), full.image()


def _without_mean_(frame: torch.Tensor) -> float:
    """Take its mean off a frame (y, x), and return it."""
    sums = strip_by_strip(lambda rows: frame[rows].sum(), len(frame), STRIP_ROWS)
    mean = float(torch.stack(sums).double().sum()) / frame.numel()
    strip_by_strip(lambda rows: frame[rows].sub_(mean), len(frame), STRIP_ROWS)
    return mean


def _add(spectrum: torch.Tensor, total: torch.Tensor) -> None:
    """Add one spectrum to another, both (y, x // 2 + 1)."""
    strip_by_strip(lambda rows: total[rows].add_(spectrum[rows]), len(total), STRIP_ROWS)


def _repaired(movie: Movie, defects: NDArray[np.bool_]) -> Callable[[int], NDArray[np.float32]]:
    """Return what gives a frame with these pixels filled in from their neighbours."""
    if not defects.any():
        return movie.frame
    return lambda index: fill_with_neighbours(movie.frame(index), defects)
