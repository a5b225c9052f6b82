"""Giving layers the pixel size that a person says, and what they had before when it is unsaid."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_n2n.plugin.shared.canvas import fit_view
from napari_n2n.plugin.shared.layers import calibration, pixel_size_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class Calibrator:
    """Gives layers of a viewer another pixel size, together with all that lie as they do."""

    def __init__(self, viewer: "ViewerModel") -> None:
        self._viewer = viewer
        self._before: WeakKeyDictionary[Layer, tuple[Any, Any]] = WeakKeyDictionary()

    def say(
        self, layers: Iterable["Layer"], pixel_size_angstrom: float, *, only_unknown: bool = False
    ) -> None:
        """Give ``layers`` a pixel size; ``only_unknown``: those that have none yet."""
        for layer in layers:
            now = pixel_size_of(layer)
            if now == pixel_size_angstrom or (only_unknown and now is not None):
                continue
            for other in [other for other in self._viewer.layers if _lie_alike(other, layer)]:
                self._before.setdefault(other, (other.scale, other.units))
                _calibrate(other, pixel_size_angstrom)
            fit_view(self._viewer)

    def unsay(self) -> None:
        """Let all layers lie again as they did."""
        for layer, (scale, units) in self._before.items():
            layer.scale, layer.units = scale, units
        if self._before:
            fit_view(self._viewer)
        self._before.clear()


def _calibrate(layer: "Layer", pixel_size_angstrom: float) -> None:
    """Give a layer, (y, x) or (anything, y, x), another pixel size; a first axis z has it too."""
    lying = calibration(pixel_size_angstrom, "z" if _has_depth(layer) else None)
    first = layer.ndim - len(lying["scale"])
    layer.scale = np.array((*layer.scale[:first], *lying["scale"]))
    layer.units = (*layer.units[:first], *lying["units"])


def _lie_alike(other: "Layer", layer: "Layer") -> bool:
    """Whether ``other`` has the pixel size of ``layer``, as marks on an image have."""
    if _has_depth(other) != _has_depth(layer):
        return False
    return tuple(other.units[-2:]) == tuple(layer.units[-2:]) and np.allclose(
        other.scale[-2:], layer.scale[-2:]
    )


def _has_depth(layer: "Layer") -> bool:
    """Whether it is of a volume, which has a third length."""
    return layer.ndim == 3 and layer.axis_labels[0] == "z"
