"""From tilt images and their alignment to volumes, several of one geometry at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.tilt_series import TiltAlignment, TiltView
from napari_n2n.progress import Steps, Stop, Stopwatch, never, require_going
from napari_n2n.reconstruction.back_projection import back_projected_slabs, weighted
from napari_n2n.reconstruction.working_images import Grid, working_image

Volume = NDArray[np.float32]
Write = Callable[[int, Volume], object]
"""Takes the first section of a slab, from 0, and the slab, (volume, sections, y, x)."""

_READING, _MAKING = 60, 40  # percent of the time, roughly


class Images(Protocol):
    """Tilt images that are read one at a time."""

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x)."""
        ...

    def read(self, number: int) -> Volume:
        """Give an image, (y, x), from 0."""
        ...


def grid_of(
    alignment: TiltAlignment,
    image_shape: tuple[int, int],
    pixel_size_angstrom: float,
    voxel_size_angstrom: float,
    thickness_angstrom: float,
) -> Grid:
    """Return the grid of a volume of the whole field, with voxels never finer than the pixels.

    ``thickness_angstrom`` is its depth.
    """
    voxel = max(1.0, voxel_size_angstrom / pixel_size_angstrom)
    height, width = image_shape
    if alignment.views[0].is_on_its_side:
        height, width = width, height
    _, y, x = alignment.size_px
    sides = (thickness_angstrom / pixel_size_angstrom, y or height, x or width)
    shape = tuple(max(1, round(side / voxel)) for side in sides)
    shift_z, shift_x = alignment.volume_shift_px
    off = (shift_z, 0.0, shift_x)
    if alignment.is_centred_on_pixel:
        # A voxel lies at a multiple of its size from the corner, where the first pixel is.
        middle = [(int(side) // 2) / voxel for side in sides]
        image_middle = (float(image_shape[0] // 2), float(image_shape[1] // 2))
    else:
        middle = [(side - 1) / 2 for side in shape]
        image_middle = ((image_shape[0] - 1) / 2, (image_shape[1] - 1) / 2)
    z, y_middle, x_middle = (at + by / voxel for at, by in zip(middle, off, strict=True))
    return Grid((shape[0], shape[1], shape[2]), voxel, (z, y_middle, x_middle), image_middle)


def reconstruct_steps(
    sets: Sequence[tuple[Images, Sequence[TiltView]]],
    alignment: TiltAlignment,
    grid: Grid,
    pixel_size_angstrom: float,
    write: Write,
    *,
    stop: Stop = never,
) -> Steps[None]:
    """Reconstruct a volume of each of some sets of images; `write` takes them slab by slab.

    Parameters
    ----------
    sets
        Images, and the views of them that are used. Sets that have the same views, as the halves
        of odd and of even frames, share most of the work.
    alignment, grid, pixel_size_angstrom
        How the images lie, and what is to be made of them.

    Raises
    ------
    UnreadableFile, BadPixels
        An image is torn, NaN or infinite.
    Interrupted
        ``stop`` became true.
    """
    watch = Stopwatch()
    total = sum(len(views) for _, views in sets)
    working = []
    read = 0
    for images, views in sets:
        made = np.empty((len(views), *grid.shape[1:]), np.float32)
        for place, view in enumerate(views):
            yield watch.progress("aligning tilt images", _READING * read // total, 100)
            require_going(stop)
            made[place] = working_image(
                images.read(view.number),
                view,
                grid,
                pixel_size_angstrom=pixel_size_angstrom,
                optics=alignment.optics,
            )
            read += 1
        working.append(made)
    equalise(working, [views for _, views in sets])
    depth = grid.shape[0]
    for top, slab in _slabs(working, [views for _, views in sets], alignment, grid):
        require_going(stop)
        write(top, slab)
        done = _READING + _MAKING * (top + slab.shape[1]) // depth
        yield watch.progress("back-projecting", done, 100)


def equalise(working: Sequence[Volume], views: Sequence[Sequence[TiltView]]) -> None:
    """Divide images by how much they vary, in place: as much counts for one tilt as for another.

    Images of one view in several sets are divided by the same, so that halves keep their scale.
    """
    varying: dict[int, list[float]] = {}
    for images, of in zip(working, views, strict=True):
        for image, view in zip(images, of, strict=True):
            varying.setdefault(view.number, []).append(float(image.var()))
    for images, of in zip(working, views, strict=True):
        for image, view in zip(images, of, strict=True):
            image /= np.float32(np.sqrt(np.mean(varying[view.number])) or 1.0)


def _slabs(
    working: Sequence[Volume],
    views: Sequence[Sequence[TiltView]],
    alignment: TiltAlignment,
    grid: Grid,
) -> Iterator[tuple[int, Volume]]:
    """Yield where slabs begin, and them, (volume, sections, y, x)."""
    depth, height, _ = grid.shape
    same = all(list(of) == list(views[0]) for of in views)
    is_tilted = any(view.x_tilt_degree for of in views for view in of)
    filtered = [weighted(images) for images in working]
    middle_z, middle_y, middle_x = grid.middle
    if same and not is_tilted:
        # Rows know nothing of each other: one volume below the other is one volume.
        beneath = np.concatenate(filtered, axis=1)
        angles = [view.angle_degree for view in views[0]]
        top = 0
        for slab in back_projected_slabs(beneath, angles, depth, (middle_z, middle_x)):
            yield top, slab.reshape(len(slab), len(working), height, -1).swapaxes(0, 1)
            top += len(slab)
        return
    generators = [
        back_projected_slabs(
            images,
            [view.angle_degree for view in of],
            depth,
            (middle_z, middle_x),
            [view.x_tilt_degree for view in of] if is_tilted else None,
            middle_y,
        )
        for images, of in zip(filtered, views, strict=True)
    ]
    yield from _side_by_side(generators)


def _side_by_side(generators: Sequence[Iterator[Volume]]) -> Iterator[tuple[int, Volume]]:
    """Yield slabs of several volumes together, though each comes in slabs of its own thickness."""
    waiting = [np.empty((0, 1, 1), np.float32) for _ in generators]
    top = 0
    while True:
        for place, generator in enumerate(generators):
            if not len(waiting[place]):
                waiting[place] = next(generator, waiting[place])
        common = min(len(slab) for slab in waiting)
        if not common:
            return
        yield top, np.stack([slab[:common] for slab in waiting])
        waiting = [slab[common:] for slab in waiting]
        top += common
