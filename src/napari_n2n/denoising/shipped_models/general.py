"""The model in the box: a denoiser for micrographs nobody has trained on yet."""

from functools import cache
from pathlib import Path

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.config import TrainingConfig

GENERAL = "general"
"""What the model in the box is called, wherever a model's file may be named."""

GENERAL_PATH = Path(__file__).parent / "general.safetensors"
"""Where it lies in the package; `napari_n2n.denoising.training.general` tells how it is made."""

# Working pixel sizes (Å) that its training images had, and a little on either side.
_FINEST, _COARSEST = 2.5, 8.0


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


def start_for(
    config: TrainingConfig, working_pixel_size_angstrom: float | None
) -> tuple[Denoiser | None, str]:
    """Return what a training begins with, None for random weights, and a sentence about it.

    It is the general model where the network to be trained is one like it and sees about the
    same pixel size; what is left to learn is then this specimen, not what a particle is.

    Raises
    ------
    CheckpointProblem
        The installation is damaged.
    """
    if config.from_scratch:
        return None, ""
    general = general_denoiser()
    ours = general.network.config
    theirs = config.network
    reason = ""
    if theirs.in_channels != ours.in_channels:
        reason = "the images are in colour"
    elif theirs.model_dump(exclude={"name"}) != ours.model_dump(exclude={"name"}):
        reason = "it has another network"
    elif config.normalisation != general.training.normalisation:
        reason = "it normalises images differently"
    elif working_pixel_size_angstrom is None:
        reason = "the pixel size is unknown"
    elif not _FINEST <= working_pixel_size_angstrom <= _COARSEST:
        reason = f"it knows images of {_FINEST:g} to {_COARSEST:g} Å/px"
    if reason:
        return None, f"Training starts from nothing, not from the general model: {reason}."
    return general, "Training starts from the general model."
