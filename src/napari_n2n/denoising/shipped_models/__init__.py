"""The models in the box: ready to use, and called by name wherever a model's file may be named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.shipped_models.general import GENERAL, GENERAL_3D, general_denoiser
from napari_n2n.denoising.shipped_models.photographs import PHOTOGRAPHS, photographs_denoiser

IN_THE_BOX: dict[str, Callable[[], Denoiser]] = {
    GENERAL: general_denoiser,
    GENERAL_3D: partial(general_denoiser, 3),
    PHOTOGRAPHS: photographs_denoiser,
}
"""What gives the model of each name; it is read from the package once."""


def denoiser_named(model: Path | str) -> Denoiser:
    """Return the model in the box that has this name, or the one in the file so called.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    """
    in_the_box = IN_THE_BOX.get(str(model))
    return load_denoiser(model) if in_the_box is None else in_the_box()
