"""Volumes as the network sees them: at the working voxel size, normalised, slab by slab.

Nothing here holds a whole volume in memory: what is made of one lies in a file (`scratch`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.denoising.normalisation import Intensities
from napari_n2n.denoising.resampling import rescale, rescale_last
from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.errors import BadValue
from napari_n2n.progress import Steps, Stop, Stopwatch, never, require_going

Voxels = NDArray[np.float32]

# Worked on at once: 64 MB.
_VOXELS_AT_ONCE = 1 << 24
_SAMPLE = 2_000_000
# Sections that are looked at to find what a volume is filled up with.
_LOOKED_AT = 5
# A value is what it is filled up with if so many voxels have it exactly, and so many times more
# than have any other.
_PADDED_SHARE, _PADDED_TIMES = 0.01, 5


class Sections(Protocol):
    """A volume (z, y, x): an array, or a `napari_n2n.io.Volume` that is read as it is sliced."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(z, y, x)."""
        ...

    def __getitem__(self, index: slice, /) -> Any:
        """Return sections (sections, y, x)."""
        ...


class FilledVolume:
    """A volume without what it was filled up with where nothing was reconstructed.

    Programs leave zeros, or another number, at the borders. A network would see an edge there,
    and statistics a peak; so it is replaced by the median, and put back into results.
    """

    def __init__(self, volume: Sections) -> None:
        z, y, x = volume.shape
        self.shape = z, y, x
        self._volume = volume
        numbers = np.unique(np.linspace(0, z - 1, _LOOKED_AT).round().astype(int))
        step = max(1, len(numbers) * y * x // _SAMPLE)
        looked_at = [self._sections(slice(n, n + 1)).ravel()[::step] for n in numbers.tolist()]
        sample = np.concatenate(looked_at)
        self._padding = _padding_of(sample)
        sound = sample if self._padding is None else sample[sample != self._padding]
        self._level = np.float32(np.median(sound)) if len(sound) else np.float32(0)

    def __getitem__(self, slab: slice) -> Voxels:
        """Return sections, filled up with the volume's median."""
        voxels = self._sections(slab)
        if self._padding is not None:
            voxels = np.where(voxels == self._padding, self._level, voxels)
        return voxels

    def returned(self, slab: slice, result: Voxels) -> Voxels:
        """Return sections of a ``result`` with what the volume was filled up with put back."""
        if self._padding is None:
            return result
        voxels = self._sections(slab)
        return np.where(voxels == self._padding, voxels, result)

    def _sections(self, slab: slice) -> Voxels:
        voxels: Voxels = np.asarray(self._volume[slab], np.float32)
        if not np.isfinite(voxels).all():
            raise BadValue(
                f"Sections {slab.start + 1} to {slab.stop} of the volume hold NaN or infinite "
                "voxels. Reconstruct it again, or replace them."
            )
        return voxels


def _padding_of(sample: Voxels) -> float | None:
    values, counts = np.unique(sample, return_counts=True)
    if len(values) < 2:
        return None
    order = np.argsort(counts)
    most, next_most = int(counts[order[-1]]), int(counts[order[-2]])
    if most < _PADDED_SHARE * len(sample) or most < _PADDED_TIMES * next_most:
        return None
    return float(values[order[-1]])


def working_volume_shape(
    shape: tuple[int, int, int], voxel_size_angstrom: float | None, working: float | None
) -> tuple[int, int, int]:
    """Shape (z, y, x) of a volume once it is at the ``working`` voxel size (Å); never finer."""
    if voxel_size_angstrom is None or working is None or working <= voxel_size_angstrom:
        return shape
    z, y, x = (max(1, round(side * voxel_size_angstrom / working)) for side in shape)
    return z, y, x


def coarser_steps(
    volume: Sections, shape: tuple[int, int, int], stop: Stop = never
) -> Steps[Voxels]:
    """Fourier-crop ``volume`` to ``shape``, and return that, (z, y, x), on the disk.

    Raises
    ------
    WriteProblem
        The disk has no room.
    Interrupted
        ``stop`` became true.
    """
    depth = volume.shape[0]
    flat = scratch_array((depth, *shape[1:]))
    watch = Stopwatch()
    slabs = slabs_of((depth, *volume.shape[1:]))
    for number, slab in enumerate(slabs):
        yield watch.progress("bringing to the working voxel size", number, len(slabs))
        require_going(stop)
        voxels = torch.from_numpy(np.ascontiguousarray(volume[slab], np.float32))
        flat[slab] = rescale(voxels, (shape[1], shape[2])).numpy()
    return _along_z(flat, shape[0], stop)


def finer(
    volume: Voxels, shape: tuple[int, int, int], stop: Stop = never
) -> Iterator[tuple[slice, Voxels]]:
    """Yield slabs, and where they lie, of ``volume`` once it has ``shape``: the opposite.

    Raises
    ------
    WriteProblem, Interrupted
        As `coarser_steps`.
    """
    flat = _along_z(volume, shape[0], stop)
    for slab in slabs_of(shape):
        require_going(stop)
        voxels = torch.from_numpy(np.ascontiguousarray(flat[slab]))
        yield slab, rescale(voxels, (shape[1], shape[2])).numpy()


def _along_z(volume: Voxels, depth: int, stop: Stop) -> Voxels:
    """Resample the first axis of ``volume`` to ``depth`` sections."""
    if len(volume) == depth:
        return volume
    _, height, width = volume.shape
    result = scratch_array((depth, height, width))
    rows = max(1, _VOXELS_AT_ONCE // (max(depth, len(volume)) * width))
    for y in range(0, height, rows):
        require_going(stop)
        part = torch.from_numpy(np.ascontiguousarray(volume[:, y : y + rows]))
        columns = rescale_last(part.permute(1, 2, 0).contiguous(), depth)
        result[:, y : y + rows] = columns.permute(2, 0, 1).numpy()
    return result


def slabs_of(shape: tuple[int, ...]) -> list[slice]:
    """Cut a volume of ``shape`` (z, y, x) into slabs that fit into memory easily."""
    depth, height, width = shape
    thick = max(1, _VOXELS_AT_ONCE // (height * width))
    return [slice(z, min(z + thick, depth)) for z in range(0, depth, thick)]


def intensities_of(volume: Voxels) -> Intensities:
    """Measure the scale of a volume (z, y, x): median, and half the width of the middle 68 %.

    These are mean and deviation of what is normally distributed, as the noise is, and gold, which
    may be a tenth of it, has no say.
    """
    step = max(1, volume.size // _SAMPLE)
    # An odd step, lest the same columns be looked at in every row.
    sample = np.asarray(volume).reshape(-1)[:: step | 1]
    sample = sample[sample != _most_frequent(sample)]
    if not len(sample):
        return Intensities(float(volume.flat[0]), 1.0)
    low, middle, high = np.percentile(sample, (15.865, 50, 84.135))
    scale = float(high - low) / 2
    return Intensities(float(middle), scale if scale > 0 else 1.0)


def _most_frequent(sample: Voxels) -> float | None:
    """Return what fills a volume up, if anything does."""
    return _padding_of(sample[:: max(1, len(sample) // 100_000)])


@dataclass(frozen=True, eq=False)
class WorkingVolume:
    """A volume (z, y, x) at the working voxel size, on its own scale, and that scale."""

    voxels: Voxels
    intensities: Intensities

    def mirrored(self, way: tuple[slice, ...]) -> "WorkingVolume":
        """Return it with the steps of three slices, 1 or -1, along z, y and x."""
        return WorkingVolume(self.voxels[way], self.intensities)

    def normalised(self, part: tuple[slice, ...] | slice) -> Voxels:
        """Return a part of it as the network sees it."""
        intensities = self.intensities
        offset, scale = np.float32(float(intensities.offset)), np.float32(intensities.scale)
        return (np.asarray(self.voxels[part]) - offset) / scale
