"""The models in the box: denoisers for micrographs and tomograms nobody has trained on yet."""

from functools import cache
from pathlib import Path
from typing import Literal

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.config import TrainingConfig

GENERAL = "general"
"""What the model in the box is called, wherever a model's file may be named."""

GENERAL_3D = "general-3d"
"""What that of tomograms is called."""

GENERAL_PATH = Path(__file__).parent / "general.safetensors"
"""Where it lies in the package; `napari_n2n.denoising.training.general` tells how it is made."""

GENERAL_3D_PATH = Path(__file__).parent / "general-3d.safetensors"
"""Where that of tomograms lies; see `napari_n2n.denoising.training.general_volumes`."""

# Working pixel and voxel sizes (Å) that their training images had, and a little on either side.
_KNOWN = {2: (2.5, 8.0), 3: (9.0, 22.0)}
_WORDS = {2: ("images", "pixel size", "px"), 3: ("volumes", "voxel size", "voxel")}


def general_denoiser(ndim: Literal[2, 3] = 2) -> Denoiser:
    """Return the model in the box, of 4 Å/px, or that of tomograms (``ndim`` 3), of 14 Å/voxel.

    Each has one channel, is for any specimen and dose, and is read from the package once. What it
    was made of and where it fails is told in docs/general-model.md and docs/general-3d-model.md.

    Raises
    ------
    CheckpointProblem
        The installation is damaged.
    """
    return _read(GENERAL_PATH if ndim == 2 else GENERAL_3D_PATH)


@cache
def _read(path: Path) -> Denoiser:
    return load_denoiser(path)


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
    what, size, unit = _WORDS[config.network.ndim]
    general = general_denoiser(config.network.ndim)
    finest, coarsest = _KNOWN[config.network.ndim]
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
        reason = f"the {size} is unknown"
    elif not finest <= working_pixel_size_angstrom <= coarsest:
        reason = f"it knows {what} of {finest:g} to {coarsest:g} Å/{unit}"
    if reason:
        return None, f"Training starts from nothing, not from the general model: {reason}."
    return general, "Training starts from the general model."
