"""A network made ready for use: the same results to rounding, in less time."""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from napari_n2n.denoising.unet import UNet, folded


def ready(network: UNet, device: torch.device) -> UNet:
    """Return a copy of ``network`` for inference on ``device``, in the layout that is fastest.

    It is a copy because another thread may be using the same denoiser, or stop using it. On a CPU,
    `FoldedUNet` where that can be.
    """
    config = network.config
    plain = type(network) is UNet and config.upsampling == "nearest"
    copied = FoldedUNet(network) if plain and device.type == "cpu" else copy.deepcopy(network)
    copied = copied.to(device).eval()
    if device.type != "mps":
        layout = torch.channels_last if config.ndim == 2 else torch.channels_last_3d
        copied = copied.to(memory_format=layout)  # type: ignore[call-overload]
    return copied


class FoldedUNet(UNet):
    """A `UNet` whose nearest-neighbour upsampling is folded into the convolution that follows.

    A 3 × 3 convolution of an image whose pixels were doubled sees each of them through sums of its
    weights: it equals a transposed convolution of the small image, 4 × 4 with stride 2, that
    needs four ninths of the multiplications; of a volume, 4 × 4 × 4, eight of 27. The convolution
    of joined features is the sum of the parts' convolutions, so neither the large nor the joined
    features are ever written to memory.
    Measured on a CPU in float32, the light network takes 0.64 of the time for images.
    """

    def __init__(self, network: UNet) -> None:
        with torch.device("meta"):
            super().__init__(network.config)
        weights = {name: part.detach().clone() for name, part in network.state_dict().items()}
        self.load_state_dict(weights, assign=True)
        below = (network.config.encoder[-1][-1], *(level[-1] for level in network.config.decoder))
        parts = [
            _split(cast("nn.Conv2d | nn.Conv3d", cast("nn.Sequential", level)[0]), channels)
            for level, channels in zip(network.decoder, below[:-1], strict=True)
        ]
        self.large = nn.ModuleList(up for up, _ in parts)
        self.beside = nn.ModuleList(skip for _, skip in parts)

    def _joined(self, i: int, features: Tensor, skip: Tensor) -> Tensor:
        joined = self.large[i](features)
        joined += self.beside[i](skip)
        return self.decoder[i][1:](joined)  # type: ignore[no-any-return, index]

    @property
    def heaviest_layer(self) -> float:
        """Multiplications for a pixel or voxel in the costliest layer at the finest level."""
        layers = cast("nn.Sequential", self.decoder[-1])[1:]
        whole = (*self.encoder[0].parameters(), *layers.parameters(), *self.beside[-1].parameters())
        # A transposed convolution is worked out for each pixel of the smaller image.
        large = sum(w.numel() for w in self.large[-1].parameters()) / 2**self.config.ndim
        return float(max(large, *(weights.numel() for weights in whole)))


def _split(convolution: nn.Conv2d | nn.Conv3d, channels: int) -> tuple[nn.Module, nn.Module]:
    """Split a 3-wide convolution of ``channels`` doubled and the other, joined channels."""
    weight = convolution.weight.detach()
    volumes = weight.ndim == 5
    with torch.device("meta"):
        transposed = nn.ConvTranspose3d if volumes else nn.ConvTranspose2d
        large = transposed(channels, len(weight), 4, stride=2, padding=1)
        beside = type(convolution)(
            weight.shape[1] - channels, len(weight), 3, padding=1, bias=False
        )
    state = {"weight": folded(weight, channels).contiguous()}
    if convolution.bias is not None:
        state["bias"] = convolution.bias.detach().clone()
    large.load_state_dict(state, assign=True)
    beside.load_state_dict({"weight": weight[:, channels:].clone()}, assign=True)
    return large, beside
