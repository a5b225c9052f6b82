"""Using a denoiser."""

import copy
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.devices import (
    autocast,
    choose_device,
    is_out_of_memory,
    torch_errors_explained,
)
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.tiling import Tile, tiles
from napari_n2n.denoising.unet import UNet, pad_to_multiple
from napari_n2n.denoising.working import (
    Intensities,
    from_channels,
    rescale,
    to_channels,
    working_shape,
)
from napari_n2n.errors import DeviceProblem, N2NError
from napari_n2n.metrics import RingCorrelation, frc
from napari_n2n.progress import Progress, Stopwatch, run_to_end

_LARGEST_TILE = 2048
# Multiplications a CPU is given at once: about a second's, so that a stop need not wait longer.
_CPU_LAYER_OPERATIONS = 5e10
# Beyond this the result would be a few blurred pixels, or a file's pixel size is wrong.
_LARGEST_RESCALING = 16.0


class PixelSizeProblem(N2NError):
    """A denoiser cannot be used at an image's pixel size."""


@dataclass(frozen=True, eq=False)
class Denoised:
    """A denoised image on the grid and scale of the input, (y, x) or RGB (y, x, 3)."""

    pixels: NDArray[np.float32]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DenoisedHalves(Denoised):
    """The mean of two denoised halves, with the halves' FRC before and after."""

    frc_before: RingCorrelation = field(kw_only=True)
    frc_after: RingCorrelation = field(kw_only=True)

    @property
    def resolution_note(self) -> str:
        """How far the halves agree, before and after, in a sentence."""
        before, after = (
            "nowhere" if resolution is None else f"down to {resolution:.1f} Å"
            for resolution in (
                self.frc_before.resolution_angstrom(),
                self.frc_after.resolution_angstrom(),
            )
        )
        return f"The halves agree (FRC ≥ 1/7) {before} before and {after} after denoising."


def denoise(
    image: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: int | None = None,
) -> NDArray[np.float32]:
    """Denoise ``image``, (y, x) or (y, x, 3); same shape and scale out.

    See `denoise_steps`, which does the same and tells how far it is.
    """
    steps = denoise_steps(
        image, denoiser, pixel_size_angstrom=pixel_size_angstrom, device=device, tile=tile
    )
    return run_to_end(steps).pixels


def denoise_steps(
    image: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Denoised]:
    """Denoise ``image``, yielding progress in tiles.

    Parameters
    ----------
    image
        (y, x), or (y, x, 3) for a denoiser of colour photographs.
    denoiser
        The network and how to feed it.
    pixel_size_angstrom
        Of the image; it is resampled to the denoiser's working pixel size and back. None: as if
        it were the working pixel size, with a note if the denoiser has one.
    device
        ``"auto"`` or a name.
    tile
        Side of the tiles in working pixels; by default what fits the free memory. Tiling does
        not change the result.
    stop
        Once true, `Interrupted` is raised within a second.

    Raises
    ------
    PixelSizeProblem
        The pixel size is too far from the denoiser's.
    DeviceProblem
        The device is missing or out of memory even for small tiles.
    Interrupted
        ``stop`` became true.
    """
    chosen = choose_device(device)
    shape = (image.shape[0], image.shape[1])
    channels = to_channels(image)
    if len(channels) != denoiser.network.config.in_channels:
        raise PixelSizeProblem(
            f"The denoiser takes {denoiser.network.config.in_channels} channels and the image has "
            f"{len(channels)}. Choose a model made for such images."
        )
    at_work, notes = _working_shape(shape, pixel_size_angstrom, denoiser)
    with torch_errors_explained("Denoising"):
        working = rescale(channels.to(chosen), at_work)
        scale = Intensities.of(working, denoiser.training.normalisation)
        # A copy of its own: another thread may be using the same denoiser, or stop using it.
        network = copy.deepcopy(denoiser.network).to(chosen).eval()
        if chosen.type != "mps":
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with interruptible(network, stop):
            result = yield from _tiled(network, scale.normalise(working), tile)
        restored = scale.restore(result * denoiser.output_gain)
        return Denoised(from_channels(rescale(restored, shape)), notes)


def denoise_halves(
    odd: NDArray[np.float32],
    even: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, DenoisedHalves]:
    """Denoise both halves of a movie; their mean is the result, their FRC how far to believe it.

    Parameters and errors are those of `denoise_steps`; ``odd`` and ``even`` are (y, x).
    """
    results = []
    notes: tuple[str, ...] = ()
    for half in (odd, even):
        done = yield from denoise_steps(
            half, denoiser, pixel_size_angstrom=pixel_size_angstrom, device=device, stop=stop
        )
        results.append(done.pixels)
        notes = done.notes
    yield Progress("comparing halves", 0, 1)
    pixel_size = pixel_size_angstrom or denoiser.working_pixel_size_angstrom or 1.0
    return DenoisedHalves(
        pixels=(results[0] + results[1]) * np.float32(0.5),
        frc_before=frc(odd, even, pixel_size),
        frc_after=frc(results[0], results[1], pixel_size),
        notes=notes,
    )


def _working_shape(
    shape: tuple[int, int], pixel_size_angstrom: float | None, denoiser: Denoiser
) -> tuple[tuple[int, int], tuple[str, ...]]:
    working = denoiser.working_pixel_size_angstrom
    if working is None:
        return shape, ()
    if pixel_size_angstrom is None:
        return shape, (
            f"The pixel size is unknown; taken to be the denoiser's {working:g} Å. "
            "Give the pixel size if the result looks wrong.",
        )
    factor = working / pixel_size_angstrom
    if not 1 / _LARGEST_RESCALING <= factor <= _LARGEST_RESCALING:
        raise PixelSizeProblem(
            f"The image has {pixel_size_angstrom:g} Å/px and the denoiser works at {working:g} "
            "Å/px: too far apart. Check the pixel size, or train a denoiser on such images."
        )
    notes: tuple[str, ...] = ()
    if factor < 0.8:
        notes = (
            f"The image has {pixel_size_angstrom:g} Å/px, coarser than the {working:g} Å/px the "
            "denoiser was trained at: expect less of it.",
        )
    return working_shape(shape, pixel_size_angstrom, working), notes


def _tiled(network: UNet, image: Tensor, tile: int | None) -> Generator[Progress, None, Tensor]:
    """Run ``network`` over ``image`` (channel, y, x); halve the tiles when memory runs out."""
    multiple = network.config.size_multiple
    sides = image.shape[1:]
    padded = pad_to_multiple(image[None], multiple)
    height, width = padded.shape[2:]
    largest = _largest_tile(network, image.device) if tile is None else tile
    side = max(multiple, min(largest, max(height, width)) // multiple * multiple)
    while True:
        try:
            result = torch.empty((network.config.out_channels, height, width), device=image.device)
            cover = list(tiles((height, width), side, network.halo, multiple))
            watch = Stopwatch()
            for i, piece in enumerate(cover):
                yield watch.progress("denoising", i, len(cover))
                _run_tile(network, padded, piece, result)
            yield watch.progress("denoising", len(cover), len(cover))
            return result[:, : sides[0], : sides[1]]
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if side <= 2 * multiple:
                raise DeviceProblem(
                    "There is not enough memory to denoise even a small piece of the image. "
                    "Close other programs that use the device, or choose the CPU."
                ) from error
        side = max(multiple, side // 2 // multiple * multiple)
        if image.device.type == "cuda":
            torch.cuda.empty_cache()


@torch.no_grad()
def _run_tile(network: UNet, image: Tensor, tile: Tile, result: Tensor) -> None:
    with autocast(image.device):
        output = network(image[(slice(None), slice(None), *tile.read)])
    result[(slice(None), *tile.write)] = output[(0, slice(None), *tile.inner)].float()


def _largest_tile(network: UNet, device: torch.device) -> int:
    """Side of the largest tile that fits into half of the free memory and can be stopped soon."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = psutil.virtual_memory().available
    # At the finest level the joined features, the convolutions' results and their workspace
    # exist at once, as float32; coarser levels add a third.
    config = network.config
    channels = 2 * (sum(config.encoder[0]) + sum(config.decoder[-1]) + config.decoder[-1][0])
    pixels = free / 2 / (channels * 4 * 4 / 3)
    if device.type == "cpu":
        finest = (*network.encoder[0].parameters(), *network.decoder[-1].parameters())
        pixels = min(pixels, _CPU_LAYER_OPERATIONS / max(weights.numel() for weights in finest))
    return max(config.size_multiple, min(_LARGEST_TILE, int(pixels**0.5) - 2 * network.halo))
