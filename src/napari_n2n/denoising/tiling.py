"""Cutting an image or a volume into tiles whose joined results equal the whole image's."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

Window = tuple[slice, slice]
Box = tuple[slice, ...]
"""A part of an image or of a volume: a slice for every axis."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: what is ``read``, what of the image it is to ``write``, and that part of itself."""

    read: Box
    write: Box
    inner: Box


def tiles(
    shape: tuple[int, ...], tile: int | tuple[int, ...], halo: int, multiple: int
) -> Iterator[Tile]:
    """Cover an image of ``shape`` ([z,] y, x) with tiles that write without overlap.

    ``tile`` is their side in px, or one for every axis. Every tile starts on a ``multiple`` (the
    network pools there for the whole image too) and reads ``halo`` px around, cut at the image's
    edge so that padding happens where it would.

    Raises
    ------
    ValueError
        ``tile`` or ``halo`` is no multiple of ``multiple``.
    """
    sides = (tile,) * len(shape) if isinstance(tile, int) else tile
    if min(sides) < multiple or any(side % multiple for side in sides) or halo % multiple:
        raise ValueError(f"tile {tile} and halo {halo} must be multiples of {multiple}")
    spans = [_spans(length, side, halo) for length, side in zip(shape, sides, strict=True)]
    for of_axes in itertools.product(*spans):
        read, write, inner = zip(*of_axes, strict=True)
        yield Tile(read, write, inner)


def _spans(length: int, tile: int, halo: int) -> Iterator[tuple[slice, slice, slice]]:
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        first, last = max(0, start - halo), min(length, stop + halo)
        yield slice(first, last), slice(start, stop), slice(start - first, stop - first)
