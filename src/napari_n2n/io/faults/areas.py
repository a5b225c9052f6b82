"""Areas of one value, which noise never fills: borders, dead blocks, burnt-in bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.faults.levels import Image, Mask

# An area is made of squares of so many pixels a side, on either of two grids, the second moved by
# half a square: what is at least one and a half wide is seen on one of them.
_SQUARE = 4
_GRIDS = (0, _SQUARE // 2)
# An area of one value may lack a few squares, where pixels are hot or were cut off.
_FULL = 0.9
# Values that whole squares may have, as borders and bars do.
_VALUES = 8
# Chance must not make one such area in a million images.
_NEVER = 1e-6


def equal_areas(image: Image) -> Mask:
    """Return where one value fills an area of ``image``, (y, x), or where pixels are no numbers.

    An area is at least 6 px wide; of images of few counts, wider.
    """
    mask = np.zeros(image.shape, bool)
    if min(image.shape) < 2 * _SQUARE:
        return mask
    # A sum tells at once whether any pixel is no number.
    if not np.isfinite(image.sum(dtype=np.float64)):
        mask |= ~np.isfinite(image)
    for moved in _GRIDS:
        part, own = image[moved:, moved:], mask[moved:, moved:]
        for value in _repeated(part):
            same = part == value
            near = _areas_of(same)
            if near is not None:
                own |= same & near
    return mask


def _areas_of(same: Mask) -> Mask | None:
    """Return the surroundings of areas where nearly all is True; None: there are none."""
    from scipy import ndimage

    full = _full_squares(same)
    side = _improbable(_usual_share(same[::_SQUARE, ::_SQUARE]), same.size)
    core = full
    if side > 1:
        core = ndimage.uniform_filter(full.astype(np.float32), side, mode="nearest") > _FULL
    if not core.any():
        return None
    near = ndimage.maximum_filter(core, 2 * (side // 2) + 3)
    wide = np.repeat(np.repeat(near, _SQUARE, axis=0), _SQUARE, axis=1)
    pad = [(0, n - m) for n, m in zip(same.shape, wide.shape, strict=True)]
    return np.pad(wide, pad, mode="edge")


def _full_squares(same: Mask) -> Mask:
    """Return which squares are True throughout."""
    height, width = (side // _SQUARE for side in same.shape)
    # Four neighbours as one number: an and over short axes takes longer than all else here.
    whole = np.ascontiguousarray(same[: height * _SQUARE, : width * _SQUARE])  # as bytes, 0 or 1
    rows = whole.view(np.uint32).reshape(height, _SQUARE, width)
    full: Mask = (rows[:, 0] & rows[:, 1] & rows[:, 2] & rows[:, 3]) == 0x01010101
    return full


def _improbable(share: float, pixels: int) -> int:
    """Return how many squares, a side, no chance fills with what ``share`` of pixels are."""
    for side in (1, 3, 5, 7):
        # Where the specimen is dark, few counts are fewer still.
        if pixels * min(1.0, 1.3 * share) ** (_FULL * (_SQUARE * side) ** 2) < _NEVER:
            return side
    return 9


def _repeated(image: Image) -> NDArray[np.float32]:
    """Return values that four pixels in a row and four in a column have at one place."""
    height, width = (side // _SQUARE * _SQUARE for side in image.shape)
    first = image[:height:_SQUARE, :width:_SQUARE]
    y, x = np.nonzero(first == image[1:height:_SQUARE, :width:_SQUARE])
    y, x = y * _SQUARE, x * _SQUARE
    for dy, dx in ((0, 1), (2, 0), (0, 2), (3, 0), (0, 3)):
        alike = image[y, x] == image[y + dy, x + dx]
        y, x = y[alike], x[alike]
    values, counts = np.unique(image[y, x], return_counts=True)
    most: NDArray[np.float32] = values[np.argsort(-counts)[:_VALUES]]
    return most


def _usual_share(found: Mask) -> float:
    """Return which share of most parts of an image is True; a border has no say."""
    height, width = (max(1, side // 16) * min(16, side) for side in found.shape)
    across = [min(16, side) for side in found.shape]
    parts = found[:height, :width].reshape(height // across[0], across[0], -1, across[1])
    return float(np.percentile(parts.mean(axis=(1, 3)), 75))
