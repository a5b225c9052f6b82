"""One field of view on its way: an image or the sums of a movie, and what denoising makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io import Micrograph, Photograph, write_micrograph
from napari_n2n.io.labels import BRIGHT, with_labels_of
from napari_n2n.io.outputs import DENOISED, require_free
from napari_n2n.io.photographs import write_photograph
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.motion import Halves, HalvesPaths, write_halves

if TYPE_CHECKING:
    from napari_n2n.denoising.inference.removed import Removed
    from napari_n2n.metrics import RingCorrelation

Image = NDArray[np.float32]
ContrastChoice = Literal["auto", "dark", "bright"]
"""Particles are darker or brighter than what is around them; auto: the image tells."""


def result_labels(
    removed: "Removed | None", contrast: ContrastChoice, notes: Iterable[str]
) -> list[str]:
    """Return what the labels of a denoised image say: what was removed, and from what."""
    return [
        *([] if removed is None else [removed.label]),
        *([BRIGHT] if contrast == "bright" else []),
        *placeholder_labels(notes),
        DENOISED,
    ]


@dataclass(frozen=True, eq=False)
class FieldOfView:
    """What is denoised and shown, under a ``name``: one ``image``, or the sums of a movie.

    ``dose`` is that of a single image in e/Å²; sums know their own.
    A photograph is (y, x, 3) from 0 to 255, and so is ``clean``, if it is known without its noise;
    ``drawn`` is what its layer has, on napari's scale.
    """

    name: str
    image: Halves | Micrograph | Photograph
    dose_of_image: float | None = None
    clean: Image | None = None
    drawn: Any = None

    @property
    def halves(self) -> Halves | None:
        """The sums of odd and even frames; None: it is a single image."""
        return self.image if isinstance(self.image, Halves) else None

    @property
    def full(self) -> Image:
        """What was recorded: (y, x), or (y, x, 3) of a photograph."""
        return self.image.full if isinstance(self.image, Halves) else self.image.pixels

    @property
    def pixel_size_angstrom(self) -> float | None:
        """None: unknown."""
        return self.image.pixel_size_angstrom

    @property
    def dose(self) -> float | None:
        """Of all frames in e/Å²; None: unknown."""
        return self.image.dose if isinstance(self.image, Halves) else self.dose_of_image

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        return self.image.notes

    @property
    def path(self) -> Path | None:
        """The file it was made of; what was made of a layer bears its name instead of a path."""
        return self.image.path if self.image.path.is_file() else None

    @property
    def is_photograph(self) -> bool:
        """Whether it is in colour."""
        return isinstance(self.image, Photograph)

    @property
    def shown(self) -> Any:
        """The data of the layer that shows it."""
        return self.full if self.drawn is None else self.drawn

    def save_sums(self, folder: Path) -> list[Path]:
        """Write the sums of a movie, and how they were moved, as ``napari-n2n halves`` does.

        Raises
        ------
        WriteProblem
            The disk refuses.
        """
        assert isinstance(self.image, Halves), "a single image has no sums"
        # A layer's name may hold what no file's may.
        stem = self.name.replace(" ", "_").replace("/", "_")
        known = self.path is not None
        paths: HalvesPaths = write_halves(self.image, folder, None if known else stem)
        return paths.files


@dataclass(frozen=True, eq=False)
class DenoisedMicrograph:
    """A micrograph as it was recorded and denoised, on one scale.

    Attributes
    ----------
    pixels
        (y, x) denoised, or (y, x, 3) of a photograph.
    pixel_size_angstrom
        None: unknown.
    raw
        Of the same shape: what it was made of. None where only the denoised one is at hand.
    halves
        The sums of odd and even frames, where there are any.
    frc_before, frc_after
        Fourier ring correlation of the halves as recorded and denoised apart.
    notes
        Sentences for the user.
    path
        The file or movie it was made of; None: it came from memory.
    removed
        What denoising removed, and whether it holds structure; None: it is in colour, or nothing
        was denoised.
    contrast
        What its particles are; ``"auto"``: that has not been decided.
    """

    pixels: Image
    pixel_size_angstrom: float | None
    raw: Image | None = None
    halves: Halves | None = None
    frc_before: "RingCorrelation | None" = None
    frc_after: "RingCorrelation | None" = None
    notes: tuple[str, ...] = ()
    path: Path | None = None
    removed: "Removed | None" = None
    contrast: ContrastChoice = "auto"

    @property
    def first_frame_shift_px(self) -> tuple[float, float] | None:
        """(y, x) from where the specimen is to where it was in the movie's first frame."""
        return None if self.halves is None else self.halves.first_frame_shift_px

    @property
    def unit_size(self) -> float:
        """Å in a pixel, or 1 where it is unknown, which makes lengths pixels."""
        return self.pixel_size_angstrom or 1.0

    @property
    def labels(self) -> list[str]:
        """What an MRC file of it is to say of how it was made."""
        return result_labels(self.removed, self.contrast, self.notes)

    def save(self, path: Path | str) -> Path:
        """Write the denoised image as MRC, or a photograph as PNG; returns where.

        Raises
        ------
        WriteProblem
            The disk refuses.
        """
        path = Path(path)
        require_free([path], [self.path])
        if self.pixels.ndim == 3:
            write_photograph(path, self.pixels)
        else:
            labels = with_labels_of(self.path, self.labels)
            write_micrograph(path, self.pixels, self.pixel_size_angstrom, labels=labels)
        return path
