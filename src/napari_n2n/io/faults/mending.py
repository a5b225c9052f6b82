"""Filling in faults, and putting back what of them belongs into a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.defects import replace_defects
from napari_n2n.io.faults.levels import level_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_n2n.io.faults.finding import Faults
    from napari_n2n.io.faults.levels import Image, Mask


def mend(image: Image, faults: Faults) -> Image:
    """Return ``image`` with its ``faults`` taken off and filled in; `returned` undoes what it may.

    Pixels and lines become the median of those around. Areas become what is around on the scale
    of tens of pixels, with the noise of another place of the image, whatever its colour.
    """
    sound = image if faults.excess is None else image - faults.excess
    sound = _with_noise(sound, faults) if faults.left.any() else sound
    return filled_in(sound, faults)


def filled_in(image: Image, faults: Faults) -> Image:
    """Return ``image`` without steps, pixels and lines; areas of whatever kind stay as they are."""
    sound = image if faults.offset is None else image - faults.offset
    return replace_defects(sound, faults.where & ~faults.left)


def returned(result: Image, image: Image, faults: Faults) -> Image:
    """Return what was made of a mended ``image`` with what of its ``faults`` belongs into it.

    Areas of which nothing is known stay as they were recorded, and dense ones as dense.
    """
    if faults.excess is not None:
        result = result + faults.excess
    left = faults.left
    if not left.any():
        return result
    return np.where(left & np.isfinite(image), image, result)


def smoothed_over(image: Image, areas: Mask) -> Image:
    """Return ``image`` with ``areas`` at the level around them: nothing is to be found there."""
    if not areas.any():
        return image
    level = level_of(image, areas)
    smooth = image.copy()
    rows, columns = np.nonzero(areas)
    smooth[rows, columns] = level.at(rows, columns)
    return smooth


def _with_noise(image: Image, faults: Faults) -> Image:
    """Return ``image`` with noise in its areas, whose steps stay."""
    filled = image.copy()
    sound = image if faults.offset is None else image - faults.offset
    smooth = level_of(sound, faults.where)
    rows, columns = np.nonzero(faults.left)
    filled[rows, columns] = smooth.at(rows, columns)
    left = np.arange(len(rows))
    for dy, dx in _elsewhere(image.shape):
        y, x = (rows[left] + dy) % image.shape[0], (columns[left] + dx) % image.shape[1]
        good = ~faults.where[y, x]
        y, x = y[good], x[good]
        filled[rows[left[good]], columns[left[good]]] += sound[y, x] - smooth.at(y, x)
        left = left[~good]
        if not len(left):
            break
    if faults.offset is not None:
        filled[rows, columns] += faults.offset[rows, columns]
    return filled


def _elsewhere(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield how far away noise is borrowed, (y, x): places that spread evenly over the image."""
    # Powers of the plastic number (M. Roberts, 2018) do that in two dimensions.
    for i in range(1, 60):
        yield int(0.7548777 * i % 1 * shape[0]), int(0.5698403 * i % 1 * shape[1])
