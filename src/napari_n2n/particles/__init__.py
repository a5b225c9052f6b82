"""Particles: found, told apart, suggested. Needs numpy, scipy and scikit-image; no torch."""

from napari_n2n.particles.contamination import find_contamination
from napari_n2n.particles.matching import Matching, match
from napari_n2n.particles.picking import PickingConfig, pick, pick_steps
from napari_n2n.particles.sizes import first_guess_diameter
from napari_n2n.particles.templates import Contrast, Template
from napari_n2n.particles.thresholds import suggested_threshold

__all__ = [
    "Contrast",
    "Matching",
    "PickingConfig",
    "Template",
    "find_contamination",
    "first_guess_diameter",
    "match",
    "pick",
    "pick_steps",
    "suggested_threshold",
]
