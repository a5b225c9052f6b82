"""Using a denoiser."""

import dataclasses
from collections.abc import Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
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
from napari_n2n.denoising.folding import ready
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.regions import Part
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.tile_size import largest_tile
from napari_n2n.denoising.tiling import Tile, Window, tiles
from napari_n2n.denoising.unet import UNet, pad_to_multiple
from napari_n2n.denoising.working import (
    Intensities,
    from_channels,
    to_channels,
    working_shape,
)
from napari_n2n.errors import DeviceProblem, N2NError
from napari_n2n.progress import Progress, Stopwatch, run_to_end

if TYPE_CHECKING:
    from napari_n2n.metrics import RingCorrelation

# A region that needs more of the image than this is not worth a pass of its own.
_LARGEST_SHARE = 0.6
# Beyond this the result would be a few blurred pixels, or a file's pixel size is wrong.
_LARGEST_RESCALING = 16.0


class PixelSizeProblem(N2NError):
    """A denoiser cannot be used at an image's pixel size."""


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the result that is ready before the rest.

    ``pixels``, (y, x) or RGB (y, x, 3), are on the grid and scale of the input; ``origin`` is
    where their first one lies in it, (y, x) px.
    """

    pixels: NDArray[np.float32]
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True)
class DenoisingProgress(Progress):
    """How far denoising is; one of them carries the ``region`` that was asked for first."""

    region: Region | None = None


@dataclass(frozen=True, eq=False)
class Denoised:
    """A denoised image on the grid and scale of the input, (y, x) or RGB (y, x, 3)."""

    pixels: NDArray[np.float32]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DenoisedHalves(Denoised):
    """The mean of two denoised halves, with the halves' FRC before and after."""

    frc_before: "RingCorrelation" = field(kw_only=True)
    frc_after: "RingCorrelation" = field(kw_only=True)

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
    first: Window | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[DenoisingProgress, None, Denoised]:
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
    first
        (y, x) slices of ``image`` to denoise before the rest, such as what is on the screen; a
        progress object carries them as its ``region``. They equal the same part of the result to
        rounding, or where the image is resampled, to 1 % of its deviation (rms).
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
        network = ready(denoiser.network, chosen)
        part = None
        if first is not None:
            part = Part.of(first, shape, at_work, network.config.size_multiple)

        def restored(result: Tensor) -> Tensor:
            return scale.restore(result * denoiser.output_gain)

        def region(result: Tensor) -> Region | None:
            if part is None:
                return None
            origin = (part.window[0].start, part.window[1].start)
            image = result[:, : at_work[0], : at_work[1]]  # without the network's padding
            return Region(from_channels(part.resampled(restored(image))), origin)

        with interruptible(network, stop):
            result = yield from _tiled(network, scale.normalise(working), tile, part, region)
        return Denoised(from_channels(rescale(restored(result), shape)), notes)


def denoise_halves(
    odd: NDArray[np.float32],
    even: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    first: Window | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[DenoisingProgress, None, DenoisedHalves]:
    """Denoise both halves of a movie; their mean is the result, their FRC how far to believe it.

    Parameters and errors are those of `denoise_steps`; ``odd`` and ``even`` are (y, x). The region
    that was asked for first is the mean of both halves' as well.
    """
    both = [
        denoise_steps(
            half,
            denoiser,
            pixel_size_angstrom=pixel_size_angstrom,
            device=device,
            first=first,
            stop=stop,
        )
        for half in (odd, even)
    ]
    try:
        if first is not None:
            yield from _regions(both)
        a = yield from both[0]
        b = yield from both[1]
    finally:
        for steps in both:
            steps.close()
    yield DenoisingProgress("comparing halves", 0, 1)
    from napari_n2n.metrics import frc

    pixel_size = pixel_size_angstrom or denoiser.working_pixel_size_angstrom or 1.0
    return DenoisedHalves(
        pixels=(a.pixels + b.pixels) * np.float32(0.5),
        frc_before=frc(odd, even, pixel_size),
        frc_after=frc(a.pixels, b.pixels, pixel_size),
        notes=b.notes,
    )


def _regions(
    both: list[Generator[DenoisingProgress, None, Denoised]],
) -> Generator[DenoisingProgress, None, None]:
    """Take both halves as far as their regions, and yield the mean of the two."""
    ready = []
    for steps in both:
        for step in steps:
            if step.region is not None:
                ready.append(step)
                break
            yield step
    if len(ready) == len(both):
        regions = [step.region for step in ready if step.region is not None]
        mean = (regions[0].pixels + regions[1].pixels) * np.float32(0.5)
        yield dataclasses.replace(ready[-1], region=Region(mean, regions[0].origin))


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


def _tiled(
    network: UNet,
    image: Tensor,
    tile: int | None,
    part: Part | None,
    region: Callable[[Tensor], Region | None],
) -> Generator[DenoisingProgress, None, Tensor]:
    """Run ``network`` over ``image`` (channel, y, x); halve the tiles when memory runs out.

    ``part`` comes first, and once it is done ``region`` of the result so far is yielded.
    """
    multiple = network.config.size_multiple
    sides = image.shape[1:]
    padded = pad_to_multiple(image[None], multiple)
    height, width = padded.shape[2:]
    largest = largest_tile(network, image.device) if tile is None else tile
    side = max(multiple, min(largest, max(height, width)) // multiple * multiple)
    while True:
        try:
            result = torch.empty((network.config.out_channels, height, width), device=image.device)
            begin, rest = _cover((height, width), side, network, part)
            count = len(begin) + len(rest)
            watch = Stopwatch()
            for i, piece in enumerate((*begin, *rest)):
                shown = region(result) if begin and i == len(begin) else None
                yield _step(watch, i, count, shown)
                _run_tile(network, padded, piece, result)
            shown = region(result) if begin and not rest else None
            yield _step(watch, count, count, shown)
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


def _cover(
    shape: tuple[int, int], side: int, network: UNet, part: Part | None
) -> tuple[list[Tile], list[Tile]]:
    """Tiles for ``part`` and tiles for the rest of an image of ``shape``."""
    multiple = network.config.size_multiple
    everything = list(tiles(shape, side, network.halo, multiple))
    if part is None:
        return [], everything
    if part.share > _LARGEST_SHARE:
        return everything, []
    begin = list(tiles(shape, side, network.halo, multiple, part.working))
    rest = [piece for piece in everything if not _contains(part.working, piece.write)]
    return begin, rest


def _contains(outer: Window, inner: Window) -> bool:
    return all(a.start <= b.start and b.stop <= a.stop for a, b in zip(outer, inner, strict=True))


def _step(watch: Stopwatch, done: int, count: int, region: Region | None) -> DenoisingProgress:
    at = watch.progress("denoising", done, count)
    return DenoisingProgress(at.stage, at.done, at.total, at.seconds_left, region)


@torch.inference_mode()
def _run_tile(network: UNet, image: Tensor, tile: Tile, result: Tensor) -> None:
    # On a CPU in float32. bfloat16 takes half the time there, but moved single pixels by up to
    # 11 % of the result's deviation (real micrographs; 0.3 % rms, correlation 0.999996).
    with autocast(image.device) if image.device.type != "cpu" else nullcontext():
        output = network(image[(slice(None), slice(None), *tile.read)])
    result[(slice(None), *tile.write)] = output[(0, slice(None), *tile.inner)].float()
