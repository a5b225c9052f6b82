"""A volume as an object: lazy, sliced from the disk, with what is needed to write it again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Protocol, Self, overload

import numpy as np

from napari_n2n.io.stacks import StillStack
from napari_n2n.io.volumes.boxes import Index, chosen, read_box, span

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.sources import FrameSource
    from napari_n2n.io.volumes.boxes import Box

Zyx = tuple[float, float, float]
"""Lengths along z, y and x."""

_UNEVEN = 0.01
"""Of a voxel's width: as much more or less its height may be before it is said."""
_CENTRAL = (0.4, 0.5, 0.6)
_LOOKED_AT_PX = 500_000
"""Of each section whose contrast is looked at."""


class Volume(StillStack):
    """A volume (z, y, x) of cubic voxels, read from the disk as it is sliced.

    ``volume[3]`` is a section (y, x), ``volume[10:58, :48, 100:148]`` a box, both of float32 and
    copied. Of uncompressed MRC files and of OME-Zarr only what lies in the box is read, of others
    its sections. Nothing is kept in memory, whatever the size of the file.
    """

    _part = "section"
    kind = "volume"
    what = "a volume"

    @classmethod
    def from_source(
        cls,
        source: FrameSource,
        path: Path,
        pixel_size_angstrom: float | None = None,
        *,
        why: str = "its header",
        notes: tuple[str, ...] = (),
    ) -> Self:
        """Make a volume of a file's sections; a voxel size (Å) that is given wins over the file's.

        Raises
        ------
        BadValue
            When the given voxel size cannot be right.
        """
        notes += _uneven_notes(source)
        return super().from_source(source, path, pixel_size_angstrom, why=why, notes=notes)

    @property
    def voxel_size_angstrom(self) -> float | None:
        """Å along each axis, or None where unknown."""
        return self.pixel_size_angstrom

    @property
    def origin_angstrom(self) -> Zyx:
        """Where the file says that its first voxel lies, (z, y, x) in Å."""
        origin: Zyx = getattr(self.source, "origin_angstrom", (0.0, 0.0, 0.0))
        return origin

    @property
    def labels(self) -> tuple[str, ...]:
        """What programs that worked on the file have said in it."""
        labels: tuple[str, ...] = getattr(self.source, "labels", ())
        return labels

    @property
    def level_sizes_angstrom(self) -> tuple[float | None, ...]:
        """Voxel size (Å) of every level of resolution in the file, the finest first."""
        sizes: tuple[float | None, ...] = getattr(
            self.source, "level_sizes_angstrom", (self.source.pixel_size_angstrom,)
        )
        return sizes

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, index: slice) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, index: tuple[Index, ...]) -> NDArray[np.float32]: ...

    def __getitem__(self, index: int | slice | tuple[Index, ...]) -> NDArray[np.float32]:
        """Give what numpy's numbers and slices choose, read from the disk, as float32.

        Raises
        ------
        IndexError
            There is no such voxel.
        UnreadableFile, BadPixels
            What was chosen is torn or damaged, NaN or infinite.
        """
        (z, y, x), kept = chosen(index, self.shape)
        if not (z and y and x):
            return np.empty((len(z), len(y), len(x)), np.float32)[kept]
        # What lies between sections that are far apart is not read.
        runs = [z] if abs(z.step) == 1 else [range(number, number + 1) for number in z]
        boxes = [self._box((span(run), span(y), span(x))) for run in runs]
        voxels = boxes[0] if len(boxes) == 1 else np.concatenate(boxes)
        backwards = slice(None, None, -1 if z.step == -1 else None)
        return voxels[backwards, :: y.step, :: x.step][kept]

    def typical_pixels(self) -> NDArray[np.float32]:
        """Give pixels of a few sections about the middle, one above the other, (y, x)."""
        return typical_pixels(self)

    def as_dask(self) -> Any:
        """Give a dask array (z, y, x) of float32, one chunk a section, nothing read yet.

        Of a plane or box that is sliced from it, only that is read, where the format allows it.
        """
        return as_dask(self)

    def _box(self, box: Box) -> NDArray[np.float32]:
        raw = read_box(self.source, box)
        first, last = box[0].start + 1, box[0].stop
        where = f"section {first}" if first == last else f"sections {first} to {last}"
        return self._as_used(raw, where, is_ours=True)


class LazyVolume(Protocol):
    """What gives boxes (z, y, x) of float32 as it is sliced."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x)."""
        ...

    def __getitem__(self, index: tuple[Index, ...], /) -> NDArray[np.float32]:
        """Return what numpy's numbers and slices choose."""
        ...


def typical_pixels(volume: LazyVolume) -> NDArray[np.float32]:
    """Give pixels of a few sections about the middle of a volume, one above the other, (y, x).

    One section is in memory at a time, however large they are.
    """
    depth, height, width = volume.shape
    every = max(1, round((height * width / _LOOKED_AT_PX) ** 0.5))
    numbers = sorted({int(share * depth) for share in _CENTRAL})
    return np.concatenate([volume[number, ...][::every, ::every].copy() for number in numbers])


def as_dask(volume: LazyVolume) -> Any:
    """Give a dask array (z, y, x) of float32, one chunk a section, nothing read yet.

    Of a plane or box that is sliced from it, only that is asked of ``volume``.
    """
    import dask.array as da

    return da.from_array(
        _AsFloats(volume),
        chunks=((1,) * volume.shape[0], *((side,) for side in volume.shape[1:])),
        # A name of its own: making one up, dask would hash every voxel.
        name=f"section-{uuid.uuid4().hex}",
        meta=np.empty((0, 0, 0), np.float32),
    )


class _AsFloats:
    """A volume as dask takes arrays, of the type that slicing gives and not of the stored one."""

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, volume: LazyVolume) -> None:
        self.shape = volume.shape
        self._volume = volume

    def __getitem__(self, index: tuple[Index, ...]) -> NDArray[np.float32]:
        return self._volume[index]


def _uneven_notes(source: FrameSource) -> tuple[str, ...]:
    """Say so where sections are not as far from each other as voxels within them."""
    apart: float | None = getattr(source, "section_distance_angstrom", None)
    size = source.pixel_size_angstrom
    if size is None or apart is None or abs(apart / size - 1) <= _UNEVEN:
        return ()
    return (
        f"By its header sections lie {apart:.4g} Å apart, and its pixel size is {size:.4g} Å: "
        f"voxels are taken for cubes of {size:.4g} Å. If they are not, give their size: "
        "--pixel-size.",
    )
