"""One family of U-Nets: the paper's and the light one differ in their config alone."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_n2n.denoising.config import NetworkConfig

_CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOLING = {
    ("max", 2): nn.MaxPool2d,
    ("max", 3): nn.MaxPool3d,
    ("average", 2): nn.AvgPool2d,
    ("average", 3): nn.AvgPool3d,
}


class UNet(nn.Module):
    """A U-Net after Lehtinen et al. (2018), for images (N, C, y, x) or volumes (N, C, z, y, x).

    Any size is accepted: sides are padded by reflection to ``config.size_multiple`` and the
    result is cut back.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        ndim = config.ndim
        self.encoder = nn.ModuleList()
        channels = config.in_channels
        skip_channels = []
        for i, widths in enumerate(config.encoder):
            last_activation = config.bottleneck_activation or i < len(config.decoder)
            level = self._convolutions(channels, widths, last_activation=last_activation)
            self.encoder.append(level)
            skip_channels.append(channels if config.skips == "inputs" else widths[-1])
            channels = widths[-1]
        self.pool = _POOLING[config.pooling, ndim](2)
        self.upsampling = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for widths, skip in zip(config.decoder, reversed(skip_channels[:-1]), strict=True):
            if config.upsampling == "transposed":
                up: nn.Module = _TRANSPOSED[ndim](
                    channels, channels, 3, stride=2, padding=1, output_padding=1
                )
            else:
                up = nn.Upsample(scale_factor=2, mode="nearest")
            self.upsampling.append(up)
            self.decoder.append(self._convolutions(channels + skip, widths))
            channels = widths[-1]
        self.output = _CONVOLUTION[ndim](channels, config.out_channels, 3, padding=1)
        self._initialise()

    def _convolutions(
        self, channels: int, widths: tuple[int, ...], *, last_activation: bool = True
    ) -> nn.Sequential:
        layers: list[nn.Module] = []
        for width in widths:
            layers.append(_CONVOLUTION[self.config.ndim](channels, width, 3, padding=1))
            layers.append(nn.LeakyReLU(self.config.negative_slope, inplace=True))
            channels = width
        return nn.Sequential(*(layers if last_activation else layers[:-1]))

    def _initialise(self) -> None:
        """He et al. (2015); the last layer small, or the first steps of training diverge."""
        if self.output.weight.is_meta:
            return  # Shapes alone hold no numbers, and torch takes a second to find that out.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
                nn.init.kaiming_normal_(module.weight, a=self.config.negative_slope)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.output.weight.mul_(0.1)

    def forward(self, images: Tensor) -> Tensor:
        """Denoise ``images``, (N, C, [z,] y, x); same shape out."""
        sides = images.shape[2:]
        features = pad_to_multiple(images, self.config.size_multiple)
        skips = []
        for i, level in enumerate(self.encoder):
            before = features
            features = level(features)
            if i < len(self.decoder):
                skips.append(before if self.config.skips == "inputs" else features)
                features = self.pool(features)
        for i in range(len(self.decoder)):
            features = self._joined(i, features, skips.pop())
        cut = (slice(None), slice(None), *(slice(side) for side in sides))
        return cast("Tensor", self.output(features)[cut])

    def _joined(self, i: int, features: Tensor, skip: Tensor) -> Tensor:
        """Run level ``i`` of the decoder on ``features``, doubled in size, and on ``skip``."""
        level = cast("nn.Sequential", self.decoder[i])
        if self._folds(features):
            joined = _joined_and_convolved(cast("nn.Conv3d", level[0]), features, skip)
            return cast("Tensor", level[1:](joined))
        both = torch.cat((self.upsampling[i](features), skip), dim=1)
        return cast("Tensor", level(both))

    def _folds(self, features: Tensor) -> bool:
        """Whether to fold upsampling into the convolution that follows, see `folded`.

        That is worth it for volumes in float32 on a CPU, where that layer's share of a training
        step takes 0.43 of the time; in bfloat16, and on a GPU, nobody has measured it.
        """
        nearest = self.config.upsampling == "nearest" and self.config.ndim == 3
        return nearest and features.device.type == "cpu" and not torch.is_autocast_enabled("cpu")

    @property
    def halo(self) -> int:
        """Pixels of surroundings beyond which nothing changes the result; a size multiple.

        Follows the input that one cell of ``size_multiple`` pixels depends on, layer by layer,
        on the way with the widest view: through the bottleneck.
        """
        multiple = self.config.size_multiple
        first, last = -1, multiple  # the cell, widened by the output convolution
        for widths in reversed(self.config.decoder):
            first, last = first - len(widths), last + len(widths)
            # A transposed convolution looks one pixel further, at its far side only.
            first, last = first // 2, (last + (self.config.upsampling == "transposed")) // 2
        for i, widths in enumerate(reversed(self.config.encoder)):
            if i:
                first, last = 2 * first, 2 * last + 1
            first, last = first - len(widths), last + len(widths)
        return -(-max(-first, last - multiple + 1) // multiple) * multiple

    @property
    def heaviest_layer(self) -> float:
        """Multiplications for a pixel or voxel in the costliest layer at the finest level."""
        finest = (*self.encoder[0].parameters(), *self.decoder[-1].parameters())
        return float(max(weights.numel() for weights in finest))

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Pad the far ends of the spatial sides to a ``multiple``, by reflection where it fits."""
    missing = [-side % multiple for side in images.shape[2:]]
    if not any(missing):
        return images
    padding = [pad for side in reversed(missing) for pad in (0, side)]
    # Reflection needs more image than padding; a sliver smaller than that repeats its edge.
    fits = all(pad < side for pad, side in zip(missing, images.shape[2:], strict=True))
    return functional.pad(images, padding, mode="reflect" if fits else "replicate")


def folded(weight: Tensor, channels: int) -> Tensor:
    """Fold doubling the size of the first ``channels`` into a 3-wide convolution of them.

    A convolution of an image whose pixels were doubled sees each of them through sums of its
    weights: it equals a transposed convolution of the small image, 4 wide with stride 2. These are
    its weights, (channels, out, 4, …), of the convolution's (out, in, 3, …).
    """
    # Which of the three rows of weights a small pixel is seen through, for each of the four rows
    # of large pixels that see it.
    rows = weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    result = weight[:, :channels].transpose(0, 1)
    for axis in range(2, weight.ndim):
        result = torch.tensordot(result, rows, dims=([axis], [1])).movedim(-1, axis)
    return result


def _joined_and_convolved(convolution: nn.Conv3d, features: Tensor, skip: Tensor) -> Tensor:
    """Double ``features`` in size, join ``skip``, (n, c, z, y, x) both, and convolve."""
    channels = features.shape[1]
    large = functional.conv_transpose3d(
        features, folded(convolution.weight, channels), convolution.bias, stride=2, padding=1
    )
    return large + functional.conv3d(skip, convolution.weight[:, channels:], padding=1)
