"""What a network is and how it is trained: one model behind form, command line and checkpoint."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from napari_n2n.errors import N2NError
from napari_n2n.settings import ConfigProblem, Settings

Width = Annotated[int, Field(ge=1, le=1024)]
Normalisation = Literal["flat", "standard", "unit_range", "photograph"]
Level = Annotated[tuple[Width, ...], Field(min_length=1, max_length=8)]


class NetworkConfig(Settings):
    """The shape of a U-Net: enough to build it again.

    ``encoder`` lists the widths of the 3-wide convolutions of each level, finest first; its last
    entry is the bottleneck. ``decoder`` does the same on the way up, coarsest first, and has one
    level fewer. Each level of the encoder but the last halves the image; each level of the decoder
    first doubles it and joins what the encoder had at that size.
    """

    name: str = "custom"
    ndim: Literal[2, 3] = 2
    in_channels: Annotated[int, Field(ge=1, le=16)] = 1
    out_channels: Annotated[int, Field(ge=1, le=16)] = 1
    encoder: Annotated[tuple[Level, ...], Field(min_length=2, max_length=8)]
    decoder: Annotated[tuple[Level, ...], Field(min_length=1, max_length=7)]
    pooling: Literal["max", "average"] = "average"
    upsampling: Literal["nearest", "transposed"] = "nearest"
    # What a decoder level joins: the encoder's features at that size before they are pooled, or
    # (Lehtinen et al.) the pooled features that level began with, at the finest the image itself.
    skips: Literal["features", "inputs"] = "features"
    bottleneck_activation: bool = True
    negative_slope: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _levels_match(self) -> Self:
        if len(self.decoder) != len(self.encoder) - 1:
            raise ValueError("the decoder needs exactly one level fewer than the encoder")
        return self

    @property
    def size_multiple(self) -> int:
        """Image sides are padded to a multiple of this many pixels."""
        return int(2 ** (len(self.encoder) - 1))


PAPER_NETWORK = NetworkConfig(
    name="paper",
    encoder=((48, 48), (48,), (48,), (48,), (48,), (48,)),
    decoder=((96, 96), (96, 96), (96, 96), (96, 96), (64, 32)),
    pooling="max",
    upsampling="transposed",
    skips="inputs",
    # The authors' sixth encoder block is a convolution and a transposed one with nothing between.
    bottleneck_activation=False,
)
LIGHT_NETWORK = NetworkConfig(
    name="light",
    encoder=((16, 16), (32, 32), (64, 64), (64, 64), (64, 64)),
    decoder=((64, 64), (64, 64), (32, 32), (16, 16)),
)
NETWORKS: dict[str, NetworkConfig] = {n.name: n for n in (LIGHT_NETWORK, PAPER_NETWORK)}

# 0.35 million numbers; cells of 4 voxels at its bottleneck.
LIGHT_NETWORK_3D = NetworkConfig(
    name="light-3d",
    ndim=3,
    encoder=((16, 16), (32, 32), (64, 64)),
    decoder=((32, 32), (16, 16)),
)
# That of cryoCARE (Buchholz et al. 2019): CSBDeep's `unet_block` with a depth of 3, 16 channels
# first and two convolutions a level.
CRYOCARE_NETWORK = NetworkConfig(
    name="cryocare",
    ndim=3,
    encoder=((16, 16), (32, 32), (64, 64), (128, 64)),
    decoder=((64, 32), (32, 16), (16, 16)),
    pooling="max",
    negative_slope=0,
)
PAPER_NETWORK_3D = PAPER_NETWORK.replaced(name="paper-3d", ndim=3)
VOLUME_NETWORKS: dict[str, NetworkConfig] = {
    n.name: n for n in (LIGHT_NETWORK_3D, CRYOCARE_NETWORK, PAPER_NETWORK_3D)
}
"""Those for volumes."""


class WrongDimensions(N2NError):
    """A network for images was given a volume, or one for volumes an image."""


def require_dimensions(network: NetworkConfig, ndim: int) -> None:
    """Refuse a ``network`` that is not for images (``ndim`` 2) or volumes (3).

    Raises
    ------
    WrongDimensions
        It is for the others.
    """
    if network.ndim == ndim:
        return
    theirs, ours = ("volumes", "an image") if network.ndim == 3 else ("images", "a volume")
    raise WrongDimensions(
        f"The network {network.name!r} is for {theirs}, and this is {ours}. "
        f"Choose a model that was trained on {'volumes' if ndim == 3 else 'images'}."
    )


COARSEST_VOXEL = 14.0
"""Å: what volumes are brought to unless a smaller particle asks for less.

Of simulated tomograms of 10 Å/voxel, at 120 e/Å² and 4 µm, what is lost by it takes 0.002 of the
correlation with the truth, and a third of the voxels is left.
"""


class TrainingConfig(Settings):
    """How a denoiser is trained. Lengths: whichever of steps, epochs and seconds ends first."""

    network: NetworkConfig = LIGHT_NETWORK
    particle_diameter_angstrom: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, title="Particle diameter (Å)", description="Sets the working pixel size when given."
    )
    working_pixel_size_angstrom: Annotated[float, Field(gt=0, le=100)] | None = Field(
        4.0,
        title="Working pixel size (Å)",
        description="Images are Fourier-cropped to this. Empty: full resolution.",
    )
    normalisation: Normalisation = Field(
        "flat",
        description="Slow changes of brightness taken off; or zero mean and unit deviation; or "
        "intensities to [0, 1]; or 0 to 255 to [-0.5, 0.5], for photographs.",
    )
    pairing: Literal["auto", "halves", "subsets", "blind_spot"] = Field(
        "auto",
        title="Pairs",
        description="Auto: halves where there are any; of single micrographs, random halves of "
        "their pixels where those tell the noise, else a blind spot.",
    )
    crop: Annotated[int, Field(ge=16, le=4096)] = Field(
        128, title="Crop (px)", description="Side of the training crops, in working pixels."
    )
    batch: Annotated[int, Field(ge=1, le=1024)] = Field(2, title="Crops a step")
    steps: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(None, title="Steps")
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, title="Epochs", description="One epoch draws one crop from every pair."
    )
    max_seconds: Annotated[float, Field(gt=0, le=1e8)] | None = Field(None, title="At most (s)")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.99
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_steps: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.995, title="Weight averaging", description="0 turns the moving average of weights off."
    )
    gradient_clip: Annotated[float, Field(ge=0)] = Field(
        0.5, title="Gradient clipping", description="Largest gradient norm; 0 turns it off."
    )
    augment: bool = Field(True, title="Flips and quarter turns")
    from_scratch: bool = Field(
        False,
        title="Start from nothing",
        description="Else from the general model, where network, channels and pixel size allow.",
    )
    validation_fraction: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    @field_validator("network", mode="before")
    @classmethod
    def _network_by_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            known = NETWORKS | VOLUME_NETWORKS
            if value not in known:
                raise ValueError(f"no such network; there are {', '.join(known)}")
            return known[value]
        return value

    @model_validator(mode="after")
    def _volumes_are_normalised_by_two_numbers(self) -> Self:
        if self.network.ndim == 3 and self.normalisation != "standard":
            raise ValueError('volumes are normalised by mean and deviation: "standard"')
        return self

    @model_validator(mode="after")
    def _it_ends(self) -> Self:
        if self.steps is None and self.epochs is None and self.max_seconds is None:
            raise ValueError("give steps, epochs or max_seconds, or training would never end")
        return self

    def lasting(self, seconds: float) -> "TrainingConfig":
        """Return the same training for ``seconds`` of wall time instead of its own length."""
        return self.replaced(steps=None, epochs=None, max_seconds=seconds)

    def working_pixel_size(self, pixel_size_angstrom: float) -> float:
        """Pixel size (Å) to train at, for images of ``pixel_size_angstrom``; never finer.

        A particle is drawn with about 30 pixels across its diameter: enough to see a hole in a
        shell, few enough that the noise of a movie is averaged down. In a volume, where every
        voxel has seen less dose, and there are far more of them, with 16.
        """
        wanted = self.working_pixel_size_angstrom
        if wanted is not None and self.particle_diameter_angstrom is not None:
            coarsest, across = (8.0, 30) if self.network.ndim == 2 else (COARSEST_VOXEL, 16)
            wanted = min(coarsest, self.particle_diameter_angstrom / across)
        return pixel_size_angstrom if wanted is None else max(wanted, pixel_size_angstrom)


PRESETS: dict[str, TrainingConfig] = {
    # About a minute on a laptop with two cores.
    "quick": TrainingConfig(steps=1200),
    # Tan, Cui and Luo's settings, at full resolution.
    "paper": TrainingConfig(
        network=PAPER_NETWORK,
        working_pixel_size_angstrom=None,
        normalisation="unit_range",
        crop=640,
        batch=4,
        epochs=500,
        learning_rate=1e-3,
        schedule="constant",
        warmup_steps=0,
        ema_decay=0,
        gradient_clip=0,
        from_scratch=True,
    ),
}

_VOLUMES = TrainingConfig(
    network=LIGHT_NETWORK_3D,
    working_pixel_size_angstrom=COARSEST_VOXEL,
    normalisation="standard",
    crop=40,
    steps=900,
    from_scratch=True,
)
VOLUME_PRESETS: dict[str, TrainingConfig] = {
    # Some ten minutes of one core: 0.6 to 0.7 s a step on a Zen 3 in float32.
    "quick": _VOLUMES,
    # The paper's network, which was for images, on volumes at full resolution.
    "paper": _VOLUMES.replaced(
        network=PAPER_NETWORK_3D,
        working_pixel_size_angstrom=None,
        crop=64,
        steps=None,
        epochs=2000,
        learning_rate=1e-3,
    ),
}


def preset(name: str, ndim: Literal[2, 3] = 2) -> TrainingConfig:
    """Return a preset by name, for images or for volumes (``ndim`` 3).

    Raises
    ------
    ConfigProblem
        There is no such preset.
    """
    presets = PRESETS if ndim == 2 else VOLUME_PRESETS
    if name not in presets:
        raise ConfigProblem(f"There is no preset {name!r}; there are {', '.join(presets)}.")
    return presets[name]
