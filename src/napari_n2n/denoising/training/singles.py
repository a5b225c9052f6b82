"""Training on micrographs that have no halves: what is drawn from each, and its limits."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.normalisation import Intensities, rescale
from napari_n2n.denoising.training.blind_spot import BlindSpot, noise_reach
from napari_n2n.denoising.training.subsets import COARSEST_ANGSTROM, Subsets, subsets_of
from napari_n2n.errors import NotEnoughData

Method = Literal["subsets", "blind_spot"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The ways of training without halves, the better one first."""

SMALLEST_SIDE = 32
"""Images with fewer pixels a side, as recorded or at the working pixel size, hold too little."""

LIMITS: dict[str, str] = {
    "subsets": "Trained without halves, on random subsets of the pixels: noise that neighbouring "
    "pixels share can pass for specimen where the finest detail does not show it; movies or their "
    "halves are safer.",
    "blind_spot": "Trained without halves, on hidden pixels: fine detail is lost, and noise that "
    "neighbouring pixels share passes for specimen; movies or their halves are safer.",
}
"""One note for each way of training without halves: what it is, and what it cannot do."""


@dataclass(frozen=True, eq=False)
class SingleImage:
    """One image, (y, x) or RGB (y, x, 3), of which there are no halves.

    ``pixel_size_angstrom`` is None where it is unknown.

    Raises
    ------
    NotEnoughData
        It holds no image.
    """

    pixels: NDArray[np.float32]
    pixel_size_angstrom: float | None = None
    name: str = "micrograph"

    def __post_init__(self) -> None:
        if min(self.pixels.shape[:2], default=0) < SMALLEST_SIDE:
            raise NotEnoughData(
                f"{self.name}: {self.pixels.shape} pixels are too few to train on. "
                f"Use images of at least {SMALLEST_SIDE} × {SMALLEST_SIDE}."
            )


def working_single(
    image: Tensor,
    pixel_size_angstrom: float | None,
    working_shape: tuple[int, int],
    config: TrainingConfig,
    seed: int,
) -> tuple[Subsets | BlindSpot, Method]:
    """Make what crops are drawn from of ``image``, (channel, y, x) as recorded.

    Pairs of pixel subsets where the config allows it and the image tells its noise, else the image
    for blind-spot training.

    Raises
    ------
    NotEnoughData
        The config asks for subsets, or for halves, that this image cannot give.
    """
    if config.pairing == "halves":
        raise NotEnoughData(
            "The pairing 'halves' needs movies, or odd and even halves. "
            "Choose the pairing 'auto' to train on single micrographs."
        )
    if config.pairing != "blind_spot":
        subsets = subsets_of(image, pixel_size_angstrom, working_shape, config.normalisation, seed)
        if subsets is not None:
            return subsets, "subsets"
        if config.pairing == "subsets":
            raise NotEnoughData(
                "The noise cannot be told from these pixels: pairs of subsets need grey images of "
                f"known pixel size, {COARSEST_ANGSTROM:g} Å or finer, neither smoothed nor "
                "enlarged. Choose the pairing 'auto'."
            )
    working = rescale(image, working_shape)
    working = Intensities.of(working, config.normalisation).normalise(working)
    # A colour photograph holds detail down to the pixel, which would be taken for alike noise.
    reach = noise_reach(working) if len(working) == 1 else 0
    return BlindSpot(working, reach), "blind_spot"
