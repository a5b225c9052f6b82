"""One number for a micrograph, and the reasons for it in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORTH_TELLING = 0.05


@dataclass(frozen=True)
class Score:
    """How good a micrograph is.

    Attributes
    ----------
    value
        0 to 100; NaN where nothing is known that tells.
    reasons
        What counts against it, in words, most important first; empty: nothing much.
    """

    value: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Rule:
    """How one figure counts against a micrograph.

    The share it takes away is ``weight`` / (1 + (``half`` / x)^``steep``): next to nothing where
    the figure is fine, half of ``weight`` at ``half``, all of it where the figure is hopeless. A
    negative ``steep`` is for figures of which much is good.
    """

    name: str
    half: float
    steep: float
    weight: float
    words: str

    def taken(self, x: float) -> float:
        """Return the share of the score that the value ``x`` takes away, 0 to ``weight``."""
        if x <= 0:
            return self.weight if self.steep < 0 else 0.0
        # As 1 / (1 + exp(z)), which does not overflow for any x.
        z = np.clip(self.steep * (np.log(self.half) - np.log(x)), -500, 500)
        return float(self.weight / (1 + np.exp(z)))


RULES = (
    _Rule("contaminated_percent", 30.0, 2.0, 0.9, "contamination over {:.0f} % of the area"),
    _Rule("empty_percent", 80.0, 6.0, 0.7, "nothing to see on {:.0f} % of the area"),
    _Rule("structure", 1.0, -1.5, 0.6, "little stands out of the noise ({:.2f} times its power)"),
    _Rule(
        "blotches", 2.0, 3.0, 0.8, "blotches, {:.1f} times as strong as what is of particle size"
    ),
    _Rule("streaks", 0.3, 3.0, 0.5, "streaks: direction decides on {:.0%} of the contrast"),
    _Rule("crystalline_ice", 1.0, 2.0, 0.8, "crystalline ice: {:.1f} times the power at 3.7 Å"),
    _Rule("brightness_gradient", 50.0, 2.0, 0.5, "brightness changes by {:.0f} % across the field"),
    _Rule("resolution_angstrom", 50.0, 3.0, 0.5, "halves agree to {:.0f} Å only"),
    _Rule("drift_total_angstrom", 100.0, 2.0, 0.6, "drifted {:.0f} Å"),
    _Rule("drift_late_angstrom", 60.0, 2.0, 0.4, "drifted {:.0f} Å late in the movie"),
    _Rule("thon_resolution_angstrom", 10.0, 4.0, 0.6, "Thon rings to {:.1f} Å only"),
    _Rule("particles_per_square_micrometre", 150.0, -2.0, 0.6, "only {:.0f} particles per µm²"),
    _Rule("particle_evenness", 0.6, -6.0, 0.4, "particles are clustered (evenness {:.2f})"),
    _Rule("broken_percent", 60.0, 3.0, 0.6, "{:.0f} % of the particles are broken"),
)


def overall(figures: Mapping[str, float]) -> Score:
    """Return one score for a micrograph from its figures, with the reasons.

    The score is 100 times the product of what each figure leaves: never better for a worse figure,
    and one hopeless figure is enough to spoil it. Figures that are unknown (missing or NaN) and
    those that judge nothing do not count. The rules were set by what is known of cryo-EM
    micrographs, not fitted to anybody's verdicts; for that there is `calibrated_overall`.

    Parameters
    ----------
    figures
        By name, see `FIGURES`. ``score`` itself is ignored.
    """
    left, told = 1.0, []
    counted = 0
    for rule in RULES:
        x = float(figures.get(rule.name, np.nan))
        if np.isnan(x):
            continue
        counted += 1
        taken = rule.taken(x)
        left *= 1 - taken
        if taken >= _WORTH_TELLING:
            told.append((taken, rule.words.format(x)))
    if not counted:
        return Score(float("nan"), ())
    told.sort(key=lambda pair: -pair[0])
    return Score(100 * left, tuple(words for _, words in told))
