"""How well a template fits at each place of a volume, box by box, from the disk."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import fft, ndimage
from skimage.feature import peak_local_max

from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.denoising.working_volumes import (
    FilledVolume,
    coarser_steps,
    working_volume_shape,
)
from napari_n2n.errors import NotEnoughData
from napari_n2n.particles.picking import thinned
from napari_n2n.particles.volume_templates import REACH, distances
from napari_n2n.progress import Progress, Steps, Stop, passed_on, require_going

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_n2n.denoising.working_volumes import Sections

_SIDE = 128
"""Voxels along a side of the boxes that are searched, without what they see beyond."""
_BACKGROUND = 1.0  # diameters: what changes more slowly is ice
_SEEN = 2.5  # of these, beyond which a Gaussian has no say
_FAINT = 0.3  # share of the typical box's variance that is added to every one's, as in 2D
_LOWEST = 0.05
_SAMPLED = 6  # boxes along each axis that tell the typical variance
_DENSE_WITHIN, _MOVES = 0.5, 5  # diameters; steps towards the middle
_CORE = 0.5  # diameters, within which the height of a candidate is looked for


@dataclass(frozen=True, eq=False)
class CoarseVolume:
    """A volume made coarse and flat, of deviation 1; on the disk.

    ``shape`` (z, y, x) is that of the volume; ``across`` of these voxels are a diameter.
    """

    voxels: NDArray[np.float32]
    shape: tuple[int, ...]
    across: float

    @property
    def factors(self) -> NDArray[np.float64]:
        """(3,) voxels of the volume in one of these."""
        return np.array(self.shape, np.float64) / np.array(self.voxels.shape, np.float64)

    def to_volume(self, coarse: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring (n, 3) z, y, x to voxels of the volume; the faces of both lie on each other."""
        placed: NDArray[np.float64] = (coarse + 0.5) * self.factors - 0.5
        return placed

    def from_volume(self, voxels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring (n, 3) z, y, x of the volume to voxels of this."""
        placed: NDArray[np.float64] = (voxels + 0.5) / self.factors - 0.5
        return placed


@dataclass(frozen=True, eq=False)
class Candidates:
    """Where a template fits, the best first.

    Attributes
    ----------
    centres
        (n, 3) z, y, x in voxels of the volume.
    scores
        (n,) -1 to 1.
    heights
        (n,) how far the volume differs there from what is around, in its deviations.
    """

    centres: NDArray[np.float64]
    scores: NDArray[np.float32]
    heights: NDArray[np.float32]

    def only(self, which: NDArray[np.bool_]) -> Self:
        """Return those that a mask (n,) chooses."""
        return type(self)(self.centres[which], self.scores[which], self.heights[which])


def coarse_volume_steps(
    volume: Sections, diameter_voxel: float, across: int, stop: Stop
) -> Steps[CoarseVolume]:
    """Bring a volume to some ``across`` voxels in a particle's diameter, and make it flat.

    Raises
    ------
    NotEnoughData
        All its voxels are the same.
    BadValue, WriteProblem, Interrupted
        As `coarser_steps`.
    """
    z, y, x = volume.shape
    shape = working_volume_shape((z, y, x), 1.0, diameter_voxel / across)
    coarse = yield from passed_on(
        coarser_steps(FilledVolume(volume), shape, stop), lambda step: (step,)
    )
    factors = np.array(volume.shape) / np.array(shape)
    seen = diameter_voxel / float(factors.mean())
    flat = scratch_array(shape)
    margin = int(np.ceil(_SEEN * _BACKGROUND * seen))
    total = 0.0
    boxes = [*_boxes(shape)]
    for number, box in enumerate(boxes):
        yield Progress("taking away the background", number, len(boxes))
        require_going(stop)
        around, inner = _around(box, shape, margin)
        part = np.array(coarse[around], np.float32)
        part -= ndimage.gaussian_filter(part, _BACKGROUND * seen, mode="reflect", truncate=_SEEN)
        flat[box] = part[inner]
        total += float(np.square(part[inner], dtype=np.float64).sum())
    deviation = np.sqrt(total / flat.size)
    if not deviation > 0:
        raise NotEnoughData("All voxels of the volume are the same: nothing can be found.")
    for box in boxes:
        flat[box] /= np.float32(deviation)
    return CoarseVolume(flat, volume.shape, seen)


def candidates_steps(
    coarse: CoarseVolume, template: NDArray[np.float32], least_distance: float, stop: Stop
) -> Steps[tuple[Candidates, Candidates]]:
    """Return where ``template`` fits, and where its opposite does.

    Each score is the covariance of template and volume over a ball of `REACH` diameters, divided by
    the template's deviation there and by √(variance of the volume there + a share of its typical
    variance), as for micrographs. What a ball holds of the outside counts neither way.

    Parameters
    ----------
    coarse
        The volume.
    template
        On the grid of `distances`.
    least_distance
        Of two centres, in diameters.

    Raises
    ------
    Interrupted
        ``stop`` became true.
    """
    ball = distances(coarse.across) <= REACH
    radius = ball.shape[0] // 2
    floor = _FAINT * _typical_variance(coarse.voxels, ball.shape[0]) + 1e-9
    boxes = [*_boxes(coarse.voxels.shape)]
    found: tuple[list[Candidates], list[Candidates]] = ([], [])
    for number, box in enumerate(boxes):
        yield Progress("picking", number, len(boxes))
        require_going(stop)
        around, inner = _around(box, coarse.voxels.shape, radius)
        part = np.array(coarse.voxels[around])
        scores = _scores(part, template, ball, floor)
        origin = np.array([one.start for one in around])
        for sign, candidates in zip((1, -1), found, strict=True):
            candidates.append(_peaks(sign * scores, sign * part, inner, origin, coarse))
    yield Progress("picking", len(boxes), len(boxes))
    apart = least_distance * coarse.across * float(coarse.factors.mean())
    bright, dark = (_joined(candidates, apart) for candidates in found)
    return bright, dark


def centred(coarse: CoarseVolume, centres: NDArray[np.float64], sign: int) -> NDArray[np.float64]:
    """Move (n, 3) centres to the middle of what is dense around them.

    A template that is wider than the particle fits about as well a little above and below, all the
    more as nothing along z is sharp. ``sign`` is 1 where what is dense is bright, -1 where dark.
    """
    reach = _DENSE_WITHIN * coarse.across
    moved = coarse.from_volume(centres)
    limits = np.array(coarse.voxels.shape) - 1
    for row, at in enumerate(moved):
        for _ in range(_MOVES):
            low = np.clip(np.ceil(at - reach), 0, limits).astype(int)
            high = np.clip(np.floor(at + reach), 0, limits).astype(int) + 1
            box = tuple(map(slice, low, high))
            places = np.moveaxis(np.mgrid[box], 0, -1)
            near = ((places - at) ** 2).sum(axis=-1) <= reach**2
            weights = np.maximum(sign * np.asarray(coarse.voxels[box], np.float64), 0) * near
            if not weights.sum() > 0:
                break
            at = np.einsum("zyx,zyxa->a", weights, places) / weights.sum()
        moved[row] = at
    return coarse.to_volume(moved)


def _scores(
    part: NDArray[np.float32],
    template: NDArray[np.float32],
    ball: NDArray[np.bool_],
    floor: float,
) -> NDArray[np.float32]:
    radius = ball.shape[0] // 2
    padded = tuple(fft.next_fast_len(side + 2 * radius, real=True) for side in part.shape)
    there = tuple(slice(side) for side in part.shape)

    def summed(spectrum: NDArray[np.complex64], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
        spread = np.zeros(padded, np.float32)
        spread[tuple(slice(side) for side in kernel.shape)] = kernel
        spread = np.roll(spread, (-radius,) * 3, axis=(0, 1, 2))
        product = spectrum * np.conj(fft.rfftn(spread, workers=-1))
        result: NDArray[np.float32] = fft.irfftn(product, padded, workers=-1)[there]
        return result

    values = ((template - template[ball].mean()) * ball).astype(np.float32)
    ones = fft.rfftn(np.ones_like(part), padded, workers=-1)
    area = summed(ones, ball.astype(np.float32))
    expected = summed(ones, values) / area
    spread = np.maximum(summed(ones, values**2) / area - expected**2, 1e-12)
    del ones
    square = summed(fft.rfftn(part**2, padded, workers=-1), ball.astype(np.float32)) / area
    spectrum = fft.rfftn(part, padded, workers=-1)
    mean = summed(spectrum, ball.astype(np.float32)) / area
    variance = np.maximum(square - mean**2, 0)
    covariance = summed(spectrum, values) / area - expected * mean
    return (covariance / np.sqrt(spread * (variance + floor))).astype(np.float32)


def _peaks(
    scores: NDArray[np.float32],
    part: NDArray[np.float32],
    inner: tuple[slice, ...],
    origin: NDArray[np.intp],
    coarse: CoarseVolume,
) -> Candidates:
    """Return the maxima within a box, to a fraction of a voxel."""
    tops = peak_local_max(scores, min_distance=1, threshold_abs=_LOWEST, exclude_border=False)
    inside = np.all(
        [(tops[:, a] >= one.start) & (tops[:, a] < one.stop) for a, one in enumerate(inner)], axis=0
    )
    tops = tops[inside]
    core = ndimage.maximum_filter(part, int(_CORE * coarse.across) | 1)
    at = _refined(scores, tops) + origin
    return Candidates(coarse.to_volume(at), scores[tuple(tops.T)], core[tuple(tops.T)])


def _refined(scores: NDArray[np.float32], tops: NDArray[np.intp]) -> NDArray[np.float64]:
    """Move maxima to the top of the parabola through three voxels along each axis."""
    refined = tops.astype(np.float64)
    for axis, side in enumerate(scores.shape):
        step = np.eye(3, dtype=np.intp)[axis]
        inner = (tops[:, axis] > 0) & (tops[:, axis] < side - 1)
        before, middle, after = (
            scores[tuple((tops[inner] + k * step).T)].astype(np.float64) for k in (-1, 0, 1)
        )
        bend = before - 2 * middle + after
        shift = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
        refined[inner, axis] += np.clip(shift, -0.5, 0.5)
    return refined


def _joined(parts: Sequence[Candidates], apart: float) -> Candidates:
    """Put the candidates of all boxes in order; of two that are too close, the better one stays."""
    centres, scores, heights = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("centres", "scores", "heights")
    )
    order = np.lexsort((*centres.T[::-1], -scores))
    centres, scores, heights = centres[order], scores[order], heights[order]
    return Candidates(centres, scores, heights).only(thinned(centres, apart))


def _typical_variance(flat: NDArray[np.float32], side: int) -> float:
    """Median of the variances of boxes as large as a particle with what is around it."""
    starts = [
        np.unique(np.linspace(0, max(0, length - side), _SAMPLED).astype(int)).tolist()
        for length in flat.shape
    ]
    variances = [
        float(np.var(flat[z : z + side, y : y + side, x : x + side]))
        for z, y, x in itertools.product(*starts)
    ]
    return float(np.median(variances))


def _boxes(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut a volume into boxes."""
    sides = [
        [slice(start, min(start + _SIDE, side)) for start in range(0, side, _SIDE)]
        for side in shape
    ]
    return itertools.product(*sides)


def _around(
    box: tuple[slice, ...], shape: tuple[int, ...], margin: int
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return a box with what is around it, and where it lies in that."""
    around = tuple(
        slice(max(0, one.start - margin), min(side, one.stop + margin))
        for one, side in zip(box, shape, strict=True)
    )
    inner = tuple(
        slice(one.start - wide.start, one.stop - wide.start)
        for one, wide in zip(box, around, strict=True)
    )
    return around, inner
