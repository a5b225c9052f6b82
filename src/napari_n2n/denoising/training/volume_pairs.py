"""Halves of tomograms to train on, on the disk as the network sees them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.scratch import Bricks
from napari_n2n.denoising.training.independence import Independence
from napari_n2n.denoising.training.pairs import LeavesOut
from napari_n2n.denoising.training.specimen import BLOCK, GOLD, Blocks, specimen_blocks
from napari_n2n.denoising.working_volumes import (
    FilledVolume,
    Sections,
    coarser_steps,
    intensities_of,
    working_volume_shape,
)
from napari_n2n.errors import N2NError, NotEnoughData, told_of
from napari_n2n.progress import (
    Progress,
    Steps,
    Stop,
    Stopwatch,
    never,
    passed_on,
    require_going,
)

Box = tuple[slice, slice, slice]

SMALLEST_VOLUME = 16
"""Voxels along y and x, at the working voxel size; along z half of that."""
# One crop in so many is drawn anywhere, so that the network knows empty ice as well.
_ANYWHERE = 10
# What is held out of a volume reaches at most so far, (z, y, x), and of so many volumes.
_HELD_OUT_AT_MOST = (72, 72, 72)
_HELD_OUT_OF = 4
# Voxels about what is held out that a network sees when it is judged, so that edges do not count.
_SURROUNDINGS = 8
_TRIES = 50


@dataclass(frozen=True, eq=False)
class VolumeHalves:
    """Two volumes (z, y, x) of one specimen with independent noise, sliced when they are needed.

    ``voxel_size_angstrom`` is None where it is unknown.

    Raises
    ------
    NotEnoughData
        The two differ in shape.
    """

    odd: Sections
    even: Sections
    voxel_size_angstrom: float | None = None
    name: str = "tomogram"

    def __post_init__(self) -> None:
        if tuple(self.odd.shape) != tuple(self.even.shape):
            raise NotEnoughData(
                f"{self.name}: the halves differ in shape, {tuple(self.odd.shape)} and "
                f"{tuple(self.even.shape)}. Pair halves of one tomogram."
            )


@dataclass(frozen=True, eq=False)
class WorkingHalves:
    """Halves at the working voxel size, normalised, and where crops are drawn from.

    ``blocks`` is (n, 3), the first voxels of blocks of specimen; ``held_out`` is not trained on.
    """

    odd: Bricks
    even: Bricks
    blocks: NDArray[np.intp]
    held_out: Box | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x) in working voxels."""
        return self.odd.shape

    @property
    def free_rows(self) -> slice:
        """Those along y that hold nothing that is held out."""
        height = self.shape[1]
        if self.held_out is None:
            return slice(0, height)
        held = self.held_out[1]
        return slice(held.stop, height) if held.start == 0 else slice(0, held.start)

    @property
    def room(self) -> tuple[int, int, int]:
        """How large a crop can be, (z, y, x)."""
        rows = self.free_rows
        return self.shape[0], rows.stop - rows.start, self.shape[2]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A part of both halves, (z, y, x), to judge networks on, and what ``inner`` of it counts."""

    odd: Tensor
    even: Tensor
    inner: Box


@dataclass(frozen=True, eq=False)
class VolumeData:
    """What a training on volumes draws from and is judged on."""

    training: list[WorkingHalves]
    validation: list[HeldOut]
    working_voxel_size_angstrom: float | None
    names: tuple[str, ...]
    notes: tuple[str, ...]
    crop: tuple[int, int, int]


def prepare_volumes_steps(
    volumes: Collection[VolumeHalves], config: TrainingConfig, stop: Stop = never
) -> Steps[VolumeData]:
    """Bring ``volumes`` to the working voxel size, one by one, and hold a part of them back.

    A volume that cannot be used is left out, and named in the notes, as long as there are others.

    Raises
    ------
    NotEnoughData
        There is no volume, they are too small at the working voxel size, or two halves hold the
        same noise.
    N2NError
        None of them can be used: why the first one cannot.
    WriteProblem
        The disk has no room for what is made of them.
    Interrupted
        ``stop`` became true.
    """
    if not volumes:
        raise NotEnoughData("There is nothing to train on. Give halves of tomograms.")
    ready = _Ready(config)
    watch = Stopwatch()
    for number, halves in enumerate(volumes):

        def told(step: Progress, number: int = number) -> Iterator[Progress]:
            done = round(100 * (number + step.fraction))
            yield watch.progress("preparing volumes", done, 100 * len(volumes))

        require_going(stop)
        try:
            yield from passed_on(ready.add_steps(halves, stop), told)
        except NotEnoughData:
            raise
        except N2NError as problem:
            ready.problems.append(told_of(Path(halves.name), problem))
    if isinstance(volumes, LeavesOut):
        ready.problems += volumes.problems
    return ready.data()


class _Ready:
    """What is ready so far."""

    def __init__(self, config: TrainingConfig) -> None:
        self.problems: list[N2NError] = []
        self._config = config
        self._working: float | None = None
        self._halves: list[WorkingHalves] = []
        self._names: list[str] = []
        self._notes: set[str] = set()
        self._independence = Independence()

    def add_steps(self, halves: VolumeHalves, stop: Stop) -> Steps[None]:
        size, config = halves.voxel_size_angstrom, self._config
        if size is None and config.working_pixel_size_angstrom is not None:
            self._notes.add("The voxel size is unknown: volumes are used at full resolution.")
        elif size is not None and self._working is None:
            self._working = config.working_pixel_size(size)
        z = halves.odd.shape[0]
        shape = working_shape_of(halves.odd, size, self._working, halves.name)
        middle = slice(z // 2, z // 2 + 1)
        a, b = (np.asarray(half[middle][0], np.float32) for half in (halves.odd, halves.even))
        self._independence.look_at(a, b, halves.name)
        odd = yield from bricks_steps(halves.odd, shape, stop)
        even = yield from bricks_steps(halves.even, shape, stop)
        blocks = specimen_blocks(odd, even, stop)
        self._halves.append(_with_places(odd, even, blocks, config))
        self._names.append(halves.name)

    def data(self) -> VolumeData:
        if not self._halves:
            raise self.problems[0]
        rooms = [halves.room for halves in self._halves]
        sides = [min(self._config.crop, *lengths) for lengths in zip(*rooms, strict=True)]
        held = [h for h in self._halves if h.held_out is not None]
        step = max(1, -(-len(held) // _HELD_OUT_OF))
        return VolumeData(
            training=self._halves,
            validation=[_held_out(halves) for halves in held[::step]],
            working_voxel_size_angstrom=self._working,
            names=tuple(self._names),
            notes=(*self._said, *sorted(self._notes), *self._independence.notes),
            crop=(sides[0], sides[1], sides[2]),
        )

    @property
    def _said(self) -> Iterator[str]:
        if self._working is not None:
            yield f"Working voxel size: {self._working:.4g} Å."
        yield from (f"Left out: {problem}" for problem in self.problems)


def working_shape_of(
    volume: Sections, voxel_size_angstrom: float | None, working: float | None, name: str
) -> tuple[int, int, int]:
    """Return the shape (z, y, x) of a volume at the working voxel size (Å).

    Raises
    ------
    NotEnoughData
        Too little is left of it.
    """
    z, y, x = volume.shape
    shape = working_volume_shape((z, y, x), voxel_size_angstrom, working)
    if min(shape[1:]) < SMALLEST_VOLUME or shape[0] < SMALLEST_VOLUME // 2:
        raise NotEnoughData(
            f"{name}: only {shape[0]} × {shape[1]} × {shape[2]} voxels are left at the "
            "working voxel size. Choose a smaller one."
        )
    return shape


def bricks_steps(volume: Sections, shape: tuple[int, int, int], stop: Stop) -> Steps[Bricks]:
    """Bring one half to the working voxel size, and normalise it."""
    voxels = yield from coarser_steps(FilledVolume(volume), shape, stop)
    scale = intensities_of(voxels)
    bricks = Bricks(shape)
    for slab in bricks.slabs:
        require_going(stop)
        normalised = scale.normalise(torch.from_numpy(np.ascontiguousarray(voxels[slab])))
        # A bead of gold would otherwise be most of what a loss tells.
        bricks.write(slab, normalised.clamp(-2 * GOLD, 2 * GOLD).numpy())
    return bricks


def _with_places(
    odd: Bricks, even: Bricks, blocks: Blocks, config: TrainingConfig
) -> WorkingHalves:
    held_out = _box_to_hold_out(odd.shape, blocks, config.validation_fraction)
    return WorkingHalves(odd, even, BLOCK * np.argwhere(blocks), held_out)


def _box_to_hold_out(shape: tuple[int, int, int], blocks: Blocks, fraction: float) -> Box | None:
    """Choose a part of a volume that holds about as much specimen as the rest."""
    if fraction == 0:
        return None
    share = fraction**0.5
    sides = [
        min(most, round(length * (share if axis else 1)))
        for axis, (length, most) in enumerate(zip(shape, _HELD_OUT_AT_MOST, strict=True))
    ]
    if min(sides[1:]) < SMALLEST_VOLUME // 2 or any(
        length - side < SMALLEST_VOLUME for length, side in zip(shape[1:], sides[1:], strict=True)
    ):
        return None
    middle = np.argwhere(blocks)[:, 0].mean() * BLOCK + BLOCK / 2
    z = int(np.clip(round(middle - sides[0] / 2), 0, shape[0] - sides[0]))
    # At an edge along y, so that a crop fits beside it wherever it lies along x.
    corners = [
        (y, x)
        for y in (0, shape[1] - sides[1])
        for x in np.linspace(0, shape[2] - sides[2], 4).round().astype(int).tolist()
    ]

    def filled(corner: tuple[int, int]) -> float:
        y, x = (
            slice(at // BLOCK, -(-(at + side) // BLOCK))
            for at, side in zip(corner, sides[1:], strict=True)
        )
        return float(blocks[:, y, x].mean())

    usual = float(blocks.mean())
    y, x = min(corners, key=lambda corner: abs(filled(corner) - usual))
    return slice(z, z + sides[0]), slice(y, y + sides[1]), slice(x, x + sides[2])


def _held_out(halves: WorkingHalves) -> HeldOut:
    assert halves.held_out is not None
    outer: list[slice] = []
    inner: list[slice] = []
    for part, side in zip(halves.held_out, halves.shape, strict=True):
        first = max(0, part.start - _SURROUNDINGS)
        outer.append(slice(first, min(side, part.stop + _SURROUNDINGS)))
        inner.append(slice(part.start - first, part.stop - first))
    odd, even = (torch.from_numpy(half.read(tuple(outer))) for half in (halves.odd, halves.even))
    return HeldOut(odd, even, (inner[0], inner[1], inner[2]))


class VolumeCrops:
    """Random crops of halves of volumes; the same ``step`` always draws the same ones.

    They are mirrored along z, y and x, which leaves the missing wedge about y where it is; a
    quarter turn would not.
    """

    def __init__(self, data: VolumeData, config: TrainingConfig, device: torch.device) -> None:
        self._data = data
        self._config = config
        self._device = device

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of one step, each (batch, 1, z, y, x)."""
        rng = np.random.default_rng((self._config.seed, 1, step))
        volumes, batch = self._data.training, self._config.batch
        pairs = []
        for k in range(step * batch, (step + 1) * batch):
            epoch, position = divmod(k, len(volumes))
            order = np.random.default_rng((self._config.seed, 2, epoch)).permutation(len(volumes))
            pairs.append(self._crop(volumes[int(order[position])], rng))
        inputs, targets = (
            torch.from_numpy(np.stack(each))[:, None] for each in zip(*pairs, strict=True)
        )
        return inputs.to(self._device), targets.to(self._device)

    def _crop(
        self, halves: WorkingHalves, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        box = self._box(halves, rng)
        source, target = halves.odd.read(box), halves.even.read(box)
        swap, *mirrored = rng.integers(2, size=4).tolist()
        if swap:
            source, target = target, source
        axes = tuple(axis for axis in range(3) if mirrored[axis] and self._config.augment)
        return np.flip(source, axes), np.flip(target, axes)

    def _box(self, halves: WorkingHalves, rng: np.random.Generator) -> Box:
        """Choose where, about a block of specimen; never where networks are judged."""
        sides = np.array(self._data.crop)
        farthest = np.array(halves.shape) - sides
        for _ in range(_TRIES):
            if rng.integers(_ANYWHERE) == 0:
                break
            block = halves.blocks[rng.integers(len(halves.blocks))]
            centre = block + rng.integers(BLOCK, size=3)
            box = _box_at(np.clip(centre - sides // 2, 0, farthest), sides)
            if halves.held_out is None or not _meet(box, halves.held_out):
                return box
        rows = halves.free_rows
        origin = rng.integers(farthest + 1)
        origin[1] = rng.integers(rows.start, rows.stop - sides[1] + 1)
        return _box_at(origin, sides)


def _box_at(origin: NDArray[np.intp], sides: NDArray[np.intp]) -> Box:
    z, y, x = (slice(a, a + n) for a, n in zip(origin.tolist(), sides.tolist(), strict=True))
    return z, y, x


def _meet(first: Box, second: Box) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(first, second, strict=True))
