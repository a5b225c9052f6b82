"""Faults of the camera: what is sharp, strong and no specimen, found and filled in.

One pixel of 65535, a dead column, a border of zeros or a step between two readouts holds power at
every spatial frequency: a Fourier transform spreads it over the whole image, and whatever is
measured there is wrong. Filled in beforehand, a fault costs the place where it is.

Each kind is looked for at the scale where it is plainest, and filled in before the next:

- areas that are one value throughout: borders, dead blocks, burnt-in bars;
- pixels that are off: hot and dead ones, x-rays;
- rows and columns, or pieces of them, that are off;
- steps along whole or half lines, as between the halves of a readout;
- areas that are far off where noise is averaged: gold, dirt, what the beam does not reach. They
  are no fault of the camera and are there, but as strong and sharp as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.defects import replace_defects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# Pixels across the blocks whose middle tells the level around.
_BLOCK = 16
# A median absolute deviation of Gaussian noise, times this, is its standard deviation.
_MAD = 1.4826
# Robust deviations from what is around that pixels, lines and steps are off by.
_PIXEL, _LINE, _STEP = 8.0, 8.0, 10.0
# Lines are looked for in what is at most so many deviations off.
_CLIPPED = 4.0
# Deviations of the noise of coarse pixels that areas, smoothed, are usually off by at most, and
# those by which some have to be for anything to be done about it.
_USUAL, _FAR = 3.0, 8.0
# A line is cut into so many pieces; a step shows in all but one of each half.
_PIECES = 8
_PIECE_SEEN = 2.0
# Lines before and after that tell a step; in the running median a line is compared with.
_STEP_LINES, _LINES_AROUND = 4, 9
# The outermost lines have to be off by so many times as much.
_SLOPED = 3.0
# More steps along one axis are not a camera's.
_MOST_STEPS = 16
# What holds for more than this share of an image is what the image is like.
_MOST = 0.4
# Areas that are far off are looked for on a grid of at most so many pixels a side.
_COARSE_SIDE = 768
# An area of one value may lack a few pixels, that are hot or were cut off.
_FULL = 0.9
# Values that whole blocks may have, as borders and bars do, beside the least and the largest.
_VALUES = 8
# Smaller images do not tell what is usual.
_SMALLEST_SIDE = 64


@dataclass(frozen=True, eq=False)
class Faults:
    """What is wrong with an image, (y, x); a colour image is taken to have no faults.

    Attributes
    ----------
    where
        (y, x) True at pixels that are not to be trusted.
    areas
        (y, x) those of them that are thicker than lines: nobody knows what was there.
    offset
        (y, x) what steps between parts of the camera add to the image; None: there are none.
    excess
        (y, x) what dense areas differ by from the rest beyond what is usual, smooth; it is real and
        belongs back into a result. None: there are none.
    """

    where: Mask
    areas: Mask
    offset: Image | None = None
    excess: Image | None = None

    @property
    def sentence(self) -> str:
        """What was found and done; empty where nothing was."""
        thin = int(np.count_nonzero(self.where & ~self.areas))
        area = float(self.areas.mean())
        told = []
        if thin:
            told.append(f"{thin:,} pixel{'s' * (thin > 1)} or lines filled in")
        if area:
            share = "less than 0.1 %" if area < 0.001 else f"{100 * area:.2g} %"
            told.append(f"{share} of the area (borders, blocks, bars) left as recorded")
        if self.offset is not None:
            told.append("steps in brightness taken off")
        return f"Faults of the camera: {', '.join(told)}." if told else ""

    def within(self, window: tuple[slice, slice]) -> Faults:
        """Return those of a part of the image, (y, x) slices."""
        offset, excess = (
            None if extra is None else extra[window] for extra in (self.offset, self.excess)
        )
        return Faults(self.where[window], self.areas[window], offset, excess)

    def joined(self, other: Faults) -> Faults:
        """Return these with the places of an ``other`` image's, which shows the same field."""
        where, areas = self.where | other.where, self.areas | other.areas
        return Faults(where, areas, self.offset, self.excess)


def find_faults(image: Image) -> Faults:
    """Find what in ``image``, (y, x), is a fault of the camera and not the specimen.

    Images in colour, (y, x, 3), and of less than 64 px a side are taken as they are.
    """
    none = np.zeros(image.shape[:2], bool)
    if image.ndim != 2 or min(image.shape) < _SMALLEST_SIDE:
        return Faults(none, none)
    constant = _constant(image)
    if constant.mean() > 1 - _MOST:
        return Faults(none, none)
    level = _level(image, constant)
    thin = _off_pixels(image, level, constant)
    seen = image.copy()
    _flatten(seen, constant, level)
    lines = _lines(_clipped(seen, level))
    _flatten(seen, lines | thin, level)
    offset = _steps(_clipped(seen, level))
    if offset is not None:
        seen -= offset
    return Faults(thin | lines | constant, _thick(constant), offset, _excess(seen))


def mend(image: Image, faults: Faults) -> Image:
    """Return ``image`` with its ``faults`` taken off and filled in; `returned` undoes what it may.

    Pixels and lines become the median of those around. Areas become what is around on the scale
    of tens of pixels, with the noise of another place of the image, whatever its colour.
    """
    sound = image
    for extra in (faults.offset, faults.excess):
        sound = sound if extra is None else sound - extra
    if not faults.where.any():
        return sound
    if faults.areas.any():
        smooth = _level(sound, faults.where)
        rows, columns = np.nonzero(faults.areas)
        filled = _at(smooth, sound.shape, rows, columns)
        left = np.arange(len(rows))
        for dy, dx in _elsewhere(sound.shape):
            y, x = (rows[left] + dy) % sound.shape[0], (columns[left] + dx) % sound.shape[1]
            good = ~faults.where[y, x]
            y, x = y[good], x[good]
            filled[left[good]] += sound[y, x] - _at(smooth, sound.shape, y, x)
            left = left[~good]
            if not len(left):
                break
        sound = sound.copy()
        sound[rows, columns] = filled
    return replace_defects(sound, faults.where & ~faults.areas)


def returned(result: Image, image: Image, faults: Faults) -> Image:
    """Return what was made of a mended ``image`` with what of its ``faults`` belongs into it.

    Areas of which nothing is known stay as they were recorded, and dense ones as dense.
    """
    if faults.excess is not None:
        result = result + faults.excess
    return np.where(faults.areas, image, result) if faults.areas.any() else result


def _elsewhere(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield how far away noise is borrowed, (y, x): places that spread evenly over the image."""
    # Powers of the plastic number (M. Roberts, 2018) do that in two dimensions.
    for i in range(1, 60):
        yield int(0.7548777 * i % 1 * shape[0]), int(0.5698403 * i % 1 * shape[1])


def _constant(image: Image) -> Mask:
    """Return where one value fills an area, which noise never does."""
    from scipy import ndimage

    mask = np.zeros(image.shape, bool)
    sample = image[::4, ::4]
    for value in _repeated(image):
        side = _improbable(_usual_share(sample == value), image.size)
        same = image == value
        if np.count_nonzero(same) < _FULL * side**2:
            continue
        share = ndimage.uniform_filter(same.astype(np.float32), side, mode="nearest")
        core = share > _FULL
        if core.any():
            mask |= same & ndimage.maximum_filter(core, side)
    return mask


def _improbable(share: float, pixels: int) -> int:
    """Return the side of the squares that no chance fills with what ``share`` of pixels are."""
    for side in (5, 9, 17):
        # Where the specimen is dark, few counts are fewer still.
        if pixels * min(1.0, 1.3 * share) ** (_FULL * side**2) < 1e-6:
            return side
    return 33


def _repeated(image: Image) -> NDArray[np.float32]:
    """Return values that four pixels in a row and four in a column have at one place."""
    height, width = (side // 4 * 4 for side in image.shape)
    first = image[:height:4, :width:4]
    alike = np.ones(first.shape, bool)
    for i in range(1, 4):
        alike &= image[i:height:4, :width:4] == first
        alike &= image[:height:4, i:width:4] == first
    values, counts = np.unique(first[alike], return_counts=True)
    most = values[np.argsort(-counts)[:_VALUES]]
    return np.unique(np.concatenate([most, [image.min(), image.max()]])).astype(np.float32)


def _usual_share(found: Mask) -> float:
    """Return which share of most parts of an image is True; a border has no say."""
    height, width = (max(1, side // 16) * min(16, side) for side in found.shape)
    parts = found[:height, :width].reshape(
        height // min(16, found.shape[0]),
        -1,
        width // min(16, found.shape[1]),
        min(16, found.shape[1]),
    )
    return float(np.percentile(parts.mean(axis=(1, 3)), 75))


def _level(image: Image, bad: Mask) -> Image:
    """Return the level of blocks, whatever ``bad`` pixels are, smoothed over five blocks."""
    from scipy import ndimage

    # A power of two, which divides a block.
    step = 4 if min(image.shape) >= 1024 else 2 if min(image.shape) >= 512 else 1
    across = _BLOCK // step
    sample = np.where(bad[::step, ::step], np.float32(np.nan), image[::step, ::step])
    sides = [-(-side // across) for side in sample.shape]
    pad = [(0, n * across - side) for n, side in zip(sides, sample.shape, strict=True)]
    sample = np.pad(sample, pad, constant_values=np.nan)
    blocks = sample.reshape(sides[0], across, sides[1], across).swapaxes(1, 2)
    ordered = np.sort(blocks.reshape(*sides, -1), axis=2)  # NaN come last
    count = np.count_nonzero(np.isfinite(ordered), axis=2)
    # The mean of the middle half: the median of few counts would be a whole number.
    order = np.arange(ordered.shape[2])
    cut = count[..., None] // 4
    inner = (order >= cut) & (order < count[..., None] - cut)
    total = np.where(inner, ordered, 0).sum(axis=2, dtype=np.float32)
    levels = total / np.maximum(inner.sum(axis=2), 1).astype(np.float32)
    empty = count == 0
    if empty.all():
        return np.zeros(sides, np.float32)
    if empty.any():
        nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
        levels = levels[tuple(nearest)]
    smooth: Image = ndimage.median_filter(levels, 5, mode="nearest")
    return smooth


def _at(
    level: Image, shape: tuple[int, ...], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Image:
    """Return the ``level`` of blocks at pixels, with lines from block to block."""
    from scipy import ndimage

    places = [(at + 0.5) / _BLOCK - 0.5 for at in (rows, columns)]
    at: Image = ndimage.map_coordinates(level, places, order=1, mode="nearest", output=np.float32)
    return at


def _flatten(image: Image, where: Mask, level: Image) -> None:
    """Put the level in place of what is wrong."""
    rows, columns = np.nonzero(where)
    if len(rows):
        image[rows, columns] = _at(level, image.shape, rows, columns)


def _spread(values: NDArray[np.floating], axis: int | None = None) -> NDArray[np.floating]:
    """Return the robust standard deviation of differences about 0."""
    spread = _MAD * np.median(np.abs(values), axis=axis)
    # Counts are often just what is usual: those say nothing.
    usual = np.where(spread > 0, spread, np.std(values, axis=axis))
    result: NDArray[np.floating] = np.maximum(usual, np.finfo(np.float32).tiny)
    return result


def _off_pixels(image: Image, level: Image, bad: Mask) -> Mask:
    """Return single pixels, or a few together, that are far off."""
    # Counts have a long upper tail; their root has not (F. J. Anscombe, 1948).
    counts = bool(image.min() >= 0)
    even = np.sqrt(image + np.float32(0.375)) if counts else image
    level = np.sqrt(np.maximum(level, 0) + np.float32(0.375)) if counts else level
    difference = even - _repeated_to(level, image.shape)
    sample = difference[::5, ::3][~bad[::5, ::3]]
    # Few counts take few values: how far the median is off says little.
    wide = np.percentile(np.abs(sample), 95) / 1.96 if sample.size else 0.0
    limit = _PIXEL * max(float(_spread(sample)), float(wide))
    off: Mask = (np.abs(difference) > limit) & ~bad
    rows, columns = np.nonzero(off)
    # Too many are no fault of single pixels.
    if not len(rows) or len(rows) > 0.01 * image.size:
        return np.zeros_like(off)
    # What is more than a few pixels wide is in most of the pixels around as well.
    dy, dx = (offset.ravel() for offset in np.mgrid[-3:4, -3:4])
    y = (rows[:, None] + dy).clip(0, image.shape[0] - 1)
    x = (columns[:, None] + dx).clip(0, image.shape[1] - 1)
    around = np.median(even[y, x], axis=1)
    sharp = np.abs(even[rows, columns] - around) > limit
    found = np.zeros_like(off)
    found[rows[sharp], columns[sharp]] = True
    return found


def _clipped(image: Image, level: Image) -> Image:
    """Return ``image`` within a few deviations of its level: gold is no part of a line."""
    repeated = _repeated_to(level, image.shape)
    unit = _CLIPPED * np.float32(_spread((image - repeated)[::5, ::3]))
    return np.clip(image, repeated - unit, repeated + unit)


def _repeated_to(level: Image, shape: tuple[int, ...]) -> Image:
    """Return the ``level`` of blocks for each of their pixels."""
    return np.repeat(np.repeat(level, _BLOCK, axis=0), _BLOCK, axis=1)[: shape[0], : shape[1]]


def _pieces(image: Image, axis: int) -> NDArray[np.float64]:
    """Return the means of `_PIECES` pieces of each line along ``axis``, (line, piece)."""
    across = image if axis == 1 else image.T
    bounds = np.linspace(0, across.shape[1], _PIECES + 1).astype(int)
    sums = [across[:, a:b].mean(axis=1, dtype=np.float64) for a, b in pairwise(bounds)]
    return np.stack(sums, axis=1)


def _lines(image: Image) -> Mask:
    """Return rows and columns, or pieces of them, that differ from those beside them."""
    from scipy import ndimage

    mask = np.zeros(image.shape, bool)
    for axis in (0, 1):
        pieces = _pieces(image, axis)
        whole = pieces.mean(axis=1, keepdims=True)
        off = np.zeros(pieces.shape, bool)
        for profile in (pieces, whole):
            # Mirrored at the ends, where else the outermost line would be its own median.
            around = ndimage.median_filter(profile, (_LINES_AROUND, 1), mode="mirror")
            rest = profile - around
            limit = _LINE * _spread(rest, axis=0) * np.ones((len(rest), 1))
            # A slope looks like an edge where it is mirrored.
            limit[: _LINES_AROUND // 2] *= _SLOPED
            limit[-(_LINES_AROUND // 2) :] *= _SLOPED
            off |= np.abs(rest) > limit
        bounds = np.linspace(0, image.shape[axis], _PIECES + 1).astype(int)
        for line, piece in zip(*np.nonzero(off), strict=True):
            part = slice(bounds[piece], bounds[piece + 1])
            mask[(line, part) if axis == 1 else (part, line)] = True
    return mask if mask.mean() < _MOST / 2 else np.zeros_like(mask)


def _steps(image: Image) -> Image | None:
    """Return what steps along lines, whole or half ones, add to the image; None: there are none."""
    offset = np.zeros(image.shape, np.float32)
    found = False
    for axis in (0, 1):
        pieces = _pieces(image - offset, axis)
        middle = image.shape[axis] // 2
        for half in range(2):
            part = slice(0, middle) if half == 0 else slice(middle, None)
            own = slice(0, _PIECES // 2) if half == 0 else slice(_PIECES // 2, None)
            for line, height in _jumps(pieces[:, own]):
                found = True
                beyond = slice(line, None)
                offset[(beyond, part) if axis == 1 else (part, beyond)] += np.float32(height)
    return offset - np.float32(np.median(offset[::7, ::7])) if found else None


def _jumps(pieces: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Return at which lines, and by how much, ``pieces`` (line, piece) jump."""
    from scipy import ndimage

    sums = np.concatenate([np.zeros((1, pieces.shape[1])), np.cumsum(pieces, axis=0)])
    means = (sums[_STEP_LINES:] - sums[:-_STEP_LINES]) / _STEP_LINES
    jump = means[_STEP_LINES:] - means[:-_STEP_LINES]  # at line i + _STEP_LINES
    whole = jump.mean(axis=1)
    size = np.abs(whole)
    high = size > _STEP * float(_spread(whole))
    high &= size == ndimage.maximum_filter1d(size, 4 * _STEP_LINES + 1)
    seen = (jump * np.sign(whole)[:, None] > _PIECE_SEEN * _spread(jump, axis=0)).sum(axis=1)
    high &= seen >= pieces.shape[1] - 1
    lines = np.flatnonzero(high)
    if len(lines) > _MOST_STEPS:
        return []
    return [(int(line) + _STEP_LINES, float(whole[line])) for line in lines]


def _excess(image: Image) -> Image | None:
    """Return by how much areas of ``image`` exceed what is usual; None where none does much.

    It is smooth, and 0 wherever the image is within `_USUAL` deviations of its noise.
    """
    from scipy import ndimage

    side = -(-max(image.shape) // _COARSE_SIDE)
    height, width = (n // side for n in image.shape)
    coarse = image[: height * side, : width * side]
    coarse = coarse.reshape(height, side, width, side).mean(axis=3).mean(axis=1)
    # What changes over a quarter of the field is ice or illumination.
    level = _level(coarse, np.zeros(coarse.shape, bool))
    level = ndimage.median_filter(level, [max(3, n // 4 * 2 + 1) for n in level.shape])
    rest = coarse - _repeated_to(level, coarse.shape)
    unit = float(_spread(rest))
    smooth = ndimage.gaussian_filter(rest, 1.0, mode="nearest")
    if not 0 < (np.abs(smooth) > _FAR * unit).mean() < _MOST:
        return None
    beyond = smooth - smooth.clip(-_USUAL * unit, _USUAL * unit)
    places = [
        ((np.arange(n) + 0.5) / side - 0.5).clip(0, m - 1)
        for n, m in zip(image.shape, beyond.shape, strict=True)
    ]
    rows = _interpolated(beyond, places[0])
    whole: Image = _interpolated(rows.T, places[1]).T
    return whole


def _interpolated(values: Image, places: NDArray[np.floating]) -> Image:
    """Return rows of ``values`` at ``places`` between its rows."""
    below = places.astype(np.intp)
    share = (places - below).astype(np.float32)[:, None]
    between: Image = values[below]
    between = between + share * (values[np.minimum(below + 1, len(values) - 1)] - between)
    return between


def _thick(mask: Mask) -> Mask:
    """Return what of ``mask`` is thicker than lines of a few pixels."""
    from scipy import ndimage

    if not mask.any():
        return mask
    pad = [(0, -side % 4) for side in mask.shape]
    padded = np.pad(mask, pad, mode="edge")
    height, width = (side // 4 for side in padded.shape)
    full = padded.reshape(height, 4, width, 4).all(axis=(1, 3))
    near = ndimage.binary_dilation(full, np.ones((3, 3), bool))
    wide = np.repeat(np.repeat(near, 4, axis=0), 4, axis=1)
    thick: Mask = mask & wide[: mask.shape[0], : mask.shape[1]]
    return thick
