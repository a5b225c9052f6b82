"""What the images of a stack that is chosen are: as its content tells, or as the user says."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.io import open_movie
from napari_n2n.io.sources import ArraySource
from napari_n2n.io.stack_kinds import STACK_WORDS, StackJudgement, StackKind, judged
from napari_n2n.plugin.shared.layers import (
    AXIS,
    KEY,
    LayerMemory,
    calibration,
    memory_of,
    pixel_size_of,
)
from napari_n2n.plugin.shared.preferences import preferences
from napari_n2n.workflow.said_kinds import remember_kind, said_kind_of

if TYPE_CHECKING:
    from napari.layers import Layer

_SAID = "what was said of it"
_ASK = (
    "Nothing tells what the images of {} are. Say it above, at Images are: frames of one exposure "
    "can be aligned and denoised, sections of a volume denoised."
)
_OTHERS = (
    "The images of {} are {}, by {}. They can be looked at, but not {}. If they are {}, say so "
    "above, at Images are."
)
_USES: dict[StackKind, str] = {"movie": "aligned", "volume": "denoised"}


def judgement_of(layer: "Layer") -> StackJudgement:
    """Return what the images of a stack (image, y, x) are; it is found out once a layer."""
    memory = memory_of(layer)
    if memory.images_are is None:
        memory = replace(memory, images_are=_found_out(layer))
        layer.metadata[KEY] = memory
    assert memory.images_are is not None
    return memory.images_are


def objection_to(layer: "Layer", wanted: StackKind = "movie") -> str | None:
    """Return why a stack cannot be worked on as what is wanted, and what to do; None if it can.

    That is a ``"movie"`` or a ``"volume"``.
    """
    judgement = judgement_of(layer)
    if not judgement.is_known:
        return _ASK.format(layer.name)
    if judgement.kind == wanted:
        return None
    words, why = STACK_WORDS[judgement.kind], judgement.why
    return _OTHERS.format(layer.name, words, why, _USES[wanted], STACK_WORDS[wanted])


def say_kind(layer: "Layer", kind: StackKind) -> None:
    """Let the images of a stack be what the user says; that of a file is remembered.

    Raises
    ------
    N2NError
        Its file can no longer be opened.
    """
    memory, judgement = memory_of(layer), StackJudgement(kind, _SAID)
    if memory.kind is not None:  # this plugin opened it
        memory = _as_opened(memory, kind, judgement)
    layer.metadata[KEY] = replace(memory, images_are=judgement)
    if memory.kind is not None:
        for name, value in calibration(pixel_size_of(layer), AXIS[kind]).items():
            setattr(layer, name, value)
    if (path := _file_of(layer)) is not None:
        remember_kind(path, kind)


def _as_opened(memory: LayerMemory, kind: StackKind, judgement: StackJudgement) -> LayerMemory:
    """Return what a layer remembers whose file is opened as something else."""
    movie, dose = memory.movie, memory.dose_per_frame
    if kind == "movie":
        if movie is None and memory.path is not None:
            dose = preferences().dose_per_frame
            movie = open_movie(memory.path, dose_per_frame=dose)
        movie = None if movie is None else movie.judged(judgement)
    return replace(memory, kind=kind, movie=movie, dose_per_frame=dose)


def _found_out(layer: "Layer") -> StackJudgement:
    path = _file_of(layer)
    if path is not None and (said := said_kind_of(path)) is not None:
        return StackJudgement(said, _SAID)
    try:
        return judged(ArraySource(layer.data), path)
    except Exception:  # the array is somebody else's, and may fail in any way
        return StackJudgement("movie", "nothing else", is_known=False)


def _file_of(layer: "Layer") -> Path | None:
    """Return the file that a layer was opened from, by whatever plugin."""
    found = memory_of(layer).path or layer.source.path
    return Path(found) if found is not None and Path(found).is_file() else None
