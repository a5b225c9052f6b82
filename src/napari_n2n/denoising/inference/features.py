"""What a denoiser's network makes of a micrograph on the way to its bottleneck."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage

from napari_n2n.denoising.config import require_dimensions
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.normalisation import Intensities, rescale, to_channels, working_shape
from napari_n2n.denoising.tiling import Box, tiles
from napari_n2n.denoising.unet import UNet, pad_to_multiple
from napari_n2n.devices import choose_device, torch_errors_explained
from napari_n2n.progress import Steps, Stop, Stopwatch, never

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_n2n.denoising.checkpoints import Denoiser

# A cell that is larger mixes the particle with what surrounds it: measured, the network's last
# level (cells of half a particle) told intact from broken worse than no network at all.
_CELLS_ACROSS = 6
_TILE = 1024  # working px a side: 200 MB for the paper's network
_TURNS = 4
_RING_RADII = (0.2, 0.4)  # of the diameter
_RING_POINTS = 12
_CHUNK = 2000  # particles at once


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Features of an encoder level at every cell of a micrograph, averaged over quarter turns.

    Attributes
    ----------
    values
        (c, h, w) features.
    stride_px
        (y, x) size of a cell in pixels of the micrograph; may be fractional. The first cell
        begins at the micrograph's first pixel.
    kind
        Names the network and the level: features of different networks have nothing in common.
    """

    values: NDArray[np.float32]
    stride_px: tuple[float, float]
    kind: str

    def around(self, centres_px: NDArray[np.float64], diameter_px: float) -> NDArray[np.float32]:
        """Describe places: features at the centre, and their mean and deviation on two rings.

        Parameters
        ----------
        centres_px
            (n, 2) y, x in pixels of the micrograph.
        diameter_px
            Of the particle; the rings have 0.2 and 0.4 times this as their radius.

        Returns
        -------
        (n, 5 c)
        """
        centres = np.asarray(centres_px, np.float64).reshape(-1, 2)
        rows = [
            self._around(centres[start : start + _CHUNK], diameter_px)
            for start in range(0, len(centres), _CHUNK)
        ]
        return np.concatenate(rows) if rows else np.empty((0, 5 * len(self.values)), np.float32)

    def _around(self, centres: NDArray[np.float64], diameter_px: float) -> NDArray[np.float32]:
        angles = 2 * np.pi * np.arange(_RING_POINTS) / _RING_POINTS
        circle = np.stack([np.sin(angles), np.cos(angles)], axis=1)
        columns = [self._sampled(centres)]
        for radius in _RING_RADII:
            points = centres[:, None] + circle * (radius * diameter_px)
            ring = self._sampled(points.reshape(-1, 2)).reshape(*points.shape[:2], -1)
            columns += [ring.mean(axis=1), ring.std(axis=1)]
        return np.hstack(columns)

    def _sampled(self, points_px: NDArray[np.float64]) -> NDArray[np.float32]:
        """Interpolate every feature linearly at ``points_px``, (n, 2): (n, c)."""
        cells = ((points_px + 0.5) / np.array(self.stride_px) - 0.5).T
        sampled = [
            ndimage.map_coordinates(channel, cells, order=1, mode="nearest")
            for channel in self.values
        ]
        return np.stack(sampled, axis=1)


def bottleneck_steps(
    image: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None,
    diameter_angstrom: float,
    device: str | torch.device = "auto",
    stop: Stop = never,
) -> Steps[FeatureMap]:
    """Run the encoder over a micrograph and return the features of its most telling level.

    That is the level nearest the bottleneck whose cells are still at most a sixth of the particle.
    The micrograph is seen in four quarter turns and the features are averaged, since the network
    treats directions differently and a particle may lie in any.

    Parameters
    ----------
    image
        (y, x) micrograph as it was recorded, not denoised.
    denoiser
        Whose network is asked.
    pixel_size_angstrom
        Of the image; None: the denoiser's working pixel size.
    diameter_angstrom
        Of the particle.
    device
        ``"auto"`` or a name.
    stop
        Once true, `Interrupted` is raised within a second.

    Raises
    ------
    WrongDimensions
        The denoiser is for volumes.
    DeviceProblem
        The device is missing or fails.
    Interrupted
        ``stop`` became true.
    """
    require_dimensions(denoiser.network.config, 2)
    chosen = choose_device(device)
    network_size = denoiser.working_pixel_size_angstrom
    pixel_size = pixel_size_angstrom or network_size or 1.0
    height, width = image.shape[:2]
    at_work = working_shape((height, width), pixel_size, network_size or pixel_size)
    level = _level(denoiser.network, diameter_angstrom / (network_size or pixel_size))
    with torch_errors_explained("Looking at the micrograph"):
        working = rescale(to_channels(image).to(chosen), at_work)
        working = Intensities.of(working, denoiser.training.normalisation).normalise(working)
        multiple = denoiser.network.config.size_multiple
        # Padded before it is turned, so that all turns share one grid of cells.
        padded = pad_to_multiple(working[None], multiple)
        network = copy.deepcopy(denoiser.network).to(chosen).eval()
        watch = Stopwatch()
        total: Tensor | None = None
        with interruptible(network, stop):
            for turn in range(_TURNS):
                yield watch.progress("looking at particles", turn, _TURNS)
                turned = torch.rot90(padded, turn, (2, 3)).contiguous()
                features = torch.rot90(_encoded(network, turned, level), -turn, (1, 2))
                total = features if total is None else total + features
    assert total is not None
    cell = 2**level
    return FeatureMap(
        values=np.ascontiguousarray((total / _TURNS).cpu().numpy()),
        stride_px=(cell * height / at_work[0], cell * width / at_work[1]),
        kind=f"{fingerprint(denoiser.network)}/{level}",
    )


def _level(network: UNet, diameter_working_px: float) -> int:
    """Return the coarsest level of the encoder whose cells are small against the particle."""
    largest = max(1.0, diameter_working_px / _CELLS_ACROSS)
    return min(len(network.config.encoder) - 1, int(np.log2(largest)))


@torch.no_grad()
def _encoded(network: UNet, image: Tensor, level: int) -> Tensor:
    """Return the features (c, h, w) of ``level`` of the encoder for ``image`` (1, 1, y, x)."""
    multiple = network.config.size_multiple
    height, width = image.shape[2:]
    cell = 2**level
    side = max(multiple, _TILE // multiple * multiple)
    result = None
    for tile in tiles((height, width), side, network.halo, multiple):
        features = image[(slice(None), slice(None), *tile.read)]
        for i, convolutions in enumerate(network.encoder[: level + 1]):
            features = convolutions(features if i == 0 else network.pool(features))
        if result is None:
            result = features.new_empty((features.shape[1], height // cell, width // cell))
        write, inner = _coarser(tile.write, cell), _coarser(tile.inner, cell)
        every: tuple[slice, ...] = (slice(None),)
        result[every + write] = features[0][every + inner]
    assert result is not None
    return result


def _coarser(window: Box, cell: int) -> Box:
    return tuple(slice(part.start // cell, part.stop // cell) for part in window)


def fingerprint(network: UNet) -> str:
    """Name ``network`` by its weights: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()[:12]
