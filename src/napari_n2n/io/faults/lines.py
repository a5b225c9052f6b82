"""Rows and columns that are off, and steps along them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.faults.levels import Level, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.faults.levels import Image, Mask

    # (line, piece) means of the pieces of all rows or columns.
    Profile = NDArray[np.float64]

# Lines are looked for in what is at most so many deviations off: gold is no part of a line.
_CLIPPED = 4.0
# A line is cut into so many pieces; a step shows in all but one of each half.
_PIECES = 8
_PIECE_SEEN = 2.0
# Robust deviations that lines are off by, and steps are high.
_LINE, _STEP = 8.0, 10.0
# Lines to each side that a line is compared with, those that a whole band of lines is, and those
# that tell a step.
_BESIDE, _BESIDE_A_BAND, _STEP_LINES = 5, 20, 4
# Lines over which a step must last, and share of it that must: a bar or a hair does not.
_LASTING_LINES, _LASTING = 12, 0.5
# Nearer to the border, in shares of the side, no part of a camera ends: that is a border itself.
_NO_STEP = 0.08
# Into so many sections lines are cut, each of which may have steps of its own, and in so many of
# them one must be: where a camera is put together of many parts, their edges go right across.
_SECTIONS = ((4, 3), (2, 1))
_BY_SO_FEW = 1  # lines apart is the same place: noise moves the best one
_ABOUT_AS_HIGH = 0.3  # of its height a step may seem to differ between sections that share it
_AS_HIGH = 0.4  # of its height in the others a step must have in a section where it is less plain
# The outermost lines have to be off by so many times as much: a slope looks like an edge where it
# is mirrored.
_SLOPED = 3.0
# A piece of a line that is off as a whole is off by so many deviations at least.
_PIECE_OFF = 1.0
# More steps along one axis are not a camera's, nor are so many lines.
_MOST_STEPS, _MOST_LINES = 16, 0.2


@dataclass(frozen=True, eq=False)
class Profiles:
    """How the pieces of an image's rows and columns differ from the level around, on the mean.

    ``along`` are the rows' and the columns' (line, piece), ``known`` which of them have more good
    pixels than bad ones; ``bounds`` tell where pieces begin and end, along x and along y.
    """

    along: tuple[Profile, Profile]
    known: tuple[Mask, Mask]
    bounds: tuple[list[int], list[int]]
    shape: tuple[int, int]

    @classmethod
    def of(cls, image: Image, level: Level, bad: Mask) -> Profiles:
        """Measure ``image`` (y, x) without its ``bad`` pixels."""
        height, width = image.shape
        bounds = [
            np.linspace(0, side, _PIECES + 1).astype(int).tolist() for side in (width, height)
        ]
        rows, columns = np.zeros((height, _PIECES)), np.zeros((width, _PIECES))
        known = _mostly_good(bad, bounds[0]), _mostly_good(bad.T, bounds[1])
        every = level.sparse
        unit = np.float32(_CLIPPED * spread(image[::every, ::every] - level.sample(every)))
        for place, around in level.strips():
            # Less the level, lest many large numbers lose their last digits.
            strip = (image[place] - around).clip(-unit, unit)
            strip[bad[place]] = 0
            for i, (first, last) in enumerate(pairwise(bounds[0])):
                ones = np.full(last - first, 1 / (last - first), np.float32)
                rows[place, i] = strip[:, first:last] @ ones
            rows[place] += _pieces_of(around, bounds[0])
            for i, (first, last) in enumerate(pairwise(bounds[1])):
                part = slice(max(first, place.start), min(last, place.stop))
                if part.start < part.stop:
                    own = slice(part.start - place.start, part.stop - place.start)
                    share = (part.stop - part.start) / (last - first)
                    total = strip[own].sum(axis=0, dtype=np.float64) / (last - first)
                    columns[:, i] += total + share * around
        return cls((rows, columns), known, (bounds[0], bounds[1]), (height, width))

    def take_lines(self, mask: Mask) -> None:
        """Mark rows and columns, or pieces of them, that differ from those on both sides.

        They become True in ``mask``, (y, x), and are taken out of the profiles.
        """
        found = [_off_lines(*each) for each in zip(self.along, self.known, strict=True)]
        if sum(off.mean() for off, _ in found) > _MOST_LINES:
            return
        for axis, (off, around) in enumerate(found):
            self.along[axis][off] = around[off]
            across, bounds = mask if axis == 0 else mask.T, self.bounds[axis]
            for line, piece in zip(*np.nonzero(off), strict=True):
                across[line, bounds[piece] : bounds[piece + 1]] = True

    def steps(self) -> Image | None:
        """Return what steps along lines, whole or half ones, add; None: there are none."""
        offset: Image | None = None
        for sections, least in _SECTIONS:
            for axis, profile in enumerate(self.along):
                rest = profile
                if offset is not None:  # what was found already is there no more
                    rest = profile - _means_of(offset if axis == 0 else offset.T, self.bounds[axis])
                parts = np.array_split(np.arange(_PIECES), sections)
                known = self.known[axis]
                found = [
                    _jumps(rest[:, own], np.logical_and.reduce(known[:, own], axis=1))
                    for own in parts
                ]
                for own, jumps in zip(parts, _common(found, least), strict=True):
                    first, last = self.bounds[axis][own[0]], self.bounds[axis][own[-1] + 1]
                    for line, height in jumps:
                        offset = np.zeros(self.shape, np.float32) if offset is None else offset
                        beyond = offset if axis == 0 else offset.T
                        beyond[line:, first:last] += np.float32(height)
        return None if offset is None else offset - np.float32(np.median(offset[::7, ::7]))


def _pieces_of(values: Image, bounds: list[int]) -> NDArray[np.float64]:
    return np.array([values[a:b].mean(dtype=np.float64) for a, b in pairwise(bounds)])


def _means_of(across: Image, bounds: list[int]) -> Profile:
    return np.stack([across[:, a:b].mean(axis=1, dtype=np.float64) for a, b in pairwise(bounds)], 1)


def _mostly_good(bad: Mask, bounds: list[int]) -> Mask:
    """Return of which pieces, (line, piece), more pixels are good than ``bad``."""
    if not bad.any():
        return np.ones((len(bad), _PIECES), bool)
    return np.stack([bad[:, a:b].mean(axis=1) < 0.5 for a, b in pairwise(bounds)], 1)


def _spread_of_known(values: Profile, known: Mask) -> NDArray[np.float64]:
    """Return the robust deviation of each column's ``known`` values; infinite: there are none.

    Of what is not known there is the level only, which hardly varies.
    """
    told = zip(values.T, known.T, strict=True)
    return np.array([float(spread(one[own])) if own.any() else np.inf for one, own in told])


def _off_lines(profile: Profile, known: Mask) -> tuple[NDArray[np.bool_], Profile]:
    """Return which pieces are off, (line, piece), and what they should be."""
    whole = profile.mean(axis=1, keepdims=True)
    all_known = np.logical_and.reduce(known, axis=1, keepdims=True)
    off, around = _beyond_both_sides(profile, known, _LINE, _BESIDE)
    off_as_a_whole, _ = _beyond_both_sides(whole, all_known, _LINE, _BESIDE)
    off_a_little, _ = _beyond_both_sides(profile, known, _PIECE_OFF, _BESIDE)
    off |= off_as_a_whole & off_a_little
    # Several lines side by side. Part of them only might be a filament that lies along them.
    in_a_band, _ = _beyond_both_sides(whole, all_known, _LINE, _BESIDE_A_BAND)
    off_a_little, beside = _beyond_both_sides(profile, known, _PIECE_OFF, _BESIDE_A_BAND)
    in_a_band = in_a_band & off_a_little
    return off | in_a_band, np.where(in_a_band, beside, around)


def _beyond_both_sides(
    profile: Profile, known: Mask, deviations: float, beside: int
) -> tuple[NDArray[np.bool_], Profile]:
    """Tell which pieces lie above, or below, those on both sides; a slope does neither.

    Returned are which, and the nearer of what the sides have.
    """
    from scipy import ndimage

    beside = min(beside, (len(profile) - 1) // 2)
    before, after = np.ones((2 * beside + 1, 1), bool), np.ones((2 * beside + 1, 1), bool)
    before[beside:], after[: beside + 1] = False, False
    sides = [
        ndimage.median_filter(profile, footprint=side, mode="mirror") for side in (before, after)
    ]
    # The outermost lines have one side only.
    few = (beside + 1) // 2
    sides[0][:few], sides[1][-few:] = sides[1][:few], sides[0][-few:]
    around = profile.clip(np.minimum(*sides), np.maximum(*sides))
    limit = deviations * _spread_of_known(profile - (sides[0] + sides[1]) / 2, known)
    limit = limit * np.ones((len(profile), 1))
    limit[:beside] *= _SLOPED
    limit[-beside:] *= _SLOPED
    return np.abs(profile - around) > limit, around


@dataclass(frozen=True, eq=False)
class _Jumps:
    """Where a section's lines jump beyond doubt, ``at`` (line, height), and all their heights."""

    at: list[tuple[int, float]]
    heights: NDArray[np.float64]  # of jumps at line i + _STEP_LINES

    def near(self, line: int) -> bool:
        """Whether one is at about that line."""
        return any(abs(own - line) <= _BY_SO_FEW for own, _ in self.at)

    def completed(self, line: int, height: float) -> list[tuple[int, float]]:
        """Return the jump at a line where others have one of that height, if there is any."""
        own = float(self.heights[line - _STEP_LINES])
        return [(line, own)] if own * np.sign(height) > _AS_HIGH * abs(height) else []


def _jumps(pieces: Profile, known: Mask) -> _Jumps:
    """Return at which lines, and by how much, ``pieces`` (line, piece) jump; (line,) ``known``."""
    from scipy import ndimage

    sums = np.concatenate([np.zeros((1, pieces.shape[1])), np.cumsum(pieces, axis=0)])
    means = (sums[_STEP_LINES:] - sums[:-_STEP_LINES]) / _STEP_LINES
    jump = means[_STEP_LINES:] - means[:-_STEP_LINES]  # at line i + _STEP_LINES
    whole = jump.mean(axis=1)
    size = np.abs(whole)
    # Where all lines on both sides are known.
    told = ndimage.minimum_filter1d(known, 2 * _STEP_LINES + 1, mode="nearest")
    told = told[_STEP_LINES : _STEP_LINES + len(whole)]
    if not told.any():
        return _Jumps([], whole)
    high = told & (size > _STEP * float(spread(whole[told])))
    high &= size == ndimage.maximum_filter1d(size, 4 * _STEP_LINES + 1)
    high &= _lasting(pieces.mean(axis=1), whole)
    seen = (jump * np.sign(whole)[:, None] > _PIECE_SEEN * spread(jump[told], axis=0)).sum(axis=1)
    high &= seen >= max(2, pieces.shape[1] - 1)
    within = round(_NO_STEP * len(pieces))
    lines = np.flatnonzero(high)
    lines = lines[(lines + _STEP_LINES > within) & (lines + _STEP_LINES < len(pieces) - within)]
    if len(lines) > _MOST_STEPS:
        lines = lines[:0]
    return _Jumps([(int(line) + _STEP_LINES, float(whole[line])) for line in lines], whole)


def _common(found: list[_Jumps], least: int) -> list[list[tuple[int, float]]]:
    """Return those jumps, (line, height), that ``least`` sections have at about the same line.

    Sections that have one there as well, though not beyond doubt, have it, too: a step taken off
    with a gap would leave a block.
    """
    common = [[j for j in jumps.at if sum(s.near(j[0]) for s in found) >= least] for jumps in found]
    for line in sorted({line for jumps in common for line, _ in jumps}):
        here = [[jump for jump in jumps if abs(jump[0] - line) <= _BY_SO_FEW] for jumps in common]
        usual = float(np.median([height for jumps in here for _, height in jumps]))
        for own, there, jumps in zip(common, here, found, strict=True):
            own[:] = [jump for jump in own if jump not in there]
            own += [(at, _alike(h, usual)) for at, h in there or jumps.completed(line, usual)]
    return common


def _alike(height: float, usual: float) -> float:
    """Return the usual height for one that is about the same: the rest of it is specimen."""
    return usual if abs(height - usual) < _ABOUT_AS_HIGH * abs(usual) else height


def _lasting(lines: NDArray[np.float64], jump: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell after which ``jump`` of the means of ``lines`` they stay where they jumped to."""
    from scipy import ndimage

    # The median of lines [i, i + n) lies at i + n // 2.
    middle = ndimage.median_filter(lines, _LASTING_LINES, mode="nearest")
    half, at = _LASTING_LINES // 2, np.arange(len(jump)) + _STEP_LINES
    last = len(lines) - 1
    risen = middle[(at + half).clip(0, last)] - middle[(at - half).clip(0, last)]
    lasting: NDArray[np.bool_] = risen * np.sign(jump) >= _LASTING * np.abs(jump)
    return lasting
