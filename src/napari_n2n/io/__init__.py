"""Files in, typed objects out: movies, micrographs, gain references, particle positions; and back.

Formats are told by content. A file that cannot be used raises an error of `napari_n2n.errors`
naming the file, the fault and the remedy. Nothing here imports torch, napari or Qt.
"""

from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates import (
    CoordinateFormat,
    MicrographParticles,
    Optics,
    is_coordinates,
    joined_by_micrograph,
    read_coordinates,
    write_box_per_micrograph,
    write_coordinates,
    write_star_per_micrograph,
)
from napari_n2n.io.coordinates.tomograms import (
    KnownTomograms,
    TomogramFormat,
    TomogramParticles,
    holds_tomogram_particles,
    read_tomogram_particles,
    write_tomogram_particles,
)
from napari_n2n.io.defects import fill_with_neighbours, find_defects, replace_defects
from napari_n2n.io.eer import EerRendering
from napari_n2n.io.finding import (
    HalvesFiles,
    expand_inputs,
    files_in,
    find_halves,
    half_of,
    stem_of,
    unpaired_halves,
)
from napari_n2n.io.formats import is_supported
from napari_n2n.io.gain import GainReference, read_gain
from napari_n2n.io.inspection import FileInfo, inspect_file, may_be_movie
from napari_n2n.io.micrographs import (
    Micrograph,
    Photograph,
    check_pixels,
    read_micrograph,
    read_pair,
    write_micrograph,
)
from napari_n2n.io.movies import Movie, open_movie
from napari_n2n.io.mrc import write_mrc_stack
from napari_n2n.io.opening import ImageFile, open_image
from napari_n2n.io.outputs import overwriting
from napari_n2n.io.particles import GIVERS, LABELS, Giver, Label, Particles
from napari_n2n.io.stacks import SeparateImages, StillStack, TiltSeries
from napari_n2n.io.tiff import write_tiff_stack
from napari_n2n.io.volumes import (
    MeanOfHalves,
    OtherKind,
    ShownTomogram,
    Volume,
    VolumePair,
    VolumePairs,
    VolumeWriter,
    halves_beside,
    open_volume,
    shown_tomogram,
    shown_tomograms,
    volume_facts,
    volume_halves,
    write_tomograms_star,
    write_volume,
)

__all__ = [
    "GIVERS",
    "LABELS",
    "CoordinateFormat",
    "EerRendering",
    "FileInfo",
    "GainReference",
    "Giver",
    "HalvesFiles",
    "ImageFile",
    "KnownTomograms",
    "Label",
    "MeanOfHalves",
    "Micrograph",
    "MicrographParticles",
    "Movie",
    "Optics",
    "OtherKind",
    "Particles",
    "Photograph",
    "SeparateImages",
    "ShownTomogram",
    "StillStack",
    "TiltSeries",
    "TomogramFormat",
    "TomogramParticles",
    "Volume",
    "VolumePair",
    "VolumePairs",
    "VolumeWriter",
    "check_pixels",
    "expand_inputs",
    "files_in",
    "fill_with_neighbours",
    "find_defects",
    "find_halves",
    "half_of",
    "halves_beside",
    "holds_tomogram_particles",
    "inspect_file",
    "is_coordinates",
    "is_supported",
    "joined_by_micrograph",
    "may_be_movie",
    "open_image",
    "open_movie",
    "open_volume",
    "overwriting",
    "read_coordinates",
    "read_gain",
    "read_micrograph",
    "read_pair",
    "read_tomogram_particles",
    "replace_defects",
    "shown_tomogram",
    "shown_tomograms",
    "stem_of",
    "unpaired_halves",
    "volume_facts",
    "volume_halves",
    "write_atomically",
    "write_box_per_micrograph",
    "write_coordinates",
    "write_micrograph",
    "write_mrc_stack",
    "write_star_per_micrograph",
    "write_tiff_stack",
    "write_tomogram_particles",
    "write_tomograms_star",
    "write_volume",
]
