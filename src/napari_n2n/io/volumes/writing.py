"""Writing volumes section by section, whole or not at all, with what their input's header says."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np

from napari_n2n.errors import BadPixels
from napari_n2n.io.atomic import folder_atomically, write_atomically
from napari_n2n.io.finding import FOLDERS_AS_FILES
from napari_n2n.io.outputs import require_free
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.io.volumes.mrc_writing import MrcSink, MrcTemplate
from napari_n2n.io.volumes.ome_zarr_writing import OmeZarrSink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from napari_n2n.io.volumes.model import Volume

VolumeType = Literal["float32", "float16", "int16", "uint16", "int8", "uint8"]
"""What a voxel can be written as: MRC's modes 2, 12, 1, 6 and 0."""


class VolumeSink(Protocol):
    """A place for sections, one after the other."""

    def write(self, section: NDArray[Any]) -> None:
        """Take the next section (y, x)."""
        ...

    def close(self) -> None:
        """Finish what was written."""
        ...


class VolumeWriter:
    """A volume that is written section by section, and appears when all of them are there.

    .. code-block:: python

        with VolumeWriter("denoised.mrc", like=volume) as writer:
            for slab in slabs:  # (sections, y, x) each
                writer.write(slab)

    If the block raises, or ends too early, what was at that path before is untouched.

    Parameters
    ----------
    path
        Where to: an MRC file, or a folder for OME-Zarr if it ends in ``.zarr``.
    like
        The volume it is made from. Voxel size, origin and, from MRC to MRC, everything else in its
        header are kept.
    shape
        (z, y, x); by default that of ``like``.
    voxel_size_angstrom
        Å; by default that of ``like``.
    dtype
        Of a stored voxel.
    labels
        What else an MRC header is to say, in ASCII, 80 characters each.

    Raises
    ------
    WriteProblem
        It may not be written there, or the disk refuses.
    BadPixels
        Voxels are NaN or infinite, or beyond what ``dtype`` can hold.
    ValueError
        The slabs do not make a volume of that shape.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        like: Volume | None = None,
        shape: tuple[int, int, int] | None = None,
        voxel_size_angstrom: float | None = None,
        dtype: VolumeType = "float32",
        labels: Sequence[str] = (),
    ) -> None:
        if shape is None:
            if like is None:
                raise ValueError("Give the shape of the volume, or a volume it is like.")
            shape = like.shape
        self.path = Path(path)
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.like = like
        self.labels = (*labels, *(placeholder_labels(like.notes) if like else ()))
        self.voxel_size_angstrom = voxel_size_angstrom
        if voxel_size_angstrom is None and like is not None:
            self.voxel_size_angstrom = like.voxel_size_angstrom
        self.written = 0
        """How many sections are written."""
        self._sink: VolumeSink | None = None
        self._context = self._writing()

    def __enter__(self) -> Self:
        self._context.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.__exit__(kind, error, trace)

    def write(self, slab: NDArray[Any]) -> None:
        """Write the next sections, (sections, y, x), or one of them, (y, x)."""
        if self._sink is None:
            raise ValueError("A volume is written within `with VolumeWriter(...) as writer:`.")
        sections = np.asarray(slab)
        sections = sections if sections.ndim == 3 else sections[np.newaxis]
        if sections.shape[1:] != self.shape[1:] or self.written + len(sections) > self.shape[0]:
            raise ValueError(
                f"A volume of shape {self.shape}, of which {self.written} sections are written, "
                f"cannot go on with {np.shape(slab)}."
            )
        for section in sections:
            self._sink.write(self._stored(section))
            self.written += 1

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        require_free([self.path], [None if self.like is None else self.like.path])
        if self.path.name.lower().endswith(FOLDERS_AS_FILES):
            origin = (0.0, 0.0, 0.0) if self.like is None else self.like.origin_angstrom
            with folder_atomically(self.path) as folder:
                sink = OmeZarrSink(
                    folder, self.path.name, self.shape, self.dtype, self.voxel_size_angstrom, origin
                )
                yield from self._filling(sink)
            return
        template = MrcTemplate.of(
            self.shape, self.dtype, self.like, self.voxel_size_angstrom, self.labels
        )
        with write_atomically(self.path) as beside, beside.open("wb") as file:
            yield from self._filling(MrcSink(file, template))

    def _filling(self, sink: VolumeSink) -> Iterator[None]:
        self._sink = sink
        try:
            yield
        finally:
            self._sink = None
        if self.written < self.shape[0]:
            raise ValueError(
                f"Of {self.shape[0]} sections of {self.path.name} {self.written} were written."
            )
        sink.close()

    def _stored(self, section: NDArray[Any]) -> NDArray[Any]:
        """Return a section as it is stored; whole numbers are rounded to."""
        if self.dtype.kind == "f":
            with np.errstate(over="ignore"):
                stored = section.astype(self.dtype, copy=False)
            fits = bool(np.isfinite(stored).all())
        else:
            limits = np.iinfo(self.dtype)
            rounded = np.rint(section)
            fits = bool(rounded.min() >= limits.min and rounded.max() <= limits.max)
            stored = rounded.astype(self.dtype) if fits else section
        if fits:
            return stored
        finite = bool(np.isfinite(section).all())
        raise BadPixels(
            self.path,
            f"was not written: voxels of section {self.written + 1} are beyond {self.dtype}"
            if finite
            else f"was not written: section {self.written + 1} has NaN or infinite voxels",
            "Write it as float32." if finite else "Check what it was made from.",
        )


def write_volume(
    path: Path | str,
    slabs: NDArray[Any] | Iterable[NDArray[Any]],
    *,
    like: Volume | None = None,
    shape: tuple[int, int, int] | None = None,
    voxel_size_angstrom: float | None = None,
    dtype: VolumeType = "float32",
    labels: Sequence[str] = (),
) -> None:
    """Write a volume, whole or not at all, holding one slab at a time.

    Parameters
    ----------
    path
        Where to: an MRC file, or a folder for OME-Zarr if it ends in ``.zarr``.
    slabs
        (z, y, x), or an iterable of its sections (y, x) or slabs (sections, y, x), top to bottom.
    like, shape, voxel_size_angstrom, dtype, labels
        As in `VolumeWriter`; the shape of an array is its own.

    Raises
    ------
    WriteProblem, BadPixels, ValueError
        As in `VolumeWriter`.
    """
    if shape is None and isinstance(slabs, np.ndarray):
        z, y, x = slabs.shape
        shape = z, y, x
    with VolumeWriter(
        path,
        like=like,
        shape=shape,
        voxel_size_angstrom=voxel_size_angstrom,
        dtype=dtype,
        labels=labels,
    ) as writer:
        for slab in slabs:
            writer.write(slab)
