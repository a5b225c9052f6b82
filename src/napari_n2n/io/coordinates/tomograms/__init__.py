"""Particle positions in tomograms: RELION 5 and 4, Warp, IMOD, Dynamo, copick, lists, CSV.

Inside this program, a centre is (z, y, x) in voxels of the tomogram as it is stored, the centre of
the first voxel at (0, 0, 0). Each format's own convention is stated in the module that reads it,
and held by files made by hand in the tests.
"""

from napari_n2n.io.coordinates.tomograms.known import KnownTomograms
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.coordinates.tomograms.reading import (
    holds_tomogram_particles,
    read_tomogram_particles,
)
from napari_n2n.io.coordinates.tomograms.star_writing import StarProgram
from napari_n2n.io.coordinates.tomograms.writing import (
    TOMOGRAM_FORMATS,
    TomogramFormat,
    write_tomogram_particles,
)

__all__ = [
    "TOMOGRAM_FORMATS",
    "KnownTomograms",
    "StarProgram",
    "TomogramFormat",
    "TomogramParticles",
    "holds_tomogram_particles",
    "read_tomogram_particles",
    "write_tomogram_particles",
]
