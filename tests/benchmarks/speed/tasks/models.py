"""The denoiser that is measured: a file, or the general one in the box."""

from pathlib import Path

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.shipped_models.general import general_denoiser


def denoiser_of(model: str | None) -> Denoiser:
    """Load ``model``; None: the general one."""
    return general_denoiser() if model is None else load_denoiser(Path(model))
