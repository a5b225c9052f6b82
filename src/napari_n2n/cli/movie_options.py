"""The options about movies, which all commands that read movies have."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from napari_n2n.cli import options
from napari_n2n.workflow.movie_settings import MovieOptions

# By the fields of `MovieOptions`, which are what the options set.
_KINDS: dict[str, Any] = {
    "pixel_size_angstrom": options.PixelSize,
    "dose_per_frame": options.DosePerFrame,
    "gain": options.Gain,
    "gain_operation": options.GainOperation,
    "gain_rotation": options.GainRotation,
    "gain_flip": options.GainFlip,
    "eer_dose": options.EerDose,
    "eer_raw_dose": options.EerRawDose,
    "eer_frames": options.EerFrames,
    "eer_upsampling": options.EerUpsampling,
    "aligned": options.Aligned,
}


def takes_movies(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options about movies; it gets them as ``movie_options``."""

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        movies = MovieOptions(**{name: given.pop(name) for name in _KINDS})
        command(**given, movie_options=movies)

    theirs = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != "movie_options"
    ]
    ours = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(MovieOptions, name),
            annotation=kind,
        )
        for name, kind in _KINDS.items()
    ]
    parameters = [*theirs, *ours]
    # typer reads both.
    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return taking
