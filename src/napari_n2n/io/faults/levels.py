"""The level of an image in blocks, whatever a few of its pixels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# Pixels across the blocks whose middle tells the level around; more in large images, so that there
# are at most so many blocks a side.
_BLOCK, _MOST_BLOCKS = 16, 160
# Of each block so many pixels a side are looked at.
_LOOKED_AT = 4
# So many pixels tell the spread of all to 0.3 %.
_SAMPLE = 200_000
# A median absolute deviation of Gaussian noise, times this, is its standard deviation.
_MAD = 1.4826


@dataclass(frozen=True, eq=False)
class Level:
    """What most pixels around are: ``blocks``, (row, column), each of ``side`` pixels a side."""

    blocks: Image
    side: int
    shape: tuple[int, int]

    def at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Image:
        """Return the level at pixels, with straight lines from block to block."""
        from scipy import ndimage

        places = [(at + 0.5) / self.side - 0.5 for at in (rows, columns)]
        at: Image = ndimage.map_coordinates(
            self.blocks, places, order=1, mode="nearest", output=np.float32
        )
        return at

    def strips(self) -> Iterator[tuple[slice, Image]]:
        """Yield the rows of each row of blocks, and the level of every column there."""
        for i, row in enumerate(self.blocks):
            rows = slice(i * self.side, min((i + 1) * self.side, self.shape[0]))
            yield rows, np.repeat(row, self.side)[: self.shape[1]]

    def sample(self, every: int) -> Image:
        """Return the level of every so manieth pixel of every so manieth row."""
        rows, columns = (np.arange(0, length, every) // self.side for length in self.shape)
        return self.blocks[np.ix_(rows, columns)]

    @property
    def sparse(self) -> int:
        """Every how manieth pixel of every how manieth row tells how much pixels differ."""
        return max(1, int((self.shape[0] * self.shape[1] / _SAMPLE) ** 0.5)) | 1


def level_of(image: Image, bad: Mask | None = None) -> Level:
    """Return the level of ``image`` (y, x) without its ``bad`` pixels, smoothed over 5 blocks."""
    from scipy import ndimage

    side = _BLOCK
    while max(image.shape) > _MOST_BLOCKS * side:
        side *= 2
    # Small images are looked at more closely: there are few blocks.
    step = side // _LOOKED_AT if min(image.shape) >= 1024 else side // _BLOCK
    sample = image[::step, ::step]
    if bad is not None and bad.any():
        sample = np.where(bad[::step, ::step], np.float32(np.nan), sample)
    across = side // step
    sides = [-(-length // across) for length in sample.shape]
    pad = [(0, n * across - length) for n, length in zip(sides, sample.shape, strict=True)]
    sample = np.pad(sample, pad, constant_values=np.nan)
    blocks = sample.reshape(sides[0], across, sides[1], across).swapaxes(1, 2)
    levels = _middle(np.sort(blocks.reshape(*sides, -1), axis=2))
    empty = np.isnan(levels)
    if empty.all():
        levels = np.zeros_like(levels)
    elif empty.any():
        nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
        levels = levels[tuple(nearest)]
    smooth: Image = ndimage.median_filter(levels, 5, mode="nearest")
    height, width = image.shape
    return Level(smooth, side, (height, width))


def _middle(ordered: Image) -> Image:
    """Return the mean of the middle half of each block: a median of few counts is a count.

    ``ordered`` is (row, column, pixel) with NaN, which do not count, last.
    """
    count = np.count_nonzero(np.isfinite(ordered), axis=2)
    order = np.arange(ordered.shape[2])
    cut = count[..., None] // 4
    inner = (order >= cut) & (order < count[..., None] - cut)
    total = np.where(inner, ordered, 0).sum(axis=2, dtype=np.float32)
    number = inner.sum(axis=2).astype(np.float32)
    middle: Image = np.where(count > 0, total / np.maximum(number, 1), np.float32(np.nan))
    return middle


def spread(values: NDArray[np.floating], axis: int | None = None) -> NDArray[np.floating]:
    """Return the robust standard deviation of differences about 0."""
    middle = _MAD * np.median(np.abs(values), axis=axis)
    # Counts are often just what is usual: those say nothing.
    usual = np.where(middle > 0, middle, np.std(values, axis=axis))
    result: NDArray[np.floating] = np.maximum(usual, np.finfo(np.float32).tiny)
    return result


def binned(image: Image, side: int, bad: Mask | None, level: Level) -> Image:
    """Return the means of ``side`` × ``side`` pixels; the ``level`` stands in for ``bad`` ones."""
    height, width = (length // side for length in image.shape)
    result = np.empty((height, width), np.float32)
    # As many rows at once as the processor keeps at hand.
    every = max(1, (1 << 17) // image.shape[1] // side)
    for first in range(0, height, every):
        some = slice(first, min(first + every, height))
        rows = slice(some.start * side, some.stop * side)
        part = image[rows, : width * side]
        if bad is not None:
            wrong = bad[rows, : width * side]
            if wrong.any():
                y, x = np.nonzero(wrong)
                part = part.copy()
                part[y, x] = level.at(y + rows.start, x)
        sums = part.reshape(-1, side, width * side).sum(axis=1)
        result[some] = sums.reshape(-1, width, side).mean(axis=2) / side
    return result
