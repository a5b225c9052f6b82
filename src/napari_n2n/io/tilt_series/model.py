"""An aligned tilt series: which image sees the specimen from where.

One geometry for all programs. A point of the volume, (x, y, z) in pixels of the tilt images from
the middle of the volume, is seen in a view of tilt θ and tilt about x α at

    (u, v) = (x cos θ + (y sin α + z cos α) sin θ,  y cos α - z sin α)

of the aligned image, whose tilt axis is v; and that lies in the image as recorded at

    matrix (u, v) + shift

from its middle. It is the geometry of volumes with the axes z, y, x; how each program's files come
to it is told in the module that reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.tilt_series.images import TiltImages

if TYPE_CHECKING:
    from pathlib import Path

Matrix = tuple[tuple[float, float], tuple[float, float]]
"""Of (x, y)."""

_UPRIGHT: Matrix = ((1.0, 0.0), (0.0, 1.0))


@dataclass(frozen=True)
class TiltOptics:
    """Of the microscope, as far as phases are flipped by it."""

    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.07


@dataclass(frozen=True)
class TiltView:
    """One image of a tilt series, and how it sees the volume.

    Attributes
    ----------
    number
        Of the image in its stack or list, from 0.
    angle_degree, x_tilt_degree
        Tilt about y, and before that about x.
    matrix, shift_px
        From the aligned image, from its tilt axis, to the one as recorded, from its middle; (x, y).
    defocus_angstrom
        Underfocus is positive, the mean where there is astigmatism; None where unknown.
    phase_shift_degree
        Of a phase plate.
    """

    number: int
    angle_degree: float
    matrix: Matrix = _UPRIGHT
    shift_px: tuple[float, float] = (0.0, 0.0)
    x_tilt_degree: float = 0.0
    defocus_angstrom: float | None = None
    phase_shift_degree: float = 0.0

    @property
    def is_on_its_side(self) -> bool:
        """Whether the tilt axis lies nearer to x than to y in the image as recorded."""
        return abs(self.matrix[0][1]) > abs(self.matrix[0][0])


@dataclass(frozen=True)
class TiltAlignment:
    """How the images of a tilt series lie to each other.

    Attributes
    ----------
    path, program
        The file, and who wrote it, for people.
    views
        Those that are used.
    count
        How many images a stack of it has; None where the file does not say.
    size_px
        (z, y, x) of the volume in pixels of the images; None each where the file does not say.
    volume_shift_px
        (z, x) by which the middle of the volume lies off the axis.
    is_centred_on_pixel
        The middle of N pixels is pixel N // 2, as in RELION, and not between two.
    optics
        Of the microscope.
    pixel_size_angstrom
        Of the images, where it is known better than their headers.
    likely_pixel_size_angstrom
        Where their headers do not know it: an ``.mdoc`` may be of images that were binned since.
    notes
        Sentences for the user.
    """

    path: Path
    program: str
    views: tuple[TiltView, ...]
    count: int | None = None
    size_px: tuple[int | None, int | None, int | None] = (None, None, None)
    volume_shift_px: tuple[float, float] = (0.0, 0.0)
    is_centred_on_pixel: bool = False
    optics: TiltOptics = field(default_factory=TiltOptics)
    pixel_size_angstrom: float | None = None
    likely_pixel_size_angstrom: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlignedSeries:
    """A tilt series with its alignment, and the images there are of it.

    Attributes
    ----------
    name
        What its volumes are called by.
    alignment
        How its images lie.
    full, odd, even
        Files of the images of all, of the odd and of the even frames: one stack, or one file a
        view. Empty where there are none.
    volume
        What the program has reconstructed from all frames, where it lies beside.
    """

    name: str
    alignment: TiltAlignment
    full: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    even: tuple[str, ...] = ()
    volume: Path | None = None

    @property
    def has_halves(self) -> bool:
        """Whether there are images of odd and of even frames; otherwise tilts make the halves."""
        return bool(self.odd and self.even)

    def opened(self, pixel_size_angstrom: float | None = None) -> tuple[TiltImages, TiltImages]:
        """Open the images of odd and of even frames, or twice those of all; no pixel is read.

        Raises
        ------
        UnreadableFile
            One is missing, torn, or has other images than the alignment says.
        BadValue
            Nothing tells their pixel size.
        """
        given = (self.odd, self.even) if self.has_halves else (self.full, self.full)
        known = pixel_size_angstrom or self.alignment.pixel_size_angstrom
        odd, even = (TiltImages.of(files, known) for files in given)
        # Many programs write 1 Å where they do not know.
        if known is None and odd.pixel_size_angstrom in (None, 1.0):
            likely = self.alignment.likely_pixel_size_angstrom
            odd, even = (TiltImages.of(files, likely) for files in given)
        for images in (odd, even):
            self._require_fitting(images, odd)
        return odd, even

    def _require_fitting(self, images: TiltImages, first: TiltImages) -> None:
        alignment = self.alignment
        most = max(view.number for view in alignment.views) + 1
        wanted = alignment.count or most
        if len(images) != wanted and not (alignment.count is None and len(images) > most):
            raise UnreadableFile(
                images.path,
                f"has {len(images)} images, but {alignment.path.name} is of {wanted}",
                "Check that the alignment is that of this tilt series.",
            )
        if images.shape != first.shape:
            raise UnreadableFile(
                images.path,
                f"has images of {images.shape[1]} × {images.shape[0]} pixels, but "
                f"{first.path.name} of {first.shape[1]} × {first.shape[0]}",
                "Check that both are of the same tilt series.",
            )
        size = images.pixel_size_angstrom
        if size is None or not is_plausible(size):
            raise BadValue(f"{images.path} does not tell its pixel size. Give it: --pixel-size.")
