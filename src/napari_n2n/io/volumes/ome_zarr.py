"""Reading OME-Zarr: volumes in levels of resolution, as copick and the CryoET Data Portal write.

Sources: the OME-NGFF specification 0.4 (Zarr 2, ``multiscales`` among a group's attributes) and 0.5
(Zarr 3, the same within ``ome``): axes with types and units, data sets with a scale and perhaps a
translation, and such for all of them. copick's ``ome.py``: without a unit lengths are ångström.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io.limits import COPY_AGAIN, MAX_FRAME_PIXELS, reading, require_frame_size
from napari_n2n.io.pixel_size import judge_pixel_size
from napari_n2n.io.stack_kinds import Evidence

if TYPE_CHECKING:
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray

    from napari_n2n.io.sources import ImageKind, RowOrder

_ANGSTROM_PER_UNIT = {
    "angstrom": 1.0, "picometer": 0.01, "nanometer": 10.0, "micrometer": 1e4, "millimeter": 1e7,
    "centimeter": 1e8, "meter": 1e10,
}  # fmt: skip
_DESCRIPTIONS = (".zarray", ".zattrs", "zarr.json")
_NO_UNIT = "It names no unit of length; as in copick, its pixel size is taken to be in ångström."
_MISSING = (
    "Of its {} chunks {} are missing, and read as {:g} as Zarr has it. If nobody left them out on "
    "purpose, the copy is not complete."
)
_NOT_OME = "Give the folder of an OME-Zarr image; within collections that is mostly NAME.zarr/0."


class OmeZarrSource:
    """One level of the volume in an OME-Zarr folder, chunk by chunk.

    Parameters
    ----------
    path
        The folder.
    level
        Which level of resolution: 0 is the finest, -1 the coarsest.

    Raises
    ------
    UnreadableFile
        When it is no OME-Zarr, damaged, or holds something else than one volume.
    BadValue
        When it has no such level.
    """

    row_order: RowOrder = "mrc"
    dose_per_frame: float | None = None
    is_rgb = False
    evidence = Evidence("volume", "its axes")

    def __init__(self, path: Path, level: int = 0) -> None:
        self._path = path
        with reading(path):
            image = _image_in(path)
            count = len(image.levels)
            if not -count <= level < count:
                raise BadValue(f"{path} has {count} levels of resolution; there is no {level}.")
            self.level = level % count
            chosen = image.levels[self.level]
            self._array = _array_in(path, chosen.name)
            self._leading = _leading_axes(path, self._array, image.axes)
            _require_harmless(path, self._array)
            missing = _missing_notes(self._array)
        self.format = f"OME-Zarr {image.version}"
        z, y, x = self._array.shape[self._leading :]
        self.shape = (z, y, x)
        self.dtype = np.dtype(self._array.dtype)
        self.kind: ImageKind = "movie" if self.shape[0] > 1 else "micrograph"
        self.origin_angstrom = chosen.origin
        self.section_distance_angstrom = chosen.size[0]
        sizes = [judge_pixel_size(*one.size[:0:-1], "folder") for one in image.levels]
        self.level_sizes_angstrom = tuple(size for size, _ in sizes)
        self.pixel_size_angstrom, notes = sizes[self.level]
        if self.pixel_size_angstrom is not None and not image.has_unit:
            notes += (_NO_UNIT,)
        self.notes = notes + missing

    def read(self, index: int) -> NDArray[Any]:
        """Give section `index` as stored, shape (y, x).

        Raises
        ------
        UnreadableFile
            When one of its chunks is damaged.
        """
        section: NDArray[Any] = self.read_box(
            (slice(index, index + 1), slice(0, self.shape[1]), slice(0, self.shape[2]))
        )[0]
        return section

    def read_box(self, box: tuple[slice, slice, slice]) -> NDArray[Any]:
        """Give a box (z, y, x) as stored.

        Raises
        ------
        UnreadableFile
            When one of its chunks is damaged.
        """
        with reading(self._path):
            first: tuple[int | slice, ...] = (0,) * self._leading
            return np.asarray(self._array[first + box])


@dataclass(frozen=True)
class _Level:
    """One data set: its name in the group, and in Å, (z, y, x), what a voxel is and where."""

    name: str
    size: tuple[float, float, float]
    origin: tuple[float, float, float]


@dataclass(frozen=True)
class _Image:
    """What the attributes say of an image."""

    version: str
    axes: tuple[str, ...]
    has_unit: bool
    levels: tuple[_Level, ...]


def _image_in(path: Path) -> _Image:
    """Read the attributes of a group."""
    attributes = _attributes_of(path)
    attributes = attributes.get("ome", attributes)
    several = attributes.get("multiscales")
    if not several:
        raise UnreadableFile(path, "is a Zarr folder, but no OME-Zarr image", _NOT_OME)
    told = several[0]
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in told.get("axes", "zyx")]
    names = tuple(str(axis["name"]).lower() for axis in axes)
    if names[-3:] != ("z", "y", "x"):
        raise UnreadableFile(
            path,
            f"has the axes {', '.join(names)}, and no volume by them",
            "Give an OME-Zarr whose last axes are z, y, x.",
        )
    units = [axis.get("unit") for axis in axes[-3:]]
    known = [_ANGSTROM_PER_UNIT.get(unit or "angstrom", math.nan) for unit in units]
    shared = told.get("coordinateTransformations", [])
    levels = tuple(
        _level(one["path"], one.get("coordinateTransformations", []), shared, known)
        for one in told["datasets"]
    )
    if None in units and levels[0].size == (1.0, 1.0, 1.0):  # which is what stands for nothing
        levels = tuple(replace(one, size=(math.nan,) * 3) for one in levels)
    version = str(told.get("version") or attributes.get("version") or "?")
    return _Image(version, names, None not in units, levels)


def _level(
    name: str, own: list[dict[str, Any]], shared: list[dict[str, Any]], per_unit: list[float]
) -> _Level:
    """Understand the transformations of a data set: its own first, then those of all."""
    size, origin = np.ones(3), np.zeros(3)
    for one in (*own, *shared):
        if "scale" in one:
            scale = np.asarray(one["scale"], np.float64)[-3:]
            size, origin = size * scale, origin * scale
        elif "translation" in one:
            origin = origin + np.asarray(one["translation"], np.float64)[-3:]
    size, origin = size * per_unit, origin * per_unit
    z, y, x = size.tolist()
    where = origin.tolist() if np.isfinite(origin).all() else [0.0, 0.0, 0.0]
    return _Level(str(name), (z, y, x), (where[0], where[1], where[2]))


def _attributes_of(path: Path) -> dict[str, Any]:
    """Return a group's attributes, of either version of Zarr."""
    newer, older = path / "zarr.json", path / ".zattrs"
    if newer.is_file():
        attributes: dict[str, Any] = json.loads(newer.read_text("utf-8")).get("attributes", {})
        return attributes
    found: dict[str, Any] = json.loads(older.read_text("utf-8")) if older.is_file() else {}
    return found


def _array_in(path: Path, name: str) -> zarr.Array[Any]:
    """Open a level's array, once its description is known to be harmless."""
    import zarr

    folder = path / name
    if not folder.resolve().is_relative_to(path.resolve()) or not folder.is_dir():
        raise UnreadableFile(path, f"names a level {name} that is not there", COPY_AGAIN)
    for description in _DESCRIPTIONS:
        if (folder / description).is_file() and "pickle" in (folder / description).read_text(
            "utf-8"
        ):
            raise UnreadableFile(
                path, "holds Python pickles", "Such a file is never opened: it could run a program."
            )
    return zarr.open_array(folder, mode="r")


def _leading_axes(path: Path, array: zarr.Array[Any], axes: tuple[str, ...]) -> int:
    """Return how many axes, of length one, come before z."""
    leading = array.ndim - 3
    if leading != len(axes) - 3 or any(side != 1 for side in array.shape[:leading]):
        raise UnreadableFile(
            path,
            f"holds an array of shape {array.shape}, and not one volume",
            "Save each time point and channel by itself.",
        )
    return leading


def _require_harmless(path: Path, array: zarr.Array[Any]) -> None:
    """Refuse what are no numbers, and chunks that no memory holds."""
    if np.dtype(array.dtype).kind not in "iuf":
        raise UnreadableFile(
            path, f"holds values of type {array.dtype}", "Save them as whole or real numbers."
        )
    require_frame_size(path, *array.shape[-2:])
    if min(array.shape) < 1 or math.prod(array.shards or array.chunks) > MAX_FRAME_PIXELS:
        raise UnreadableFile(
            path,
            f"has an absurd description: {array.shape} voxels in chunks of {array.chunks}",
            f"The description is damaged. {COPY_AGAIN}",
        )


def _missing_notes(array: zarr.Array[Any]) -> tuple[str, ...]:
    """Say what chunks are missing; within shards that is not known without reading them."""
    if array.shards is not None:
        return ()
    count, there = array.nchunks, array.nchunks_initialized
    if there >= count:
        return ()
    return (_MISSING.format(count, count - there, float(array.fill_value or 0)),)
