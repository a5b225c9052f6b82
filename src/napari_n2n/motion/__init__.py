"""From movies to aligned sums of their odd, even and all frames.

``align`` measures motion and adds frames, one at a time; ``sum_halves`` adds frames that are
aligned already; ``write_halves`` puts the result where RELION would.
"""

from napari_n2n.motion.alignment import align, align_steps
from napari_n2n.motion.config import MotionConfig
from napari_n2n.motion.halves import Halves, HalvesPaths, sum_halves, sum_halves_steps, write_halves
from napari_n2n.motion.noise import noise_correlation
from napari_n2n.motion.trajectory import Trajectory

__all__ = [
    "Halves",
    "HalvesPaths",
    "MotionConfig",
    "Trajectory",
    "align",
    "align_steps",
    "noise_correlation",
    "sum_halves",
    "sum_halves_steps",
    "write_halves",
]
