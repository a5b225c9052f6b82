"""What a coordinate file says of one micrograph, in this program's own convention."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.finding import stem_of
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_n2n.io.particles import Label, Particles


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

    Raises
    ------
    BadValue
        A pixel size, shape, diameter or name that cannot be right.
    """

    particles: Particles
    micrograph: str = ""
    pixel_size_angstrom: float | None = None
    shape: tuple[int, int] | None = None
    diameter_angstrom: float | None = None

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

    @property
    def stem(self) -> str:
        """The micrograph's name without folder and image extension."""
        return stem_of(Path(self.micrograph.replace("\\", "/")))

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
        centres = self.particles.centres_px.copy()
        centres[:, 0] = self.shape[0] - 1 - centres[:, 0]
        return replace(self, particles=self.particles.replaced(centres_px=centres))

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
        return replace(
            self,
            particles=self.particles.replaced(centres_px=self.particles.centres_px * factor),
            pixel_size_angstrom=size,
            shape=shape,
        )

    def only(self, labels: Collection[Label]) -> Self:
        """Return the particles that have one of the labels."""
        return replace(self, particles=self.particles[np.isin(self.particles.labels, [*labels])])


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

    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.1
    group: str = "opticsGroup1"

    def __post_init__(self) -> None:
        if not (0 < self.voltage_kv <= 3000 and 0 <= self.amplitude_contrast <= 1):
            raise BadValue("The voltage must be in kV, the amplitude contrast between 0 and 1.")
        if not np.isfinite(self.spherical_aberration_mm):
            raise BadValue("The spherical aberration must be in mm.")
        if not re.fullmatch(r"[A-Za-z0-9-]+", self.group):
            raise BadValue("An optics group's name has letters, digits and hyphens only.")
