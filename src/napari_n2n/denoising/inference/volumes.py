"""Using a denoiser of volumes: a volume or both its halves, from the disk to the disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import require_dimensions
from napari_n2n.denoising.inference.faster_unet import ready
from napari_n2n.denoising.inference.tile_size import largest_volume_tile
from napari_n2n.denoising.inference.volume_calibration import weighed_steps
from napari_n2n.denoising.inference.working_size import working_size_of
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.denoising.tiling import Tile, tiles
from napari_n2n.denoising.unet import UNet
from napari_n2n.denoising.working_volumes import (
    FilledVolume,
    Sections,
    WorkingVolume,
    coarser_steps,
    finer,
    intensities_of,
    slabs_of,
    working_volume_shape,
)
from napari_n2n.devices import (
    Backlog,
    autocast,
    choose_device,
    is_out_of_memory,
    torch_errors_explained,
)
from napari_n2n.errors import DeviceProblem, NotEnoughData
from napari_n2n.progress import (
    Progress,
    Steps,
    Stop,
    Stopwatch,
    never,
    passed_on,
    run_to_end,
)

Write = Callable[[NDArray[np.float32]], object]
"""Takes the next sections, (sections, y, x), from the first one on."""
Compare = Callable[[Sequence[NDArray[np.float32]], Sequence[NDArray[np.float32]]], object]
"""Takes volumes, (z, y, x) at the working voxel size, and what the network made of each for itself,
less its offset."""

_AS_FINE = 1.01  # times the voxel size: nothing is lost by that
# Of the time that denoising takes, in percent: bringing volumes to the working voxel size, the
# network, weighing its results, and bringing what comes of it back.
_READING, _NETWORK, _WEIGHING, _WRITING = 15, 65, 10, 10
# The second half is seen mirrored along all axes, and its result mirrored back: what a network does
# to one direction and not to the other is averaged out, at no cost. Of simulated tomograms it gave
# 0.0011 more of correlation with the truth.
_WAYS = ((slice(None),) * 3, (slice(None, None, -1),) * 3)


def denoise_volume(
    volume: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    voxel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: tuple[int, int, int] | None = None,
) -> NDArray[np.float32]:
    """Denoise an array (z, y, x); same shape and scale out. See `denoise_volumes_steps`."""
    slabs: list[NDArray[np.float32]] = []
    steps = denoise_volumes_steps(
        [volume],
        denoiser,
        slabs.append,
        voxel_size_angstrom=voxel_size_angstrom,
        device=device,
        tile=tile,
    )
    run_to_end(steps)
    return np.concatenate(slabs)


def denoise_volumes_steps(
    volumes: Sequence[Sections],
    denoiser: Denoiser,
    write: Write,
    *,
    voxel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: tuple[int, int, int] | None = None,
    compare: Compare | None = None,
    stop: Stop = never,
) -> Steps[tuple[str, ...]]:
    """Denoise a volume, or both halves of one, and ``write`` the result slab by slab.

    Each half is denoised for itself, the second one mirrored along all axes, and the mean of both
    is the result; its scale is theirs. Where the denoiser is to be calibrated, the results are
    weighed against the halves (`volume_calibration`); a single volume gives nothing to do so. In
    memory there are a few slabs and what the network needs for a tile; the rest lies on the disk,
    in four to five times the size of a volume at the working voxel size.

    Parameters
    ----------
    volumes
        One volume (z, y, x), or two halves of one shape.
    denoiser
        The network and how to feed it.
    write
        Takes the sections of the result, on the grid of the volumes.
    voxel_size_angstrom
        Of the volumes; they are Fourier-cropped to the denoiser's working voxel size, and its
        result is brought back: waves too short for it are not in the result. None: as if it were
        the working voxel size.
    device
        ``"auto"`` or a name.
    tile
        Sides (z, y, x) of the tiles in working voxels; by default what fits the free memory.
        Tiling does not change the result.
    compare
        Takes the volumes and the results of each while they are there, on the disk.
    stop
        Once true, `Interrupted` is raised within a second.

    Returns
    -------
    tuple of str
        Sentences for the user.

    Raises
    ------
    WrongDimensions
        The denoiser is for images.
    PixelSizeProblem
        The voxel size is too far from the denoiser's.
    NotEnoughData
        The halves differ in shape.
    DeviceProblem
        The device is missing or out of memory even for small tiles.
    WriteProblem
        The disk has no room for what lies there meanwhile.
    Interrupted
        ``stop`` became true.
    """
    require_dimensions(denoiser.network.config, 3)
    _require_one_shape(volumes)
    z, y, x = volumes[0].shape
    working, notes = working_size_of(voxel_size_angstrom, denoiser)
    if working is not None and voxel_size_angstrom and working > _AS_FINE * voxel_size_angstrom:
        lost = f"nothing finer than {2 * working:g} Å is in the result."
        notes = (f"Denoised at {working:g} Å/voxel: {lost}",)
    shape = working_volume_shape((z, y, x), voxel_size_angstrom, working)
    chosen = choose_device(device)
    with torch_errors_explained("Denoising"):
        watch = Stopwatch()
        filled = [FilledVolume(volume) for volume in volumes]
        seen: list[WorkingVolume] = []
        for number, volume in enumerate(filled):
            share = _READING / len(filled)
            part = _share_of(watch, number * share, share)
            voxels = yield from passed_on(coarser_steps(volume, shape, stop), part)
            seen.append(WorkingVolume(voxels, intensities_of(voxels)))
            del voxels
        network = ready(denoiser.network, chosen)
        with interruptible(network, stop):
            steps = _tiled_steps(network, seen, tile, chosen)
            part = _share_of(watch, _READING, _NETWORK)
            results = yield from passed_on(steps, part)
        if compare is not None:
            compare([volume.voxels for volume in seen], results)
        if denoiser.output_gain != 1:
            for made in results:
                made *= np.float32(denoiser.output_gain)
        if denoiser.calibrate and len(seen) == 2:
            part = _share_of(watch, _READING + _NETWORK, _WEIGHING)
            result = yield from passed_on(weighed_steps(seen, results, stop), part)
        else:
            result = _mean(seen, results)
        del seen, results  # on the disk, too
        for slab, sections in finer(result, (z, y, x), stop):
            write(filled[0].returned(slab, sections))
            written = Progress("writing", slab.stop, z)
            yield from _share_of(watch, _READING + _NETWORK + _WEIGHING, _WRITING)(written)
    return notes


def _share_of(
    watch: Stopwatch, before: float, share: float
) -> Callable[[Progress], Iterator[Progress]]:
    """Tell of steps as of a share of the whole, in percent."""

    def told(step: Progress) -> Iterator[Progress]:
        yield watch.progress("denoising", round(before + share * step.fraction), 100)

    return told


def _require_one_shape(volumes: Sequence[Sections]) -> None:
    shapes = {tuple(volume.shape) for volume in volumes}
    if len(shapes) != 1 or len(volumes) > 2:
        raise NotEnoughData(
            f"A volume or two halves of one shape are denoised together, not {len(volumes)} "
            f"volumes of {' and '.join(map(str, sorted(shapes)))}. Give halves of one tomogram."
        )


def _tiled_steps(
    network: UNet,
    volumes: Sequence[WorkingVolume],
    tile: tuple[int, int, int] | None,
    device: torch.device,
) -> Steps[list[NDArray[np.float32]]]:
    """Return what ``network`` makes of each of ``volumes``, on the disk; smaller tiles if need be.

    It is in their units, less their offsets.

    Raises
    ------
    DeviceProblem
        The device is out of memory even for small tiles.
    """
    shape, multiple = volumes[0].voxels.shape, network.config.size_multiple
    depth, height, width = shape
    results = [scratch_array(shape) for _ in volumes]
    sides = tile or largest_volume_tile(network, (depth, height, width), device)
    while True:
        try:
            pieces = list(tiles(shape, sides, network.halo, multiple))
            watch, backlog = Stopwatch(), Backlog(device)
            for number, piece in enumerate(pieces):
                yield watch.progress("denoising", number, len(pieces))
                _run_tile(network, volumes, piece, results, device)
                backlog.add()
            yield watch.progress("denoising", len(pieces), len(pieces))
            return results
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if max(sides) <= 2 * multiple:
                raise DeviceProblem(
                    "There is not enough memory to denoise even a small piece of the volume. "
                    "Close other programs that use the device, or choose the CPU."
                ) from error
        z, y, x = (max(multiple, side // 2 // multiple * multiple) for side in sides)
        sides = z, y, x
        if device.type == "cuda":
            torch.cuda.empty_cache()


@torch.inference_mode()
def _run_tile(
    network: UNet,
    volumes: Sequence[WorkingVolume],
    tile: Tile,
    results: Sequence[NDArray[np.float32]],
    device: torch.device,
) -> None:
    for number, volume in enumerate(volumes):
        way = _WAYS[number]
        seen = torch.from_numpy(np.ascontiguousarray(volume.mirrored(way).normalised(tile.read)))
        # On a CPU in float32, as images are.
        with autocast(device) if device.type != "cpu" else nullcontext():
            output = network(seen[None, None].to(device))
        part = output[(0, 0, *tile.inner)].float().cpu().numpy()
        results[number][way][tile.write] = part * np.float32(volume.intensities.scale)


def _mean(
    volumes: Sequence[WorkingVolume], results: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the mean of the ``results``, and of the offsets of ``volumes``, in the first."""
    offset = np.float32(np.mean([float(volume.intensities.offset) for volume in volumes]))
    first = results[0]
    for slab in slabs_of(first.shape):
        first[slab] = sum(result[slab] for result in results) / np.float32(len(results)) + offset
    return first
