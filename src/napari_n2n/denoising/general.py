"""The model in the box: a denoiser for micrographs nobody has trained on yet."""

from functools import cache
from pathlib import Path

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser

GENERAL = "general"
"""What the model in the box is called, wherever a model's file may be named."""

GENERAL_PATH = Path(__file__).parent / "models" / "general.safetensors"
"""Where it lies in the package; `napari_n2n.general_training` tells how it is made."""


@cache
def general_denoiser() -> Denoiser:
    """Return the model in the box: one channel, 4 Å/px; read from the package once.

    It is for any specimen and dose. What it was made of and where it fails is told in
    docs/general-model.md.

    Raises
    ------
    CheckpointProblem
        The installation is damaged.
    """
    return load_denoiser(GENERAL_PATH)
