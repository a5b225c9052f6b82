"""The images of a tilt series, read one at a time: of one stack, or of a file each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.formats import open_source
from napari_n2n.io.stacks import TiltSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_IN_A_STACK = re.compile(r"^(\d+)@(.+)$")


@dataclass(frozen=True, eq=False)
class TiltImages:
    """Images (y, x) of a tilt series; headers are read when it is made, pixels when asked for.

    Attributes
    ----------
    path
        The stack, or the first of the files.
    places
        File and number within it, from 0, of each image.
    pixel_size_angstrom
        Å, or None where unknown.
    """

    path: Path
    places: tuple[tuple[Path, int], ...]
    shape: tuple[int, int]
    pixel_size_angstrom: float | None

    @classmethod
    def of(cls, files: Sequence[str | Path], pixel_size_angstrom: float | None = None) -> Self:
        """Take one stack, or one file an image (``3@stack.mrc`` is the third of a stack).

        Raises
        ------
        UnreadableFile
            The first file is missing, torn or no stack of images.
        """
        if len(files) == 1 and _IN_A_STACK.match(str(files[0])) is None:
            path = Path(files[0])
            stack = _opened(path, pixel_size_angstrom)
            places = tuple((path, number) for number in range(len(stack)))
        else:
            places = tuple(_place(str(file)) for file in files)
            path = places[0][0]
            stack = _opened(path, pixel_size_angstrom)
        return cls(path, places, (stack.shape[1], stack.shape[2]), stack.pixel_size_angstrom)

    def __len__(self) -> int:
        """Count the images."""
        return len(self.places)

    def read(self, number: int) -> NDArray[np.float32]:
        """Give an image, (y, x), from 0.

        Raises
        ------
        UnreadableFile, BadPixels
            It is missing, torn, of another shape, NaN or infinite.
        """
        path, within = self.places[number]
        stack = self._stack if path == self.path else _opened(path, self.pixel_size_angstrom)
        if stack.shape[1:] != self.shape or within >= len(stack):
            raise UnreadableFile(
                path,
                f"has {len(stack)} images of {stack.shape[2]} × {stack.shape[1]} pixels, which is "
                f"not what {self.path.name} has",
                "Check that all are of one tilt series.",
            )
        return stack.section(within)

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        return tuple(dict.fromkeys(path for path, _ in self.places))

    @cached_property
    def _stack(self) -> TiltSeries:
        return _opened(self.path, self.pixel_size_angstrom)


def _place(word: str) -> tuple[Path, int]:
    found = _IN_A_STACK.match(word)
    return (Path(found[2]), int(found[1]) - 1) if found else (Path(word), 0)


def _opened(path: Path, pixel_size_angstrom: float | None) -> TiltSeries:
    source = open_source(path)
    if source.is_rgb or source.kind == "photograph":
        raise UnreadableFile(path, "is a photograph, and no tilt image", "Give the tilt series.")
    return TiltSeries.from_source(source, path, pixel_size_angstrom, why="its alignment")
