"""What a layer can be chosen as, and what is worked on if it is."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import Movie
from napari_n2n.io.stack_kinds import STACK_KINDS
from napari_n2n.plugin.shared.layers import Kind, memory_of, pixel_size_of
from napari_n2n.plugin.shared.preferences import preferences
from napari_n2n.workflow.photograph_sources import OnePhotograph
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.sources import MovieSource
from napari_n2n.workflow.tomogram_views import TomogramSource

if TYPE_CHECKING:
    from napari.layers import Layer

# What this plugin made is no input, lest a result be trained on.
_RESULTS: tuple[Kind, ...] = ("denoised", "preview", "sum", "removed")


def roles_of(layer: "Layer") -> list[str]:
    """Return what a layer can be chosen as."""
    if not isinstance(layer, Image) or layer.multiscale:
        return []
    kind = memory_of(layer).kind
    if layer.rgb:
        return ["photograph"] if layer.ndim == 2 and kind not in _RESULTS else []
    if kind == "volume":  # which can be said to be a movie
        return ["tomogram", "movie"]
    if kind in STACK_KINDS:  # one that is no movie can be said to be one
        return ["movie"]
    if kind in ("odd", "even"):
        return ["odd", "even"] + (["image"] if layer.ndim == 2 else [])
    if kind in _RESULTS:
        return ["image"] if kind == "sum" else []
    if kind is not None and kind != "micrograph":
        return []
    if layer.ndim == 2:
        return ["odd", "even", "image"]
    return ["movie", "odd", "even", "tomogram"] if layer.ndim == 3 and kind is None else []


def movie_source(layer: "Layer", recording: RecordingOptions) -> MovieSource:
    """Return a movie, to be read as ``recording`` says.

    Raises
    ------
    NotEnoughData
        It would have to be read anew, and has no file.
    BadValue
        The layer's scale, or the dose, cannot be right.
    """
    memory = memory_of(layer)
    movie = memory.movie
    pixel_size = pixel_size_of(layer)
    said = None
    if movie is None:
        dose = memory.dose_per_frame or preferences().dose_per_frame
        movie = Movie.from_array(layer.data, pixel_size, dose, path=layer.name)
    elif pixel_size is not None and pixel_size != movie.pixel_size_angstrom:
        # The user knows better than the header.
        said = pixel_size
        movie = movie.replaced(pixel_size_angstrom=pixel_size)
    if recording.dose_per_frame is not None:
        movie = movie.replaced(dose_per_frame=recording.dose_per_frame)
    if recording.changes_frames and not movie.path.is_file():
        raise NotEnoughData(
            f"{layer.name} has no file that a gain reference or EER rendering could be applied to. "
            "Open the movie's file, or clear them under How it was recorded."
        )
    recording = recording.replaced(pixel_size_angstrom=said)
    return MovieSource(movie, layer.name, layer.data, pixel_size, recording)


def tomogram_source(layer: "Layer") -> TomogramSource:
    """Return a tomogram: its halves, where the layer knows them, or the volume itself."""
    memory = memory_of(layer)
    volumes = (layer.data,) if memory.halves is None else memory.halves
    files = memory.files or (() if memory.path is None else (memory.path,))
    return TomogramSource(volumes, layer.name, pixel_size_of(layer), layer.data, files)


def is_noisy(photograph: "Layer") -> bool:
    """Whether noise was added to it here."""
    return memory_of(photograph).clean is not None


def photograph_source(layer: "Layer", layers: Iterable["Layer"]) -> OnePhotograph:
    """Return a photograph, with those of ``layers`` that can be learnt from."""
    memory = memory_of(layer)
    return OnePhotograph(
        layer.data,
        layer.name,
        memory.clean,
        memory.made_from or "",
        _clean_photographs(layers),
        pixel_size_of(layer),
    )


def _clean_photographs(layers: Iterable["Layer"]) -> tuple[Any, ...]:
    """Return the photographs that are open without noise, or were before it was added."""
    found = (
        layer.data if (clean := memory_of(layer).clean) is None else clean
        for layer in layers
        if "photograph" in roles_of(layer)
    )
    return tuple({id(pixels): pixels for pixels in found}.values())


def dose_of(layer: "Layer") -> float | None:
    """Dose of an image in e/Å²; None if it is unknown."""
    return memory_of(layer).dose
