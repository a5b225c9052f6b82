"""From tilt images to volumes."""

from napari_n2n.reconstruction.back_projection import back_projected_slabs, weighted

__all__ = ["back_projected_slabs", "weighted"]
