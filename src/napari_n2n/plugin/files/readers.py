"""Opening files and folders in napari. Nothing here imports torch."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io import (
    ImageFile,
    Micrograph,
    Movie,
    StillStack,
    Volume,
    expand_inputs,
    find_halves,
    is_supported,
    open_image,
    shown_tomogram,
    shown_tomograms,
)
from napari_n2n.io.volumes.halves import holds_volumes
from napari_n2n.io.volumes.lists import lists_halves
from napari_n2n.io.zarr_folders import is_zarr
from napari_n2n.plugin.shared.layers import (
    Kind,
    LayerData,
    LayerMemory,
    image_layer,
    memory_in,
    memory_of,
    micrograph_layer,
    movie_layer,
    stack_layer,
    tomogram_layer,
)
from napari_n2n.plugin.shared.preferences import preferences
from napari_n2n.workflow.said_kinds import said_kind_of

Reader = Callable[..., list[Any]]
Opened = dict[Path, ImageFile]

# Endings that are ours alone: whatever such a file holds, it is for us to say what is wrong.
_OURS = (".mrc", ".mrcs", ".eer", ".st", ".ali", ".map", ".rec")
_LIST = ".star"
_MOST_MOVIES, _MOST_TOMOGRAMS = 8, 8
_ASKED = (
    "whether its images are frames of one exposure the file does not tell. To align or denoise "
    "them, say what they are in the Denoise widget, at Images are."
)


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the function that opens ``path``, or None if it is not for us (napari's contract).

    What has to be opened to know that is not opened again by that function.
    """
    paths = [Path(path)] if isinstance(path, str) else [Path(one) for one in path]
    opened: Opened = {}

    def ours(one: Path) -> bool:
        stem = one.name.lower().removesuffix(".gz").removesuffix(".bz2")
        if stem.endswith(_LIST):
            return lists_halves(one)  # others are of coordinates
        if one.is_dir() or stem.endswith(_OURS):
            return True
        try:
            opened[one] = _opened(one)
        except N2NError:
            return is_supported(one)  # it may be damaged, which is told when it is read
        return True

    return partial(read, opened=opened) if paths and all(ours(one) for one in paths) else None


def read(
    path: str | Sequence[str], stack: bool = False, *, opened: Opened | None = None
) -> list[Any]:
    """Open files and folders as layers; those that are ``opened`` already are used up.

    A bad file among several is told in a notification and the others open. If nothing opens,
    napari's user gets the notification alone; a script gets the error.

    Raises
    ------
    N2NError
        Nothing could be opened, and there is no window to say so in.
    """
    paths = [path] if isinstance(path, str) else list(path)
    opened = {} if opened is None else opened
    layers: list[LayerData] = []
    problems: list[N2NError] = []
    for one in map(Path, paths):
        try:
            if holds_volumes(one):
                found, bad = read_tomograms(one)
            elif one.is_dir() and not is_zarr(one):
                found, bad = read_folder(one)
            else:
                image = opened.pop(one, None)
                found, bad = [read_file(one) if image is None else layer_of(image)], []
            layers += [layer for layer in found if not _is_there(layer, layers)]
            problems += bad
        except N2NError as problem:
            problems.append(problem)
    if problems and not layers and not _has_window():
        raise problems[0]
    _tell(problems, layers)
    return list(layers) or [(None,)]  # napari's sign for: read, nothing to show


def _is_there(layer: LayerData, others: list[LayerData]) -> bool:
    """Whether it is a tomogram whose other half was opened before: both are one layer."""
    from napari import current_viewer

    memory = memory_in(layer[1]["metadata"])
    if memory.halves is None:
        return False
    viewer = current_viewer()
    known = [memory_in(other[1]["metadata"]) for other in others]
    known += [] if viewer is None else [memory_of(other) for other in viewer.layers]
    return any(one.kind == "volume" and one.files == memory.files for one in known)


def read_file(path: Path) -> LayerData:
    """Open one file as one layer, a movie lazily.

    Raises
    ------
    N2NError
        The file cannot be used.
    """
    return layer_of(_opened(path))


def _opened(path: Path) -> ImageFile:
    """Open a file; what was said of its images once holds."""
    return open_image(path, kind=said_kind_of(path))


def layer_of(image: ImageFile) -> LayerData:
    """Describe the layer of a file that is open; of a movie or volume one image is read.

    Raises
    ------
    N2NError
        That image cannot be read.
    """
    if isinstance(image, Volume):
        return tomogram_layer(shown_tomogram(image), image.why)
    if isinstance(image, StillStack):
        return stack_layer(image)
    if isinstance(image, Movie):
        if image.dose_per_frame is None:
            image = image.replaced(dose_per_frame=preferences().dose_per_frame)
        return movie_layer(image)
    return micrograph_layer(image, image.path.stem)


def read_tomograms(given: Path) -> tuple[list[LayerData], list[N2NError]]:
    """Open the tomograms of which a folder or a list has both halves, each as one layer.

    Returns the layers, and what is wrong with those that cannot be opened.

    Raises
    ------
    UnreadableFile
        None of them can be used.
    """
    tomograms, problems, count = shown_tomograms(given, _MOST_TOMOGRAMS)
    layers: list[LayerData] = []
    for tomogram in tomograms:
        try:
            layers.append(tomogram_layer(tomogram))
        except N2NError as problem:
            problems.append(problem)
    if count > _MOST_TOMOGRAMS:
        problems.append(
            N2NError(
                f"{given} holds {count} tomograms; the first {_MOST_TOMOGRAMS} are shown. "
                f"All of them are trained on by: napari-n2n train {given} -o model.safetensors"
            )
        )
    return layers, problems


def read_folder(folder: Path) -> tuple[list[LayerData], list[N2NError]]:
    """Open what lies in a folder: movies each, micrographs of one shape as one lazy stack.

    Odd and even halves become two stacks in the same order. Returns the layers, and what is
    wrong with the files that cannot be opened.

    Raises
    ------
    UnreadableFile
        The folder holds no images.
    """
    halves = find_halves(folder)
    odd, even = [pair.odd for pair in halves], [pair.even for pair in halves]
    paired = {*odd, *even}
    try:
        rest = [path for path in expand_inputs(folder) if path not in paired]
    except UnreadableFile:
        if not halves:
            raise
        rest = []
    layers: list[LayerData] = []
    problems: list[N2NError] = []
    singles: dict[tuple[Kind, tuple[int, ...], float | None], list[Micrograph]] = {}
    movies = 0
    groups: dict[Kind, list[Path]] = {"micrograph": rest, "odd": odd, "even": even}
    for kind, paths in groups.items():
        for path in paths:
            try:
                image = _opened(path)
                if isinstance(image, Movie | StillStack):
                    movies += 1
                    if movies <= _MOST_MOVIES:
                        layers.append(layer_of(image))
                elif isinstance(image, Micrograph) and image.source.kind == "micrograph":
                    alike = kind, image.shape, image.pixel_size_angstrom
                    singles.setdefault(alike, []).append(image)
            except N2NError as problem:
                problems.append(problem)
    if movies > _MOST_MOVIES:
        problems.append(
            N2NError(
                f"{folder} holds {movies} movies; the first {_MOST_MOVIES} are shown. "
                "The Denoise widget trains on all of them: choose the folder there."
            )
        )
    if not movies and not singles and not problems:
        raise UnreadableFile(
            folder, "holds photographs only", "Open them one by one, or train on the command line."
        )
    for (kind, shape, _), images in singles.items():
        try:
            layers.append(_stack(folder, kind, shape, images))
        except N2NError as problem:
            problems.append(problem)
    return layers, problems


def _stack(folder: Path, kind: Kind, shape: tuple[int, ...], images: list[Micrograph]) -> LayerData:
    """Describe one lazy layer (micrograph, y, x) of images of one shape and pixel size."""
    import dask.array as da

    if len(images) == 1:
        (image,) = images
        return micrograph_layer(image, image.path.stem, kind)

    def load(block_info: Any = None) -> NDArray[np.float32]:
        number: int = block_info[None]["array-location"][0][0]
        return images[number].read()[np.newaxis]

    stack = da.map_blocks(
        load,
        chunks=((1,) * len(images), *((side,) for side in shape)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    files = tuple(image.path for image in images)
    memory = LayerMemory(kind, images[0].pixel_size_angstrom, folder=folder, files=files)
    what = "micrographs" if kind == "micrograph" else kind
    return image_layer(stack, f"{folder.name} {what}", memory, leading_axis="micrograph")


def _has_window() -> bool:
    from napari import current_viewer

    return current_viewer() is not None


def _tell(problems: Sequence[N2NError], layers: Sequence[LayerData]) -> None:
    from napari.utils.notifications import show_error, show_info, show_warning

    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        (show_warning if layers else show_error)(f"{problems[0]}{more}")
    for _, description, _ in layers:
        memory = memory_in(description["metadata"])
        for note in memory.notes:
            show_info(f"{description['name']}: {note}")
        if memory.images_are is not None and not memory.images_are.is_known:
            show_info(f"{description['name']}: {_ASKED}")
        if memory.pixel_size_angstrom is None and memory.kind != "photograph":
            show_info(f"{description['name']}: the pixel size is unknown, so lengths are in px.")
