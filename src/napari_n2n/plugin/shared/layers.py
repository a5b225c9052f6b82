"""Layers as this plugin makes and reads them: calibrated, with a quiet contrast, with a memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.finding import stem_of
from napari_n2n.io.photographs import WHITE
from napari_n2n.io.pictures import contrast_limits
from napari_n2n.io.stack_kinds import StackJudgement

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_n2n.io import (
        Micrograph,
        MicrographParticles,
        Movie,
        Photograph,
        ShownTomogram,
        StillStack,
    )
    from napari_n2n.io.stack_kinds import StackKind
    from napari_n2n.workflow.fields_of_view import ContrastChoice
    from napari_n2n.workflow.photograph_training import NoisyCopy

LayerData = tuple[Any, dict[str, Any], Literal["image", "points"]]

KEY = "napari_n2n"
"""Where a layer's `LayerMemory` is, in ``layer.metadata``."""

AXIS: "dict[StackKind, str]" = {
    "movie": "frame",
    "volume": "z",
    "tilt series": "tilt",
    "images": "image",
}
"""What the first axis of a stack's layer is called."""
Kind = Literal[
    # As it was recorded.
    "movie",
    "micrograph",
    "odd",
    "even",
    "volume",
    "tilt series",
    "images",
    "photograph",
    # Made of it.
    "sum",
    "denoised",
    "preview",
    "screening",
    "removed",
    # Drawn over it.
    "particles",
    "avoid",
    "truth",
]
"""What a layer is."""

MADE: tuple[Kind, ...] = ("sum", "denoised", "preview", "screening", "removed")
"""The images among them that this plugin made, and nobody opened."""


@dataclass(frozen=True, eq=False, repr=False)
class LayerMemory:
    """What a layer of this plugin remembers; of any other nothing is known, not even its kind.

    It is told when the layer is made: of the pixel size, what the user sees counts, which is
    `pixel_size_of`. The names of the fields are what users read in napari's console.

    Attributes
    ----------
    path
        The file it is, or was made from.
    dose, dose_per_frame
        In e/Å²: of the whole image, of each frame of a movie.
    movie
        What the lazy layer of a movie reads from.
    folder, files
        What the images of a stack are read from.
    halves
        Odd and even, (z, y, x) each, of which a tomogram is shown as one.
    made_from, raw_layer
        Names of layers: what it was made from or lies over; of a denoised one, the raw one.
    made_from_id, raw_id
        The same, whatever they are called by now.
    model, time, seconds
        What denoised it, when (UTC), and how long that took.
    working_voxel_size_angstrom, labels
        Of a denoised tomogram: what the model works at, and what an MRC file of it says.
    frc_resolution_angstrom
        Where the Fourier ring correlation of the halves falls below 1/7, ``"before"`` and
        ``"after"``; None where it never does. Of tomograms the shell correlation.
    frc
        The correlation itself.
    psnr_db
        PSNR of the ``"noisy"`` and the ``"denoised"`` photograph.
    clean
        The image without noise, where it is known.
    noise_of_255, noise_seed
        Noise that was added: its standard deviation in grey levels, and what it was drawn from.
    micrograph, shape
        Of particles: what the file calls their micrograph, and its pixels (y, x).
    rows_reversed
        Of particles: their rows count from the last one stored, as RELION's in a TIFF.
    first_frame_shift_px
        (y, x) from a sum, or particles on it, to the movie's first frame.
    removed
        Figures of what denoising removed, by name, and a ``"warning"`` where it holds structure.
    read_as
        Of particles: what their file said of them, with the rows of a STAR file.
    images_are
        What the images of a stack are, and who says so; None: nobody was asked yet.
    contrast
        What the particles of a denoised image were taken for; ``"auto"``: nobody has asked.
    """

    kind: Kind | None = None
    pixel_size_angstrom: float | None = None
    path: Path | None = None
    notes: tuple[str, ...] = ()
    dose: float | None = None
    dose_per_frame: float | None = None
    movie: "Movie | None" = field(default=None, repr=False)
    folder: Path | None = None
    files: tuple[Path, ...] = field(default=(), repr=False)
    halves: "tuple[Any, Any] | None" = field(default=None, repr=False)
    made_from: str | None = None
    raw_layer: str | None = None
    made_from_id: "Hashable | None" = field(default=None, repr=False)
    raw_id: "Hashable | None" = field(default=None, repr=False)
    model: str | None = None
    time: str | None = None
    seconds: float | None = None
    working_voxel_size_angstrom: float | None = None
    labels: tuple[str, ...] = ()
    frc_resolution_angstrom: Mapping[str, float | None] = field(default_factory=dict)
    frc: Mapping[str, list[float]] = field(default_factory=dict, repr=False)
    psnr_db: Mapping[str, float] = field(default_factory=dict)
    clean: Any = field(default=None, repr=False)
    noise_of_255: float | None = None
    noise_seed: int | None = None
    micrograph: str | None = None
    shape: tuple[int, int] | None = None
    rows_reversed: bool = False
    first_frame_shift_px: tuple[float, float] | None = None
    removed: Mapping[str, float | bool | str | None] = field(default_factory=dict)
    read_as: "MicrographParticles | None" = field(default=None, repr=False)
    images_are: "StackJudgement | None" = None
    contrast: "ContrastChoice" = "auto"

    def __repr__(self) -> str:
        """Tell what is known, and of arrays and the like only that they are there."""
        told = []
        for one in fields(self):
            value = getattr(self, one.name)
            is_said = value is not None and value is not False
            is_said = is_said and not (isinstance(value, str) and value == "auto")
            if is_said and not (isinstance(value, tuple | dict) and not value):
                told.append(f"{one.name}={value!r}" if one.repr else f"{one.name}=…")
        return f"{type(self).__name__}({', '.join(told)})"


def memory_in(metadata: Mapping[str, Any]) -> LayerMemory:
    """Return what a layer's metadata hold of this plugin's; an empty memory if nothing.

    What somebody else, or an older version, has put there is nothing.
    """
    found = metadata.get(KEY)
    return found if isinstance(found, LayerMemory) else LayerMemory()


def memory_of(layer: "Layer") -> LayerMemory:
    """Return what a layer remembers; an empty memory for layers that are not this plugin's."""
    return memory_in(layer.metadata)


def is_made_here(layer: "Layer") -> bool:
    """Whether this plugin made the layer of another, or of a session; else it was opened."""
    return memory_of(layer).kind in MADE


def calibration(
    pixel_size_angstrom: float | None, leading_axis: str | None = None
) -> dict[str, Any]:
    """Scale, units and axis labels of an image layer (y, x), or (``leading_axis``, y, x).

    Without a pixel size the layer is in pixels. A leading axis ``"z"`` is as long a length as the
    other two; any other counts images.
    """
    size = 1.0 if pixel_size_angstrom is None else float(pixel_size_angstrom)
    unit = "pixel" if pixel_size_angstrom is None else "angstrom"
    plane: dict[str, tuple[Any, ...]] = {
        "scale": (size, size),
        "units": (unit, unit),
        "axis_labels": ("y", "x"),
    }
    if leading_axis is None:
        return plane
    is_length = leading_axis == "z"
    first = (size if is_length else 1.0, unit if is_length else "pixel", leading_axis)
    return {key: (one, *two) for one, (key, two) in zip(first, plane.items(), strict=True)}


def pixel_size_of(layer: "Layer") -> float | None:
    """Pixel size (Å) of a layer as it is shown; None if its units are no lengths.

    The layer's scale and units are asked, not the file: what the user changed counts.
    """
    unit = layer.units[-1]
    try:
        factor = float((1 * unit).to("angstrom").magnitude)
    except Exception:  # pint has many ways to say that a pixel is no length
        return None
    return float(layer.scale[-1]) * factor


def layer_called(viewer: "ViewerModel", name: str) -> "Layer | None":
    """Return the layer of a viewer that has this name."""
    return next((layer for layer in viewer.layers if layer.name == name), None)


def layer_with_id(viewer: "ViewerModel", unique_id: "Hashable | None") -> "Layer | None":
    """Return the layer of a viewer that has this identity, whatever it is called by now."""
    return next((layer for layer in viewer.layers if layer.unique_id == unique_id), None)


def raw_of(denoised: "Layer", layers: "Iterable[Layer]") -> "Layer | None":
    """Return which of ``layers`` is the raw image that a denoised one was made of.

    It may have been renamed since, and another may bear its name by now; or it was deleted, and its
    file is open again.
    """
    memory, others = memory_of(denoised), [one for one in layers if one != denoised]
    if memory.raw_id is None:  # it was not made by a widget: its name is all that is known
        return next((one for one in others if one.name == memory.raw_layer), None)
    for layer in others:
        if layer.unique_id == memory.raw_id:
            return layer
    for layer in others:
        of_file = memory.path is not None and memory_of(layer).path == memory.path
        is_raw = memory_of(layer).kind in ("micrograph", "sum", "photograph", "volume")
        if of_file and is_raw and layer.data.shape == denoised.data.shape:
            return layer
    return None


def image_layer(
    pixels: Any,
    name: str,
    memory: LayerMemory,
    *,
    like: NDArray[Any] | None = None,
    leading_axis: str | None = None,
) -> LayerData:
    """Describe a grey image layer, (y, x) or lazily (``leading_axis``, y, x).

    Parameters
    ----------
    pixels
        The data.
    memory
        Its pixel size is the layer's.
    like
        (y, x) image that decides the contrast; by default the data's first image is read.
    """
    if like is None:
        like = np.asarray(pixels[0] if leading_axis else pixels)
    description = {
        "name": name,
        **calibration(memory.pixel_size_angstrom, leading_axis),
        "contrast_limits": contrast_limits(like),
        "colormap": "gray",
        "metadata": {KEY: memory},
    }
    if leading_axis == "z":
        description["rendering"] = "minip"  # protein is dark
        # Of a thick slice one section, unless more are asked for.
        description["projection_mode"] = "none"
    return pixels, description, "image"


def colour_layer(pixels: Any, name: str, memory: LayerMemory) -> LayerData:
    """Describe the layer of a colour image (y, x, 3) on napari's scale: bytes, or 0 to 1.

    Values beyond that are kept in the layer, and shown as black and white.
    """
    description = {
        "name": name,
        "rgb": True,
        **calibration(memory.pixel_size_angstrom),
        # Or napari would stretch real numbers from their least to their largest.
        "contrast_limits": (0, np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1),
        "metadata": {KEY: memory},
    }
    return pixels, description, "image"


def noisy_layer(copy: "NoisyCopy") -> LayerData:
    """Describe the layer of a photograph with noise, which remembers the clean one."""
    memory = LayerMemory(
        "photograph",
        copy.pixel_size_angstrom,
        made_from=copy.made_from,
        clean=copy.clean,
        noise_of_255=copy.deviation,
        noise_seed=copy.seed,
    )
    return colour_layer(copy.pixels / np.float32(WHITE), copy.name, memory)


def movie_layer(movie: "Movie", name: str | None = None) -> LayerData:
    """Describe the one lazy layer of a movie; a single frame is read, for the contrast.

    Raises
    ------
    N2NError
        The first frame cannot be read.
    """
    known = movie.judgement or StackJudgement("movie", "whoever made it")
    memory = LayerMemory(
        "movie",
        movie.pixel_size_angstrom,
        path=movie.path,
        # Where nothing tells what its images are, it is asked.
        notes=(movie if known.is_known else movie.judged(None)).notes,
        dose_per_frame=movie.dose_per_frame,
        movie=movie,
        images_are=known,
    )
    return image_layer(
        movie.as_dask(),
        name or movie.path.stem,
        memory,
        like=movie.frame(0),
        leading_axis=AXIS["movie"],
    )


def tomogram_layer(tomogram: "ShownTomogram", why: str = "its halves") -> LayerData:
    """Describe the one lazy layer of a tomogram (z, y, x), which knows its halves.

    For the contrast a few sections about its middle are read. ``why`` tells whose word it is that
    it is a volume.

    Raises
    ------
    N2NError
        They cannot be read.
    """
    memory = LayerMemory(
        "volume",
        tomogram.voxel_size_angstrom,
        path=tomogram.paths[0],
        files=tomogram.paths,
        halves=tomogram.halves,
        notes=tomogram.notes,
        images_are=StackJudgement("volume", why),
    )
    return image_layer(
        tomogram.volume.as_dask(),
        tomogram.name,
        memory,
        like=tomogram.volume.typical_pixels(),
        leading_axis=AXIS["volume"],
    )


def stack_layer(stack: "StillStack", name: str | None = None) -> LayerData:
    """Describe the lazy layer of a tilt series or separate images (image, y, x).

    For the contrast its middle image is read.

    Raises
    ------
    N2NError
        They cannot be read.
    """
    memory = LayerMemory(
        stack.kind,
        stack.pixel_size_angstrom,
        path=stack.path,
        notes=stack.notes,
        images_are=StackJudgement(stack.kind, stack.why),
    )
    return image_layer(
        stack.as_dask(),
        name or stem_of(stack.path),
        memory,
        like=stack.typical_pixels(),
        leading_axis=AXIS[stack.kind],
    )


def micrograph_layer(
    micrograph: "Micrograph | Photograph", name: str, kind: Kind = "micrograph"
) -> LayerData:
    """Describe the layer of a micrograph or colour photograph.

    Raises
    ------
    N2NError
        Its pixels cannot be read.
    """
    memory = LayerMemory(
        "photograph" if micrograph.is_rgb else kind,
        micrograph.pixel_size_angstrom,
        path=micrograph.path,
        notes=micrograph.notes,
    )
    if not micrograph.is_rgb:
        return image_layer(micrograph.pixels, name, memory)
    peak = 255.0 if micrograph.pixels.max() <= 255 else float(micrograph.pixels.max())
    return colour_layer(np.clip(micrograph.pixels / peak, 0, 1), name, memory)
