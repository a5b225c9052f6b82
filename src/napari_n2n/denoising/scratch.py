"""Arrays that lie on the disk for as long as somebody uses them, and leave no file behind."""

import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_n2n.errors import WriteProblem

# What is left free for others: a disk that is full stops more than this program.
_LEFT_FREE = 2**28
# A side of `Bricks`: 64 kB each, which a disk reads in one go.
_SIDE = 32


def scratch_array(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return an array of zeros in a file of the folder for temporary files (``TMPDIR``).

    The system keeps in memory what fits there. The file has no name, where the system allows that,
    and is gone with the array, however the program ends.

    Raises
    ------
    WriteProblem
        There is no room for it.
    """
    folder = Path(tempfile.gettempdir())
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if shutil.disk_usage(folder).free < size + _LEFT_FREE:
        raise _no_room(folder, size)
    try:
        with tempfile.TemporaryFile(prefix="napari-n2n-") as file:
            # A map of a file with holes ends the program when the disk is full; so none has any.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(1, size))
            return np.memmap(file, dtype, "w+", shape=shape)
    except OSError:
        raise _no_room(folder, size) from None


def _no_room(folder: Path, size: int) -> WriteProblem:
    return WriteProblem(
        folder,
        f"has no room for {size / 1e9:.1f} GB that are needed for a while",
        "Make room, or name another folder in the environment variable TMPDIR.",
    )


class Bricks:
    """A volume (z, y, x) on the disk, of which boxes can be read anywhere at equal speed.

    It is stored in cubes of 32³ voxels, as float16: a crop lies in a few dozen of them, where it
    would lie in thousands of rows of a plain file.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        z, y, x = (-(-side // _SIDE) for side in shape)
        self._bricks = scratch_array((z, y, x, _SIDE, _SIDE, _SIDE), np.float16)

    @property
    def slabs(self) -> list[slice]:
        """The sections to write together, one brick high."""
        depth = self.shape[0]
        return [slice(z, min(z + _SIDE, depth)) for z in range(0, depth, _SIDE)]

    def write(self, slab: slice, voxels: NDArray[np.float32]) -> None:
        """Store ``voxels``, (sections, y, x), of one of `slabs`."""
        row = self._bricks[slab.start // _SIDE]
        for iy, ix in np.ndindex(row.shape[:2]):
            y, x = iy * _SIDE, ix * _SIDE
            part = voxels[:, y : y + _SIDE, x : x + _SIDE]
            row[(iy, ix, *map(slice, part.shape))] = part

    def read(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Return what lies in ``box``, (z, y, x) slices with start and stop within the volume."""
        result = np.empty([part.stop - part.start for part in box], np.float32)
        bricks = [range(part.start // _SIDE, (part.stop - 1) // _SIDE + 1) for part in box]
        first = [numbers.start for numbers in bricks]
        for index in np.ndindex(*map(len, bricks)):
            there, here = [], []
            for number, start, part in zip(index, first, box, strict=True):
                origin = (number + start) * _SIDE
                low, high = max(part.start, origin), min(part.stop, origin + _SIDE)
                there.append(slice(low - origin, high - origin))
                here.append(slice(low - part.start, high - part.start))
            brick = self._bricks[tuple(a + b for a, b in zip(index, first, strict=True))]
            result[tuple(here)] = brick[tuple(there)]
        return result


class SlabsInto:
    """Puts slabs of sections into an array (z, y, x), one after the other."""

    def __init__(self, array: NDArray[np.float32]) -> None:
        self.array = array
        self._next = 0

    def __call__(self, slab: NDArray[np.float32]) -> None:
        """Put the next sections where they belong."""
        self.array[self._next : self._next + len(slab)] = slab
        self._next += len(slab)
