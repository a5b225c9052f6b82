"""Boxes cut out of what gives voxels: what numpy's slices mean, and who can read just a part."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from napari_n2n.io.sources import FrameSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

Index = int | slice | EllipsisType
Box = tuple[slice, slice, slice]
"""From and to along z, y and x, within the volume."""


@runtime_checkable
class BoxSource(FrameSource, Protocol):
    """A source that reads part of its sections."""

    def read_box(self, box: Box) -> NDArray[Any]:
        """Give a box (z, y, x) as stored, copied.

        Raises
        ------
        UnreadableFile
            When the file is torn or damaged there.
        """
        ...


def read_box(source: FrameSource, box: Box) -> NDArray[Any]:
    """Give a box (z, y, x) of any source, as stored.

    Raises
    ------
    UnreadableFile
        When the file is torn or damaged there.
    """
    if isinstance(source, BoxSource):
        return source.read_box(box)
    z, y, x = box
    return np.stack([source.read(number)[y, x] for number in range(z.start, z.stop)])


def chosen(
    index: int | slice | tuple[Index, ...], shape: tuple[int, int, int]
) -> tuple[tuple[range, range, range], tuple[int | slice, ...]]:
    """Say what an index chooses along z, y and x, and how axes of single numbers are left out.

    Raises
    ------
    IndexError
        It has too many axes, or a number that is not there.
    """
    parts: list[Index] = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (4 - len(parts))
    parts += [slice(None)] * (3 - len(parts))
    if len(parts) != 3:
        raise IndexError(f"A volume has three axes (z, y, x); {len(parts)} were given.")
    ranges = []
    for part, side, axis in zip(parts, shape, "zyx", strict=True):
        if isinstance(part, slice):
            ranges.append(range(*part.indices(side)))
            continue
        number = int(part)  # type: ignore[arg-type]
        if not -side <= number < side:
            raise IndexError(f"There are {side} voxels along {axis}; there is no {number}.")
        ranges.append(range(number % side, number % side + 1))
    kept = tuple(slice(None) if isinstance(part, slice) else 0 for part in parts)
    return (ranges[0], ranges[1], ranges[2]), kept


def span(numbers: range) -> slice:
    """Return the smallest slice that holds all of some numbers, of which there is one at least."""
    return slice(min(numbers), max(numbers) + 1)
