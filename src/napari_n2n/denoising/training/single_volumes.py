"""Training on single tomograms, of which there are no halves: on two made of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.denoising.training.noisier_halves import noisier_halves
from napari_n2n.denoising.training.volume_pairs import (
    VolumeData,
    VolumeHalves,
    prepare_volumes_steps,
    working_shape_of,
)
from napari_n2n.denoising.working_volumes import (
    FilledVolume,
    Sections,
    intensities_of,
    slabs_of,
)
from napari_n2n.errors import N2NError, NotEnoughData, told_of
from napari_n2n.progress import Progress, Steps, Stop, Stopwatch, never, passed_on, require_going

LIMITS = (
    "Trained on single tomograms, without halves: what is noise is told by the shortest waves. "
    "Where a tomogram was filtered, binned or reconstructed by SIRT, noise is kept. The estimated "
    "correlation is not to be relied on. Halves of odd and even frames are better; where the tilt "
    "series was kept, give its folder."
)
"""What this is, and what it cannot do."""
# Voxels that are transformed at once: some 0.6 GB.
_AT_ONCE = 1 << 25


@dataclass(frozen=True, eq=False)
class SingleVolume:
    """A volume (z, y, x) without halves, sliced when it is needed."""

    voxels: Sections
    voxel_size_angstrom: float | None = None
    name: str = "tomogram"


class SingleVolumes(tuple[SingleVolume, ...]):
    """Volumes to train on, each of which is all that there is."""


def prepare_singles_steps(
    volumes: SingleVolumes, config: TrainingConfig, stop: Stop = never
) -> Steps[VolumeData]:
    """Make halves of single ``volumes``, and get them ready.

    Raises
    ------
    NotEnoughData
        There is no volume, or they are too small at the working voxel size.
    N2NError
        None of them can be used: why the first one cannot.
    Interrupted
        ``stop`` became true.
    """
    if not volumes:
        raise NotEnoughData("There is nothing to train on. Give tomograms.")
    halves: list[VolumeHalves] = []
    problems: list[N2NError] = []
    watch = Stopwatch()
    sizes = (one.voxel_size_angstrom for one in volumes)
    known = next((size for size in sizes if size is not None), None)
    working = None if known is None else config.working_pixel_size(known)
    for number, volume in enumerate(volumes):

        def told(step: Progress, number: int = number) -> Iterator[Progress]:
            done = round(100 * (number + step.fraction))
            yield watch.progress("preparing volumes", done, 100 * len(volumes))

        try:
            made = yield from passed_on(_halves_steps(volume, working, config.seed, stop), told)
        except N2NError as problem:
            problems.append(told_of(Path(volume.name), problem))
        else:
            halves.append(made)
    if not halves:
        raise problems[0]
    data = yield from prepare_volumes_steps(halves, config, stop)
    lost = tuple(f"Left out: {problem}" for problem in problems)
    return replace(data, notes=(*data.notes, *lost, LIMITS))


def _halves_steps(
    volume: SingleVolume, working: float | None, seed: int, stop: Stop
) -> Steps[VolumeHalves]:
    """Make halves at the voxel size as it is, where short waves tell of the noise alone."""
    source = FilledVolume(volume.voxels)
    shape = source.shape
    working_shape_of(volume.voxels, volume.voxel_size_angstrom, working, volume.name)
    voxels, odd, even = (scratch_array(shape) for _ in range(3))
    watch = Stopwatch()
    slabs, parts = slabs_of(shape), _rows_at_once(shape)
    for number, slab in enumerate(slabs):
        yield watch.progress("reading", number, len(slabs) + len(parts))
        require_going(stop)
        voxels[slab] = source[slab]
    scale = intensities_of(voxels)
    for number, rows in enumerate(parts, len(slabs)):
        yield watch.progress("making halves", number, len(slabs) + len(parts))
        require_going(stop)
        part = torch.from_numpy(np.ascontiguousarray(voxels[:, rows]))
        odd[:, rows], even[:, rows] = noisier_halves(scale.normalise(part).numpy(), seed)
    return VolumeHalves(odd, even, volume.voxel_size_angstrom, volume.name)


def _rows_at_once(shape: tuple[int, int, int]) -> list[slice]:
    depth, height, width = shape
    parts = -(-depth * height * width // _AT_ONCE)
    ends = np.linspace(0, height, parts + 1).round().astype(int).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
