"""IMOD's models of points, ``.mod``.

Blocks of big-endian numbers: ``IMODV1.2``, 232 bytes on the model, then for each object ``OBJT``
with 176 bytes and its contours, ``CONT`` with 16 bytes and points of three float32 x, y, z; other
blocks have four letters and their length, and are skipped; ``IEOF`` ends it
(https://bio3d.colorado.edu/imod/doc/binspec.html). Points are pixels of the volume that 3dmod had
loaded: x runs from 0 to nx and y from 0 to ny, so that the first pixel's centre is at 0.5, and z
from -0.5 to nz - 0.5, so that the first section is at 0. Rows count as they are stored.

Labels are the names of objects, one for each label. Scores have no place in it.

The library imodmodel (0.1) is not used: it never comes back from a torn file.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import givers_of
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.coordinates.tomograms.text import places
from napari_n2n.io.limits import COPY_AGAIN, open_binary
from napari_n2n.io.particles import LABELS, Particles

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"IMOD"
_VERSION = b"IMODV1.2"
_END = b"IEOF"
_MODEL = struct.Struct(">128s3i i I 4i 3f 3f 5i f 2i 3f")
_OBJECT = struct.Struct(">64s 16I i I 2i 3f i 8B 2i")
_CONTOUR = struct.Struct(">i I 2i")
_MESH = struct.Struct(">2i I 2h")
_MINX = struct.Struct(">18f")

_FIRST_VOXEL = np.array([0.0, 0.5, 0.5])
"""(z, y, x) of its centre in a model."""
_Z_FROM_BELOW, _NOT_BY_3DMOD, _HAS_ORIGIN = 1 << 10, 1 << 11, 1 << 14
_SCATTERED = 1 << 9  # an object of points that belong to no line
_IN_FOCUS, _CIRCLE, _SPHERES, _RADIUS = 1, 1, 0, 5
_NM = -9  # IMOD's units are powers of ten of metres
_COLOURS = {
    "unlabelled": (1.0, 1.0, 0.0),
    "intact": (0.0, 1.0, 0.0),
    "broken": (1.0, 0.5, 0.0),
    "contaminant": (1.0, 0.0, 0.0),
}


class _Read(NamedTuple):
    """What is gathered while a model is read."""

    shape: tuple[int, int, int]
    voxel_size_angstrom: float | None
    names: list[str]
    points: list[tuple[int, NDArray[np.float64]]]


def read_mod(path: Path) -> TomogramParticles:
    """Read an IMOD model: every point of every object is a particle.

    Raises
    ------
    UnreadableFile
        When it is torn or damaged, or no model.
    """
    with open_binary(path) as handle:
        data = handle.read()
    if not data.startswith(_VERSION):
        raise UnreadableFile(
            path, "is no IMOD model of version 1.2", "Save it anew with 3dmod or convertmod."
        )
    read = _Blocks(path, data).read()
    centres = [points for _, points in read.points]
    xyz = np.concatenate([*centres, np.empty((0, 3))])
    names = np.array([read.names[number] for number, points in read.points for _ in points], "U64")
    labels = np.where(np.isin(names, LABELS), names, "unlabelled").astype("U11")
    x, y, z = xyz.T
    particles = Particles(places(path, z, y, x) - _FIRST_VOXEL, labels, given_by=givers_of(labels))
    sensible = min(read.shape) > 0
    return TomogramParticles(
        particles,
        voxel_size_angstrom=read.voxel_size_angstrom,
        shape=read.shape if sensible else None,
    )


class _Blocks:
    """Reads a model block by block; what a block takes is asked for before it is read."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path, self._data, self._at = path, data, len(_VERSION)

    def read(self) -> _Read:
        model = self._unpack(_MODEL)
        x, y, z = model[1:4]
        names: list[str] = []
        points: list[tuple[int, NDArray[np.float64]]] = []
        offset = np.zeros(3)
        while (name := self._take(4)) != _END:
            if name == b"OBJT":
                values = self._unpack(_OBJECT)
                names.append(values[0].split(b"\0")[0].decode("latin-1").strip())
            elif name == b"CONT" and names:
                count = self._unpack(_CONTOUR)[0]
                found = np.frombuffer(self._take(self._bytes(count, 12)), ">f4")
                points.append((len(names) - 1, found.reshape(-1, 3).astype(np.float64)))
            elif name == b"MESH":
                vertices, indices, *_ = self._unpack(_MESH)
                self._take(self._bytes(vertices, 12))
                self._take(self._bytes(indices, 4))
            elif name == b"MINX":
                offset = self._offset(bool(model[5] & _HAS_ORIGIN))
            else:
                self._take(self._bytes(struct.unpack(">i", self._take(4))[0], 1))
        moved = [(number, found + offset) for number, found in points]
        size = _angstrom(float(model[21]), int(model[22]))
        return _Read((z, y, x), size, names, moved)

    def _offset(self, is_told: bool) -> NDArray[np.float64]:
        """Return (x, y, z) from points of a part of the volume that was loaded to those of all."""
        length = struct.unpack(">i", self._take(4))[0]
        block = self._take(self._bytes(length, 1))
        if length < _MINX.size:
            raise self._torn()
        if not is_told:
            return np.zeros(3)
        values = np.array(_MINX.unpack(block[: _MINX.size]))
        scale = np.where(values[9:12] == 0, 1.0, values[9:12])
        moved: NDArray[np.float64] = (values[3:6] - values[12:15]) / scale
        return moved

    def _unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self._take(layout.size))

    def _bytes(self, count: int, each: int) -> int:
        if count < 0:
            raise self._torn()
        return count * each

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise self._torn()
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def _torn(self) -> UnreadableFile:
        return UnreadableFile(self._path, "is torn or damaged: a part of it is missing", COPY_AGAIN)


def _angstrom(size: float, power: int) -> float | None:
    """Return a pixel size of IMOD's units in Å; of 1 pixel nothing is known."""
    if power == 0 or not (-12 <= power <= 3) or not size > 0:
        return None
    return float(f"{size * 10.0 ** (power + 10):.7g}")


def mod_bytes(one: TomogramParticles) -> bytes:
    """Write a model: an object of scattered points for each label, each a sphere of 5 voxels."""
    p = one.particles
    xyz = (p.centres_px + _FIRST_VOXEL)[:, ::-1].astype(">f4")
    used = [label for label in LABELS if (p.labels == label).any()] or ["unlabelled"]
    z, y, x = one.shape or (0, 0, 0)
    size, unit = (1.0, 0)
    if one.voxel_size_angstrom is not None:
        size, unit = one.voxel_size_angstrom / 10, _NM
    flags = _Z_FROM_BELOW | _NOT_BY_3DMOD
    scale = (1.0, 1.0, 1.0)
    model = _MODEL.pack(
        b"napari-n2n", x, y, z, len(used), flags, 1, 0, 0, 255, *(0.0,) * 3, *scale,
        0, 0, 0, 3, 128, size, unit, 0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    parts = [_VERSION, model]
    radius = _RADIUS
    if one.diameter_angstrom and one.voxel_size_angstrom:
        radius = max(1, round(one.diameter_angstrom / one.voxel_size_angstrom / 2))
    for label in used:
        points = xyz[p.labels == label]
        red, green, blue = _COLOURS[label]
        parts += [
            b"OBJT",
            _OBJECT.pack(
                label.encode(), *(0,) * 16, 1, _SCATTERED, 0, 1, red, green, blue, radius,
                _CIRCLE, 3, 1, 1, 0, 0, 0, 0, 0, 0,
            ),
            b"CONT",
            _CONTOUR.pack(len(points), 0, 0, 0),
            points.tobytes(),
        ]  # fmt: skip
    return b"".join([*parts, _END])
