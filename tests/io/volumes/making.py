"""Files of volumes as other programs write them."""

from __future__ import annotations

import mrcfile
import numpy as np

EXTENDED = bytes(range(256))


def write_rec(path, voxels, voxel_size=10.0, *, origin=(0.0, 0.0, 0.0), labels=(), extended=b""):
    """Write a reconstruction as mrcfile does; ``origin`` is (z, y, x) in Å."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(np.asarray(voxels))
        file.set_volume()
        file.voxel_size = voxel_size
        file.header.origin.z, file.header.origin.y, file.header.origin.x = origin
        for label in labels:
            file.add_label(label)
        if extended:
            file.set_extended_header(np.frombuffer(extended, "V1"))
    return path
