"""Colour photographs to work on, as open layers or in a folder. No napari and no Qt here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import Photograph
from napari_n2n.io.photographs import WHITE, PhotographSource, photographs_in
from napari_n2n.progress import Progress, Steps, Stop
from napari_n2n.workflow.fields_of_view import FieldOfView

if TYPE_CHECKING:
    from napari_n2n.denoising.training.photograph_examples import Photographs

DEVIATION = 25.0
"""Standard deviation of the noise that is added unless another is asked for, in grey levels."""


@dataclass(frozen=True, eq=False)
class OnePhotograph:
    """A photograph as napari shows it: (y, x, 3 or 4), bytes or real numbers from 0 to 1.

    ``clean`` is the same photograph without the noise that was added, where it is known, and
    ``clean_name`` the name of its layer.
    ``to_learn_from`` are the clean photographs that are open.
    """

    pixels: Any
    name: str
    clean: Any = None
    clean_name: str = ""
    to_learn_from: tuple[Any, ...] = ()
    pixel_size_angstrom: float | None = None

    def field_of_view(self) -> FieldOfView:
        """Read it."""
        size = self.pixel_size_angstrom
        return FieldOfView(
            self.name,
            Photograph.from_array(grey_levels(self.pixels), size, self.name),
            clean=None if self.clean is None else grey_levels(self.clean),
            drawn=self.pixels,
        )


@dataclass(frozen=True)
class PhotographFolder:
    """A folder of clean photographs."""

    folder: Path

    @property
    def name(self) -> str:
        """What to call it."""
        return self.folder.name

    def field_of_view(self) -> FieldOfView:
        """Read the first photograph in colour, and give it noise, as it is clean.

        Raises
        ------
        NotEnoughData, UnreadableFile
            There is none, or one before it is damaged.
        """
        from napari_n2n.denoising.training.photograph_examples import noisy_photograph

        name, image = self._first()
        noisy = noisy_photograph(image, DEVIATION, seed=0)
        noisy_photograph_name = noisy_name(name, DEVIATION)
        return FieldOfView(
            noisy_photograph_name,
            Photograph.from_array(noisy, path=noisy_photograph_name),
            clean=image.astype(np.float32),
            drawn=noisy / np.float32(WHITE),
        )

    def _first(self) -> tuple[str, NDArray[np.uint8]]:
        for path in photographs_in(self.folder):
            file = PhotographSource.of_file(path)
            if file.is_rgb:
                return path.stem, file.read(0)
        raise NotEnoughData(
            f"There is no colour photograph in {self.folder}. Choose a folder with PNG or JPEG "
            "files in colour."
        )


PhotographData = OnePhotograph | PhotographFolder


def grey_levels(pixels: Any) -> NDArray[np.float32]:
    """Return a photograph of `OnePhotograph`'s kind as (y, x, 3) from 0 to 255, unclipped.

    What is transparent counts as opaque.
    """
    colours = np.asarray(pixels)[..., :3]
    if colours.dtype.kind == "f" or colours.dtype == bool:
        return colours.astype(np.float32) * np.float32(WHITE)
    largest = np.iinfo(colours.dtype).max
    return colours.astype(np.float32) * np.float32(WHITE / largest)


def noisy_name(name: str, deviation: float) -> str:
    """Call the photograph ``name`` with noise of ``deviation`` grey levels."""
    return f"{name} + noise σ {deviation:g}"


def photographs_of_steps(source: PhotographData, stop: "Stop") -> Steps["Photographs"]:
    """Gather the clean photographs to train on.

    Those that are open are called by their content: renaming a layer makes no other photograph.

    Raises
    ------
    NotEnoughData, UnreadableFile
        There is none, or one in the folder is damaged.
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.denoising.training.photograph_examples import Photographs
    from napari_n2n.denoising.training.photographs import SMALLEST_SIDE, read_photographs_steps

    if isinstance(source, PhotographFolder):
        return (yield from read_photographs_steps(source.folder, stop))
    yield Progress("reading the photographs", 0, 1)
    found = {}
    for pixels in source.to_learn_from:
        image = np.clip(np.round(grey_levels(pixels)), 0, WHITE).astype(np.uint8)
        if min(image.shape[:2]) >= SMALLEST_SIDE:
            found[hashlib.sha256(image.tobytes()).hexdigest()] = image
    if not found:
        raise NotEnoughData(
            "There is no clean photograph to train on. Open one, or choose a folder of them."
        )
    names = sorted(found)
    return Photographs([found[name] for name in names], tuple(names))
