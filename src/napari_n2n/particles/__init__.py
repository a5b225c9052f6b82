"""Particles: found, told apart, suggested. Needs numpy, scipy and scikit-image; no torch.

The names below are imported when they are asked for: who wants the colours of labels alone, as
the reader of coordinate files does, need not wait for scikit-image.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_n2n.particles.contamination import find_contamination
    from napari_n2n.particles.matching import Matching, match
    from napari_n2n.particles.picking import PickingConfig, pick, pick_steps
    from napari_n2n.particles.sizes import first_guess_diameter
    from napari_n2n.particles.templates import Contrast, Template
    from napari_n2n.particles.thresholds import suggested_threshold

_WHERE = {
    "contamination": ("find_contamination",),
    "matching": ("Matching", "match"),
    "picking": ("PickingConfig", "pick", "pick_steps"),
    "sizes": ("first_guess_diameter",),
    "templates": ("Contrast", "Template"),
    "thresholds": ("suggested_threshold",),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

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


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    """Return the public names, those not yet imported among them."""
    return sorted(__all__)
