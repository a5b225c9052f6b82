"""One number for a micrograph, and the reasons for it in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

_WORTH_TELLING = 0.1


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

    def taken(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the share of the score that each value takes away, 0 to ``weight``; NaN stays."""
        x = np.asarray(values, np.float64)
        with np.errstate(divide="ignore"):
            # As 1 / (1 + exp(z)), whose limits at 0 and infinity come by themselves.
            z = self.steep * (np.log(self.half) - np.log(np.maximum(x, 0)))
        return np.asarray(self.weight / (1 + np.exp(np.clip(z, -500, 500))), np.float64)


RULES = (
    _Rule("contaminated_percent", 50.0, 2.0, 1.0, "contamination over {:.0f} % of the area"),
    _Rule("empty_percent", 80.0, 6.0, 0.7, "nothing to see on {:.0f} % of the area"),
    _Rule("structure", 1.0, -2.0, 0.6, "little stands out of the noise: {:.1f} times its power"),
    _Rule(
        "blotches", 1.6, 4.0, 0.8, "blotches, {:.1f} times as strong as what is of particle size"
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
    known = {name: float(value) for name, value in figures.items()}
    told = []
    for rule in RULES:
        x = known.get(rule.name, np.nan)
        taken = float(rule.taken(x))
        if taken >= _WORTH_TELLING:
            told.append((taken, rule.words.format(x)))
    told.sort(key=lambda pair: -pair[0])
    return Score(float(scores(known)), tuple(words for _, words in told))


def scores(figures: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    """Return the values that `overall` gives to many micrographs at once.

    Parameters
    ----------
    figures
        Name to values, all of one shape, NaN where unknown.

    Returns
    -------
    0 to 100 in that shape, NaN where nothing is known that tells.
    """
    shape = np.broadcast_shapes(*(np.shape(values) for values in figures.values()))
    left, any_known = np.ones(shape), np.zeros(shape, bool)
    for rule in RULES:
        if rule.name in figures:
            taken = rule.taken(figures[rule.name])
            known = ~np.isnan(taken)
            any_known |= known
            left *= np.where(known, 1 - taken, 1.0)
    return np.where(any_known, 100 * left, np.nan)
