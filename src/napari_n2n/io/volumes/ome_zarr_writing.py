"""Writing OME-Zarr section by section, with coarser levels that are means of the finer ones.

In version 0.4, which is Zarr 2: copick (its ``pyproject.toml`` demands ``zarr<3``) and what the
CryoET Data Portal keeps read nothing newer, and napari-ome-zarr reads all versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.outputs import CREATOR
from napari_n2n.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray

    from napari_n2n.io.volumes.model import Zyx

_CHUNK = (32, 256, 256)
"""Voxels of a chunk along z, y and x: as many sections are held in memory."""
_COARSE_ENOUGH = 128
_MOST_LEVELS = 6
_COMPRESSION: dict[str, str | int] = {"id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1}
"""Whatever speaks Zarr 2 reads Blosc. Noise is hardly compressed, whatever the effort."""


class OmeZarrSink:
    """An OME-Zarr volume that is being written into an empty folder.

    Parameters
    ----------
    folder
        Where to.
    name
        What the volume is to be called.
    shape
        (z, y, x)
    dtype
        Of a stored voxel.
    voxel_size_angstrom
        Å; None where unknown: then lengths have no unit.
    origin_angstrom
        Where the first voxel lies, (z, y, x) in Å.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        voxel_size_angstrom: float | None,
        origin_angstrom: Zyx,
    ) -> None:
        import zarr

        shapes = [shape]
        while max(shapes[-1]) > _COARSE_ENOUGH and len(shapes) < _MOST_LEVELS:
            z, y, x = ((side + 1) // 2 for side in shapes[-1])
            shapes.append((z, y, x))
        group = zarr.open_group(folder, mode="w", zarr_format=2)
        self._level = level = _Level(_array(group, "0", shape, dtype))
        for number, coarse in enumerate(shapes[1:], 1):
            level.coarser = _Level(_array(group, str(number), coarse, dtype))
            level = level.coarser
        group.attrs.update(
            {
                "multiscales": [
                    _described(name, len(shapes), voxel_size_angstrom, origin_angstrom)
                ],
                CREATOR: {"version": __version__},
            }
        )

    def write(self, section: NDArray[Any]) -> None:
        """Take the next section (y, x)."""
        self._level.write(section)

    def close(self) -> None:
        """Write what is still held."""
        self._level.close()


class _Level:
    """One level: sections are held until a row of chunks is full, and passed on in pairs."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self.coarser: _Level | None = None
        self._array = array
        self._held: list[NDArray[Any]] = []
        self._written = 0
        self._upper: NDArray[np.float32] | None = None

    def write(self, section: NDArray[Any]) -> None:
        dtype = self._array.dtype
        stored = np.rint(section) if dtype.kind in "iu" else section
        self._held.append(stored.astype(dtype))
        if len(self._held) == self._array.chunks[0]:
            self._flush()
        if self.coarser is not None:
            self._pass_on(self.coarser, _halved(section))

    def close(self) -> None:
        if self._held:
            self._flush()
        if self.coarser is not None:
            if self._upper is not None:
                self.coarser.write(self._upper)
            self.coarser.close()

    def _pass_on(self, coarser: _Level, half: NDArray[np.float32]) -> None:
        if self._upper is None:
            self._upper = half
            return
        coarser.write((self._upper + half) * np.float32(0.5))
        self._upper = None

    def _flush(self) -> None:
        count = len(self._held)
        self._array[self._written : self._written + count] = np.stack(self._held)
        self._written += count
        self._held = []


def _halved(section: NDArray[Any]) -> NDArray[np.float32]:
    """Return means of 2 × 2 pixels; of an odd row or column the last one counts twice."""
    pixels = section.astype(np.float32)
    pixels = np.pad(pixels, [(0, side % 2) for side in pixels.shape], mode="edge")
    rows = pixels[::2] + pixels[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)


def _array(
    group: zarr.Group, name: str, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> zarr.Array[Any]:
    return group.create_array(
        name,
        shape=shape,
        chunks=tuple(min(pair) for pair in zip(shape, _CHUNK, strict=True)),
        dtype=dtype,
        compressors=_COMPRESSION,
        fill_value=0,
        chunk_key_encoding={"name": "v2", "separator": "/"},
        # What is not there is missing.
        config={"write_empty_chunks": True},
    )


def _described(
    name: str, levels: int, voxel_size_angstrom: float | None, origin_angstrom: Zyx
) -> dict[str, Any]:
    """Return the ``multiscales`` of OME-NGFF 0.4."""
    size = voxel_size_angstrom or 1.0
    unit = {} if voxel_size_angstrom is None else {"unit": "angstrom"}
    datasets = []
    for level in range(levels):
        transformations: list[dict[str, Any]] = [
            {"type": "scale", "scale": [size * 2**level] * 3},
        ]
        # A mean of voxels lies in the middle of them.
        shift = [start + size * (2**level - 1) / 2 for start in origin_angstrom]
        if any(shift):
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(level), "coordinateTransformations": transformations})
    return {
        "version": "0.4",
        "name": name.removesuffix(".zarr").removesuffix(".ome"),
        "type": "mean",
        "axes": [{"name": axis, "type": "space", **unit} for axis in "zyx"],
        "datasets": datasets,
    }
