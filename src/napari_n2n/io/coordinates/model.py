"""What a coordinate file says of one micrograph, in this program's own convention."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.finding import stem_of
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io.particles import Label, Particles
    from napari_n2n.io.star import StarTable


PIXEL_SIZES = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
"""The labels by which optics groups tell the pixel size of micrographs."""


@dataclass(frozen=True, eq=False)
class StarRows:
    """The rows of a STAR file that particles were read from, with all that stands in them.

    Attributes
    ----------
    table
        A row for each particle.
    optics
        The optics groups of that file; None where it has none.
    version
        The line that tells the version of its format; empty where it has none.
    labelled
        Whether its class numbers are labels of this program.
    source
        Which file it is; rows of one keep their order.
    places
        (n,) where the rows stand in its table; empty: one after the other.
    """

    table: StarTable
    optics: StarTable | None = None
    version: str = ""
    labelled: bool = False
    source: str = ""
    places: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    def __post_init__(self) -> None:
        if len(self.places) != len(self.table):
            object.__setattr__(self, "places", np.arange(len(self.table)))

    def __len__(self) -> int:
        return len(self.table)

    def only(self, which: ArrayLike) -> Self:
        """Return the rows that (n,) numbers or a mask choose."""
        chosen = np.asarray(which)
        chosen = chosen if chosen.dtype == bool else chosen.astype(np.intp)
        return replace(self, table=self.table.only(chosen), places=self.places[chosen])


def stem_in(name: str) -> str:
    """Return a micrograph's name, from whatever system, without folder and image extension."""
    return stem_of(Path(name.replace("\\", "/")))


def counts_rows_from_the_end(name: str) -> bool:
    """Whether RELION counts the rows of a file of that name from the last one stored.

    It does so for every TIFF (``rwTIFF.h``), movie or micrograph, and goes by the name.
    """
    return name.lower().endswith((".tif", ".tiff"))


@dataclass(frozen=True, eq=False)
class MicrographParticles:
    """The particles of one micrograph, with what their file tells of it.

    Attributes
    ----------
    particles
        Centres (y, x) in px of the micrograph as it is stored; the first pixel's is (0, 0).
    micrograph
        The name the file gives it, with or without folder and extension; "" where it gives none.
    pixel_size_angstrom
        Of the micrograph, Å; None where the file does not tell.
    shape
        (y, x) of the micrograph in px; None where the file does not tell.
    diameter_angstrom
        Side of the box around a particle, or its diameter, Å; None where the file does not tell.
    rows_reversed
        The centres count rows from the last one stored, as RELION does in a TIFF. So they are where
        a STAR file says so and the height is not known.
    is_tiff
        Given where the name is that of a micrograph of RELION's own: whether RELION made that of a
        TIFF. None: the name is that of the file itself.
    first_frame_shift_px
        (y, x) from the centres to where they were in the movie's first frame. It is given where the
        name is that of a movie or of another program's sum, which RELION aligns to the first frame,
        and added to what a STAR file gets.
    star
        The rows they were read from, one for each particle; None where that was no STAR file.
    optics_group
        The optics group of the micrograph as RELION describes it, label by label; None: unknown.

    Raises
    ------
    BadValue
        A pixel size, shape, diameter or name that cannot be right; rows that do not fit.
    """

    particles: Particles
    micrograph: str = ""
    pixel_size_angstrom: float | None = None
    shape: tuple[int, int] | None = None
    diameter_angstrom: float | None = None
    rows_reversed: bool = False
    is_tiff: bool | None = None
    first_frame_shift_px: tuple[float, float] | None = None
    star: StarRows | None = None
    optics_group: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        size, diameter = self.pixel_size_angstrom, self.diameter_angstrom
        if size is not None and not is_plausible(size):
            raise BadValue(f"A pixel size of {size} Å cannot be right.")
        if diameter is not None and not (np.isfinite(diameter) and diameter > 0):
            raise BadValue(f"A diameter of {diameter} Å cannot be right.")
        if self.shape is not None and (len(self.shape) != 2 or min(self.shape) < 1):
            raise BadValue(f"A micrograph cannot have the shape {self.shape}.")
        if not self.micrograph.isprintable():
            raise BadValue(f"A micrograph cannot be called {self.micrograph!r}.")
        if self.star is not None and len(self.star) != len(self.particles):
            raise BadValue(f"{len(self.particles)} particles cannot have {len(self.star)} rows.")

    @property
    def stem(self) -> str:
        """The micrograph's name without folder and image extension."""
        return stem_in(self.micrograph)

    def named(self, name: str) -> Self:
        """Return the same particles with the name of their micrograph, which the file left out.

        Where that is a TIFF, a STAR file counts its rows as RELION does.
        """
        turned = self.star is not None and not self.micrograph and counts_rows_from_the_end(name)
        return replace(self, micrograph=name, rows_reversed=self.rows_reversed or turned)

    def mirrored(self) -> Self:
        """Return the same particles on the micrograph turned upside down: y → height - 1 - y.

        RELION, IMOD and MotionCor2 turn TIFF movies upside down when they read them, so the
        micrographs they make of them are mirrored against this program's.

        Raises
        ------
        BadValue
            The micrograph's shape is not known.
        """
        if self.shape is None:
            raise BadValue(
                f"To mirror the particles of {self.micrograph or 'the micrograph'}, its height "
                "is needed. Give the micrograph's shape, or the micrograph itself."
            )
        shift = self.first_frame_shift_px
        return replace(
            self,
            particles=_turned(self.particles, self.shape[0]),
            first_frame_shift_px=shift and (-shift[0], shift[1]),
        )

    def with_stored_rows(self, height: int | None = None) -> Self:
        """Return the same particles, their rows counted from the first one stored.

        Parameters
        ----------
        height
            Of the micrograph, px; None: that of its shape.

        Raises
        ------
        BadValue
            They are not counted so, and the height is not known.
        """
        if not self.rows_reversed:
            return self
        height = self.shape[0] if height is None and self.shape is not None else height
        if height is None:
            raise BadValue(
                f"RELION counts the rows of {self.micrograph}, a TIFF, from the other end: its "
                "height is needed. Give the micrograph's shape, or the micrograph itself."
            )
        return replace(self, particles=_turned(self.particles, height), rows_reversed=False)

    def as_relion_reads(self) -> Self:
        """Return the same particles as RELION finds them on the file that is named, or its own sum.

        They are moved to the first frame where that is known, and the rows of a TIFF are counted
        from the last one stored.

        Raises
        ------
        BadValue
            The micrograph is a TIFF of unknown height.
        """
        shift = self.first_frame_shift_px
        if self.rows_reversed:
            return self
        moved = self if shift is None else self.moved(shift)
        if not self.relion_turns:
            return moved
        if self.shape is None:
            raise BadValue(
                f"RELION counts the rows of {self.micrograph}, a TIFF, from the other end: its "
                "height is needed. Give the micrograph's shape, or the micrograph itself."
            )
        return replace(moved, particles=_turned(moved.particles, self.shape[0]), rows_reversed=True)

    @property
    def relion_turns(self) -> bool:
        """Whether RELION has the micrograph upside down."""
        if self.is_tiff is not None:
            return self.is_tiff
        return counts_rows_from_the_end(self.micrograph)

    def moved(self, shift_px: tuple[float, float], *, forwards: bool = True) -> Self:
        """Return the particles where they were in the first frame, or back from there.

        Parameters
        ----------
        shift_px
            (y, x) from where they are, or were, to the first frame.
        """
        way = 1.0 if forwards else -1.0
        centres = self.particles.centres_px + way * np.asarray(shift_px, np.float64)
        return replace(
            self,
            particles=self.particles.replaced(centres_px=centres),
            first_frame_shift_px=shift_px,
        )

    def outside(self) -> NDArray[np.bool_]:
        """(n,) which particles lie outside the micrograph; none where its shape is not known."""
        centres = self.particles.centres_px
        if self.shape is None:
            return np.zeros(len(centres), bool)
        outside = (centres < -0.5) | (centres >= np.asarray(self.shape) - 0.5)
        return outside[:, 0] | outside[:, 1]

    def scaled(self, factor: float) -> Self:
        """Return the same particles on a micrograph of `factor` times as many pixels a side.

        Pickers often work on shrunken micrographs. Positions are multiplied, as Topaz does
        (``--up-scale``); a shift of a fraction of the larger pixels is neglected.

        Raises
        ------
        BadValue
            A factor that is not a positive number.
        """
        if not (np.isfinite(factor) and factor > 0):
            raise BadValue(f"Positions cannot be scaled by {factor}.")
        size = None if self.pixel_size_angstrom is None else self.pixel_size_angstrom / factor
        shape = self.shape and (round(self.shape[0] * factor), round(self.shape[1] * factor))
        shift = self.first_frame_shift_px
        return replace(
            self,
            particles=self.particles.replaced(centres_px=self.particles.centres_px * factor),
            pixel_size_angstrom=size,
            shape=shape,
            first_frame_shift_px=shift and (shift[0] * factor, shift[1] * factor),
            optics_group=_group_of_pixels(self.optics_group, factor),
        )

    def only(self, labels: Collection[Label]) -> Self:
        """Return the particles that have one of the labels."""
        return self.chosen(np.isin(self.particles.labels, [*labels]))

    def chosen(self, which: ArrayLike) -> Self:
        """Return the particles that (n,) numbers or a mask choose, with their rows."""
        rows = None if self.star is None else self.star.only(which)
        return replace(self, particles=self.particles[which], star=rows)


def _group_of_pixels(group: Mapping[str, str] | None, factor: float) -> Mapping[str, str] | None:
    """Return an optics group of micrographs of `factor` times as many pixels a side."""
    if group is None:
        return None
    # That of the movie, where the micrograph has one of its own, is none of the micrograph's.
    told = next((label for label in PIXEL_SIZES if label in group), None)
    return group if told is None else {**group, told: repr(float(group[told]) / factor)}


def _turned(particles: Particles, height: int) -> Particles:
    """Return particles on the micrograph turned upside down."""
    centres = particles.centres_px.copy()
    centres[:, 0] = height - 1 - centres[:, 0]
    return particles.replaced(centres_px=centres)


@dataclass(frozen=True)
class Optics:
    """How the microscope was set, for RELION's optics groups.

    Attributes
    ----------
    voltage_kv
        kV
    spherical_aberration_mm
        mm
    amplitude_contrast
        0 to 1
    group
        Name of the optics group: letters, digits and hyphens, as RELION wants it. Micrographs of
        further pixel sizes get groups of their own, whose names end in -2, -3, …

    Raises
    ------
    BadValue
        A value that cannot be right.
    """

    voltage_kv: float
    spherical_aberration_mm: float
    amplitude_contrast: float
    group: str = "opticsGroup1"

    def __post_init__(self) -> None:
        if not (0 < self.voltage_kv <= 3000 and 0 <= self.amplitude_contrast <= 1):
            raise BadValue("The voltage must be in kV, the amplitude contrast between 0 and 1.")
        if not np.isfinite(self.spherical_aberration_mm):
            raise BadValue("The spherical aberration must be in mm.")
        if not re.fullmatch(r"[A-Za-z0-9-]+", self.group):
            raise BadValue("An optics group's name has letters, digits and hyphens only.")
