"""The model in the box for colour photographs, and the trainings that make such models."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_n2n.denoising.config import NETWORKS, NetworkConfig, TrainingConfig, preset

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser

PHOTOGRAPHS = "photographs"
"""What the model in the box for photographs is called, wherever a model's file may be named."""

PHOTOGRAPHS_PATH = Path(__file__).parent / "photographs.safetensors"
"""Where it lies in the package; `denoising.training.photographs` tells how it is made."""

Recipe = Literal["paper", "better"]
NetworkName = Literal["paper", "light", "large"]


@cache
def photographs_denoiser() -> "Denoiser":
    """Return the model in the box for colour photographs of 8 bits; read from the package once.

    It is for white Gaussian noise of any strength up to a deviation of 50 of 255, and does
    not need to be told which. How it was made is told in docs/natural-images.md.

    Raises
    ------
    CheckpointProblem
        The installation is damaged.
    """
    # Who only wants a recipe, as the window does when it opens, does not wait for torch.
    from napari_n2n.denoising.checkpoints import load_denoiser

    return load_denoiser(PHOTOGRAPHS_PATH)


COLOUR_NETWORKS: dict[str, NetworkConfig] = {
    **{n: c.replaced(in_channels=3, out_channels=3) for n, c in NETWORKS.items()},
    # Six times the paper's parameters, for a GPU.
    "large": NetworkConfig(
        name="large",
        in_channels=3,
        out_channels=3,
        encoder=((64, 64), (128, 128), (256, 256), (512, 512)),
        decoder=((256, 256), (128, 128), (64, 64)),
    ),
}
"""Networks for photographs, three channels in and out, by name."""

PAPER = preset("paper").replaced(
    network=COLOUR_NETWORKS["paper"],
    normalisation="photograph",
    crop=256,
    epochs=120,
    augment=False,
    validation_fraction=0,
)
"""Tan, Cui and Luo's training on photographs."""

# What makes more of a given time: many steps on small crops, turned and flipped, at a rate that
# falls to nearly nothing, and the average of the weights on the way.
_BETTER = {
    "crop": 64,
    "schedule": "cosine",
    "warmup_steps": 200,
    "ema_decay": 0.999,
    "gradient_clip": 1.0,
    "augment": True,
}


def recipe(
    name: Recipe,
    *,
    network: NetworkName = "paper",
    seconds: float | None = None,
    steps: int | None = None,
    crop: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
) -> TrainingConfig:
    """Return a training on photographs.

    Parameters
    ----------
    name
        ``paper`` is the paper's, 120 epochs on crops of 256 px; ``better`` reaches a higher PSNR
        in the same time.
    network
        One of `COLOUR_NETWORKS`.
    seconds, steps
        Train that long instead of 120 epochs; if both are given, until the first of them.
    crop, batch, learning_rate
        Instead of those of the recipe.
    seed
        Equal seeds make equal models on the same machine.

    Raises
    ------
    ConfigProblem
        A value makes no sense.
    """
    changes: dict[str, object] = dict(_BETTER) if name == "better" else {}
    changes["network"] = COLOUR_NETWORKS[network]
    changes["seed"] = seed
    given = {"crop": crop, "batch": batch, "learning_rate": learning_rate}
    changes |= {key: value for key, value in given.items() if value is not None}
    if seconds is not None or steps is not None:
        changes |= {"epochs": None, "max_seconds": seconds, "steps": steps}
    return PAPER.replaced(**changes)


PHOTOGRAPH_PRESETS: dict[str, TrainingConfig] = {
    # On a laptop with two cores.
    "quick": recipe("better", network="light", seconds=120),
    "paper": PAPER,
}
"""Where a training on photographs may start from, by name."""


def is_for_photographs(config: TrainingConfig) -> bool:
    """Whether ``config`` is a training on colour photographs."""
    return config.normalisation == "photograph" and config.network.in_channels == 3
