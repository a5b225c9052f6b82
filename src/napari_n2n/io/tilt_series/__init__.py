"""Tilt series and their alignment, as AreTomo, IMOD and RELION leave them.

>>> from napari_n2n.io.tilt_series import tilt_series_in
>>> found = tilt_series_in("AreTomo/")
>>> found.series[0].alignment.views[0].angle_degree
-60.0
"""

from napari_n2n.io.tilt_series.finding import FoundTiltSeries, tilt_series_in
from napari_n2n.io.tilt_series.images import TiltImages
from napari_n2n.io.tilt_series.model import AlignedSeries, TiltAlignment, TiltOptics, TiltView

__all__ = [
    "AlignedSeries",
    "FoundTiltSeries",
    "TiltAlignment",
    "TiltImages",
    "TiltOptics",
    "TiltView",
    "tilt_series_in",
]
