"""Cutting an image into tiles whose joined results equal the whole image's."""

from collections.abc import Iterator
from dataclasses import dataclass

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: what is ``read``, what of the image it is to ``write``, and that part of itself."""

    read: Window
    write: Window
    inner: Window


def tiles(shape: tuple[int, int], tile: int, halo: int, multiple: int) -> Iterator[Tile]:
    """Cover an image of ``shape`` (y, x) with tiles of ``tile`` px that write without overlap.

    Every tile starts on a ``multiple`` (the network pools there for the whole image too) and
    reads ``halo`` px around, cut at the image's edge so that padding happens where it would.

    Raises
    ------
    ValueError
        ``tile`` or ``halo`` is no multiple of ``multiple``.
    """
    if tile < multiple or tile % multiple or halo % multiple:
        raise ValueError(f"tile {tile} and halo {halo} must be multiples of {multiple}")
    for y_read, y_write, y_inner in _spans(shape[0], tile, halo):
        for x_read, x_write, x_inner in _spans(shape[1], tile, halo):
            yield Tile((y_read, x_read), (y_write, x_write), (y_inner, x_inner))


def _spans(side: int, tile: int, halo: int) -> Iterator[tuple[slice, slice, slice]]:
    for start in range(0, side, tile):
        stop = min(start + tile, side)
        first, last = max(0, start - halo), min(side, stop + halo)
        yield slice(first, last), slice(start, stop), slice(start - first, stop - first)
