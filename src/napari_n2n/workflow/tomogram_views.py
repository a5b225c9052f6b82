"""A tomogram that is looked at, and what is on the screen of it. No napari, no Qt, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.progress import Progress

Voxels = NDArray[np.float32]
Box = tuple[slice, slice, slice]
"""A part of a volume along z, y and x, with a start and a stop each."""

# Working voxels on either side of a section that a network is shown with it, and as much of the
# section as is denoised at once.
_AROUND, _ACROSS = 20, 400
# Denoising a part first costs its share of the time once more: not for more than this share.
_WORTH_WHILE = 0.4
_SMALLEST = 64


@dataclass(frozen=True, eq=False)
class TomogramSource:
    """A tomogram to work on: its two halves, or the one volume there is.

    Attributes
    ----------
    volumes
        (z, y, x) each, lazy or not: odd and even, or one.
    shown
        The data of the layer that shows it: one of the same shape.
    files
        What it is read from, the one that says how a result is written first; empty: from memory.
    """

    volumes: tuple[Any, ...]
    name: str
    voxel_size_angstrom: float | None
    shown: Any
    files: tuple[Path, ...] = ()

    @property
    def has_halves(self) -> bool:
        """Whether it can be trained on."""
        return len(self.volumes) == 2

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x)."""
        z, y, x = self.volumes[0].shape
        return z, y, x

    def mean(self, box: Box) -> Voxels:
        """Read a part of the mean of its volumes."""
        parts = [np.asarray(volume[box], np.float32) for volume in self.volumes]
        mean: Voxels = sum(parts[1:], start=parts[0]) / np.float32(len(parts))
        return mean


@dataclass(frozen=True)
class SectionInView:
    """What is on screen: section ``index`` across ``axis`` (0: z), and of the volume ``box``.

    The box is one voxel thick along that axis.
    """

    axis: int
    box: Box

    @property
    def index(self) -> int:
        """Which section it is."""
        index: int = self.box[self.axis].start
        return index

    def with_surroundings(
        self, shape: tuple[int, ...], voxel_size_angstrom: float | None, working: float | None
    ) -> Box:
        """Return what a network is shown to denoise it, as far as it is worth while.

        ``working`` is the voxel size (Å) that the network works at.
        """
        coarser = max(1.0, working / voxel_size_angstrom) if working and voxel_size_angstrom else 1
        around, across = round(_AROUND * coarser), round(_ACROSS * coarser)
        spans = list(self.box)
        spans[self.axis] = _within(self.index - around, self.index + around + 1, shape[self.axis])
        others = [axis for axis in range(3) if axis != self.axis]
        for axis in others:
            spans[axis] = _at_most(spans[axis], across)
        thick = spans[self.axis].stop - spans[self.axis].start
        room = _WORTH_WHILE * float(np.prod(shape)) / thick
        while np.prod([spans[axis].stop - spans[axis].start for axis in others]) > room:
            longest = max(others, key=lambda axis: spans[axis].stop - spans[axis].start)
            length = spans[longest].stop - spans[longest].start
            if length <= _SMALLEST:
                break
            spans[longest] = _at_most(spans[longest], max(_SMALLEST, int(0.8 * length)))
        z, y, x = spans
        return z, y, x


@dataclass(frozen=True, eq=False)
class DenoisedSection:
    """A denoised part of a section: (z, y, x), one voxel thick, and where its first voxel lies."""

    voxels: Voxels
    origin: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SectionReady(Progress):
    """What is looked at is denoised before the rest."""

    stage: str = "denoising what you look at"
    done: int = 1
    total: int = 1
    section: DenoisedSection


class WatchedSection:
    """The section the user looks at, handed from the window to the work.

    The window stores it, the work's thread reads it; each is one assignment.
    """

    def __init__(self) -> None:
        self._view: SectionInView | None = None
        self._given: tuple[int, int, int] = (0, 0, 0)

    def look_at(self, view: SectionInView | None) -> None:
        """Store what is looked at; None: nothing."""
        self._view = view

    def view(self, shape: Sequence[int]) -> SectionInView | None:
        """Return what is looked at, if it is of a volume of ``shape``."""
        view = self._view
        if view is None or any(a.stop > n for a, n in zip(view.box, shape, strict=True)):
            return None
        return view

    def sections(
        self, source: TomogramSource, working: float | None
    ) -> tuple[Voxels, float | None] | None:
        """Give a training what to denoise: sections along z, that which is looked at amid them.

        None if nobody looks, or at another plane: the network is shown what it is trained on.
        """
        view = self.view(source.shape)
        if view is None or view.axis != 0:
            return None
        z, y, x = view.with_surroundings(source.shape, source.voxel_size_angstrom, working)
        self._given = (view.index, y.start, x.start)
        voxels = source.mean((z, y, x))
        # Where it is near the top or the bottom, mirrored, so that it is in the middle.
        above, below = view.index - z.start, z.stop - 1 - view.index
        missing = (max(0, below - above), max(0, above - below))
        return np.pad(voxels, (missing, (0, 0), (0, 0)), "symmetric"), source.voxel_size_angstrom

    def placed(self, pixels: NDArray[np.float32], origin: tuple[int, int]) -> DenoisedSection:
        """Say where a denoised part of what was given last lies."""
        z, y, x = self._given
        return DenoisedSection(pixels[np.newaxis], (z, y + origin[0], x + origin[1]))


def _within(start: int, stop: int, length: int) -> slice:
    return slice(max(0, start), min(length, stop))


def _at_most(span: slice, length: int) -> slice:
    """Return the middle of a span."""
    more = (span.stop - span.start) - length
    return span if more <= 0 else slice(span.start + more // 2, span.start + more // 2 + length)
