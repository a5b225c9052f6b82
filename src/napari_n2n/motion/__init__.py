"""From movies to aligned sums of their odd, even and all frames.

``align`` measures motion and adds frames, one at a time; ``sum_halves`` adds frames that are
aligned already; ``write_halves`` puts the result where RELION would.
"""

from typing import TYPE_CHECKING, Any

from napari_n2n.motion.config import MotionConfig
from napari_n2n.motion.halves import (
    Halves,
    HalvesPaths,
    sum_halves,
    sum_halves_steps,
    write_halves,
)
from napari_n2n.motion.registration import Registration, register
from napari_n2n.motion.trajectory import Trajectory

if TYPE_CHECKING:
    from napari_n2n.motion.alignment import align, align_steps
    from napari_n2n.motion.noise import noise_correlation

__all__ = [
    "Halves",
    "HalvesPaths",
    "MotionConfig",
    "Registration",
    "Trajectory",
    "align",
    "align_steps",
    "noise_correlation",
    "register",
    "sum_halves",
    "sum_halves_steps",
    "write_halves",
]

# What needs torch is imported when it is asked for: a window that shows sums need not wait for it.
_LATER = {"align": "alignment", "align_steps": "alignment", "noise_correlation": "noise"}


def __getattr__(name: str) -> Any:
    """Import what needs torch."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
