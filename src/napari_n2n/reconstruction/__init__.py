"""From tilt images to volumes."""

from napari_n2n.reconstruction.back_projection import back_projected_slabs, weighted
from napari_n2n.reconstruction.tilt_series import grid_of, reconstruct_steps
from napari_n2n.reconstruction.working_images import Grid

__all__ = ["Grid", "back_projected_slabs", "grid_of", "reconstruct_steps", "weighted"]
