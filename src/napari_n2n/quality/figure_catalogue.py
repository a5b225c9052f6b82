"""What is measured on a micrograph: every figure with its unit, its definition, its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["low", "high", "neither"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name
        As in tables and files; names the unit where there is one.
    title
        As a person reads it.
    unit
        Empty where the figure is a plain number.
    better
        Which end of it is wanted; ``neither``: it describes, and judges nothing.
    definition
        In one or two sentences.
    source
        Where the definition comes from.
    """

    name: str
    title: str
    unit: str
    better: Better
    definition: str
    source: str


_OWN = "napari-n2n"

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "score",
            "Score",
            "",
            "high",
            "0 to 100: 100, less what each other figure counts against the micrograph.",
            f"{_OWN}, see docs/quality.md",
        ),
        Figure(
            "resolution_angstrom",
            "Resolution",
            "Å",
            "low",
            "Where the Fourier ring correlation of the two halves first falls below 1/7.",
            "Saxton and Baumeister 1982, J. Microsc. 127:127; Rosenthal and Henderson 2003, "
            "J. Mol. Biol. 333:721 (0.143)",
        ),
        Figure(
            "snr",
            "Signal to noise",
            "",
            "high",
            "Signal's variance over that of the noise in the sum of both halves, between 1/200 and "
            "1/20 per Å: 2 r / (1 - r), r being the correlation of the halves there.",
            "Frank and Al-Ali 1975, Nature 256:376",
        ),
        Figure(
            "drift_total_angstrom",
            "Drift",
            "Å",
            "low",
            "Length of the path that the whole field moved along, from the first frame to the "
            "last.",
            "RELION, rlnAccumMotionTotal",
        ),
        Figure(
            "drift_early_angstrom",
            "Early drift",
            "Å",
            "low",
            "The part of that path in the first 4 e/Å², or in the first tenth of the frames where "
            "the dose is unknown.",
            "RELION, rlnAccumMotionEarly",
        ),
        Figure(
            "drift_late_angstrom",
            "Late drift",
            "Å",
            "low",
            "The rest of that path.",
            "RELION, rlnAccumMotionLate",
        ),
        Figure(
            "brightness",
            "Brightness",
            "",
            "neither",
            "Median of the pixels, in the file's own units: within a session, thicker ice is "
            "darker.",
            "Rice et al. 2018, J. Struct. Biol. 204:38",
        ),
        Figure(
            "brightness_gradient",
            "Brightness gradient",
            "%",
            "low",
            "How much the plane fitted to the image rises across it, relative to the brightness. "
            "Unknown where the mean was taken away and brightness has no zero.",
            _OWN,
        ),
        Figure(
            "contaminated_percent",
            "Contaminated",
            "%",
            "low",
            "Share of the area that is carbon, gold, dirt, an ice crystal or a crack: its grey "
            "level or its texture differs from that of most of the image.",
            _OWN,
        ),
        Figure(
            "empty_percent",
            "Empty",
            "%",
            "low",
            "Share of the area, apart from what is contaminated, where nothing of the size of "
            "particles stands out of the noise.",
            _OWN,
        ),
        Figure(
            "structure",
            "Structure",
            "",
            "high",
            "Power of the image at the spacings of particles, over that of its noise, less one; "
            "median over the area. Nothing but noise gives 0.",
            _OWN,
        ),
        Figure(
            "blotches",
            "Blotches",
            "",
            "low",
            "How much coarser than particles most of the contrast is: power at spacings of 1/6 to "
            "1/20 of the image over that at the spacings of particles. Crystals of ice diffract "
            "electrons away, and show as blotches; uneven ice, too.",
            _OWN,
        ),
        Figure(
            "streaks",
            "Streaks",
            "",
            "low",
            "How much the image's power depends on direction, 0 (not at all) to 1: the specimen "
            "moved, was struck by a crack, or the astigmatism is large.",
            _OWN,
        ),
        Figure(
            "crystalline_ice",
            "Crystalline ice",
            "",
            "low",
            "Power at 1/3.7 per Å over the power around it, less one; 0 for vitreous ice. Only "
            "where pixels are smaller than 1.57 Å.",
            "Spacing of hexagonal and cubic ice: Dubochet et al. 1988, Q. Rev. Biophys. 21:129",
        ),
        Figure(
            "thon_resolution_angstrom",
            "Thon rings to",
            "Å",
            "low",
            "Spacing out to which the fitted contrast transfer agrees with the rings seen.",
            "torch-ctf-estimation; Rohou and Grigorieff 2015, J. Struct. Biol. 192:216",
        ),
        Figure(
            "defocus_micrometre",
            "Defocus",
            "µm",
            "neither",
            "Defocus of the fitted contrast transfer; underfocus is positive.",
            "torch-ctf-estimation",
        ),
        Figure(
            "particles",
            "Particles",
            "",
            "high",
            "How many particles there are, contaminants left out.",
            _OWN,
        ),
        Figure(
            "particles_per_square_micrometre",
            "Density",
            "1/µm²",
            "high",
            "Particles on an area of the specimen.",
            _OWN,
        ),
        Figure(
            "particle_evenness",
            "Evenness",
            "",
            "high",
            "Mean distance to the nearest neighbour, over what it would be if particles were "
            "scattered at random: 1 random, below 1 clustered, up to 2.15 evenly spread.",
            "Clark and Evans 1954, Ecology 35:445, with the border correction of Donnelly 1978",
        ),
        Figure(
            "broken_percent",
            "Broken",
            "%",
            "low",
            "Broken particles among those that are labelled intact or broken.",
            _OWN,
        ),
    )
}
"""All figures by name, in the order in which they are shown."""
