"""Hot and dead pixels: finding them, and filling them in from their neighbours."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_RADIUS = 6
_CHUNK = 50_000
_DRAWN_WITHIN = 2  # px to each side, as RELION does; twice as far where all is broken
_DRAWS = 8
_SEED_ROWS = 64


def find_defects(
    mean_frame: NDArray[Any], *, threshold: float = 6.0, max_fraction: float = 0.01
) -> NDArray[np.bool_]:
    """Find pixels that count far more or far less than the pixels around them.

    A pixel is compared with the median of its 5 × 5 neighbourhood, so neither the ice nor a
    gradient across the field counts; the difference is measured in robust standard deviations
    (1.4826 × the median absolute deviation, which for Gaussian noise is one). Images without
    negative values are taken for counts and their noise made even by the transform of Anscombe
    (1948), 2 √(n + 3/8): without it a dead pixel of a short movie would drown in the noise, and
    the long upper tail of Poisson noise would look like hot pixels.

    Parameters
    ----------
    mean_frame
        (y, x) mean or sum of many frames, the longer the surer.
    threshold
        Robust standard deviations a defect differs by. At 6, Gaussian or Poisson noise makes less
        than one in a frame of 4096 × 4096.
    max_fraction
        The most that can be defects; of more, only the worst are marked, since what is common is
        no defect.

    Returns
    -------
    NDArray
        (y, x) True at defects.
    """
    from scipy.ndimage import median_filter

    image = np.asarray(mean_frame, np.float32)
    broken = ~np.isfinite(image)
    if broken.any():
        image = replace_defects(image, broken)
    if image.min() >= 0:
        image = 2 * np.sqrt(image + np.float32(0.375))
    difference = np.abs(image - median_filter(image, size=5, mode="mirror"))
    # A low count often equals its local median exactly: those say nothing about the spread.
    differing = difference[difference > 0]
    if not differing.size:
        return broken
    spread = 1.4826 * float(np.median(differing))
    score = difference / spread
    defects: NDArray[np.bool_] = score > threshold
    allowed = int(max_fraction * image.size)
    if np.count_nonzero(defects) > allowed:
        limit = np.partition(score, -allowed - 1, axis=None)[-allowed - 1] if allowed else np.inf
        defects = score > limit
    return defects | broken


def replace_defects(image: NDArray[np.float32], defects: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill defects with the median of the nearest good pixels.

    The neighbourhood starts as 3 × 3 and grows until it holds three good pixels; a defect with
    none within 13 × 13 gets the median of all good pixels.

    Parameters
    ----------
    image
        (y, x)
    defects
        (y, x) True where the value is not to be trusted.

    Returns
    -------
    NDArray
        (y, x) a copy where there is something to fill, else the image itself.
    """
    if not defects.any():
        return image
    filled = image.copy()
    rows, columns = np.nonzero(defects)
    left = np.arange(rows.size)
    for radius in range(1, _MAX_RADIUS + 1):
        undone = []
        for start in range(0, left.size, _CHUNK):
            some = left[start : start + _CHUNK]
            values, good = _neighbours(image, defects, rows[some], columns[some], radius)
            enough = np.count_nonzero(good, axis=1) >= 3
            medians = _masked_median(values[enough], good[enough])
            filled[rows[some][enough], columns[some][enough]] = medians
            undone.append(some[~enough])
        left = np.concatenate(undone)
        if not left.size:
            return filled
    everywhere = image[~defects]
    filled[rows[left], columns[left]] = np.median(everywhere) if everywhere.size else 0
    return filled


def fill_with_neighbours(
    image: NDArray[np.float32], defects: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fill defects of one frame with the values of good pixels nearby, drawn at random.

    So the filled pixels have the mean and the noise of their surroundings, frame by frame, and add
    up to what is around them. A median does not: where few electrons fall on a pixel, it lies below
    the mean, and a filled line would be seen as a dark one in the sum of many frames. This is what
    RELION does. What is drawn depends on the frame alone: the same frame is always filled alike.

    Parameters
    ----------
    image
        (y, x) one frame.
    defects
        (y, x) True where the value is not to be trusted.

    Returns
    -------
    NDArray
        (y, x) a copy where there is something to fill, else the image itself.
    """
    rows, columns = np.nonzero(defects)
    if not rows.size:
        return image
    filled = image.copy()
    height, width = image.shape
    rng = np.random.default_rng(zlib.crc32(image[::_SEED_ROWS].tobytes()))
    radius = _DRAWN_WITHIN
    while rows.size and radius < 2 * max(height, width):
        for _ in range(_DRAWS):
            dy, dx = rng.integers(-radius, radius + 1, (2, rows.size))
            y, x = rows + dy, columns + dx
            good = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            good[good] = ~defects[y[good], x[good]]
            filled[rows[good], columns[good]] = image[y[good], x[good]]
            rows, columns = rows[~good], columns[~good]
        radius *= 2
    if rows.size:
        everywhere = image[~defects]
        filled[rows, columns] = rng.choice(everywhere, rows.size) if everywhere.size else 0
    return filled


def _neighbours(
    image: NDArray[np.float32],
    defects: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    radius: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Give the values around every position and which of them are good, each (n, window)."""
    dy, dx = (offset.ravel() for offset in np.mgrid[-radius : radius + 1, -radius : radius + 1])
    y, x = rows[:, None] + dy, columns[:, None] + dx
    height, width = image.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    return image[y, x], inside & ~defects[y, x]


def _masked_median(values: NDArray[np.float32], good: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Median of the good values of each row; every row has at least one."""
    ordered = np.sort(np.where(good, values, np.inf), axis=1)
    count = np.count_nonzero(good, axis=1)
    row = np.arange(len(values))
    middle = ordered[row, (count - 1) // 2] + ordered[row, count // 2]
    result: NDArray[np.float32] = (middle / 2).astype(np.float32)
    return result
