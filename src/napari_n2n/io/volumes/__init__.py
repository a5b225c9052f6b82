"""Volumes: opened lazily, sliced from the disk, paired by their names, written again.

>>> from napari_n2n.io import open_volume, volume_halves, write_volume
>>> pairs = volume_halves("AreTomo/")
>>> odd, even = pairs[0].opened()
>>> write_volume("sum.mrc", (odd[z] + even[z] for z in range(len(odd))), like=odd)
"""

from napari_n2n.io.volumes.facts import volume_facts
from napari_n2n.io.volumes.halves import halves_beside, volume_halves
from napari_n2n.io.volumes.mean import MeanOfHalves
from napari_n2n.io.volumes.model import Volume
from napari_n2n.io.volumes.opening import OtherKind, open_volume
from napari_n2n.io.volumes.pairs import VolumePair, VolumePairs
from napari_n2n.io.volumes.shown import ShownTomogram, shown_tomogram, shown_tomograms
from napari_n2n.io.volumes.tomograms_star import write_tomograms_star
from napari_n2n.io.volumes.writing import VolumeWriter, write_volume

__all__ = [
    "MeanOfHalves",
    "OtherKind",
    "ShownTomogram",
    "Volume",
    "VolumePair",
    "VolumePairs",
    "VolumeWriter",
    "halves_beside",
    "open_volume",
    "shown_tomogram",
    "shown_tomograms",
    "volume_facts",
    "volume_halves",
    "write_tomograms_star",
    "write_volume",
]
