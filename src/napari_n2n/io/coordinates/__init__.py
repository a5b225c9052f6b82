"""Particle positions in and out: RELION, EMAN, crYOLO, Topaz, cryoSPARC, CSV.

Inside this program, a centre is (y, x) in px of the micrograph as it is stored, the first row
first, the first pixel's centre at (0, 0). Each format's own convention is stated in the module
that reads it, and held by round trips in the tests.
"""

from napari_n2n.io.coordinates.joining import joined_by_micrograph
from napari_n2n.io.coordinates.model import MicrographParticles, Optics
from napari_n2n.io.coordinates.reading import is_coordinates, read_coordinates
from napari_n2n.io.coordinates.writing import (
    CoordinateFormat,
    write_box_per_micrograph,
    write_coordinates,
    write_star_per_micrograph,
)

__all__ = [
    "CoordinateFormat",
    "MicrographParticles",
    "Optics",
    "is_coordinates",
    "joined_by_micrograph",
    "read_coordinates",
    "write_box_per_micrograph",
    "write_coordinates",
    "write_star_per_micrograph",
]
