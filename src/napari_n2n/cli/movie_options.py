"""The options about movies, which all commands that read movies have; made from one model."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from napari_n2n.cli import console
from napari_n2n.settings import SettingField, setting_fields, validated
from napari_n2n.workflow.recording import OF_GAIN, OF_IMAGES, RecordingOptions

_FIELDS = setting_fields(RecordingOptions)
# Others are called as their fields.
_FLAGS = {"pixel_size_angstrom": "--pixel-size", "gain_rotation": "--gain-rot"}


def _flag(name: str) -> str:
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


def recording_option(name: str) -> Any:
    """Return what typer wants to know of the option that sets a field of `RecordingOptions`."""
    field = _FIELDS[name]
    least, most = field.least, field.most
    if field.kind is int:  # or typer would tell of frames from 1.0 on
        ends = [*field.choices, *(int(end) for end in (least, most) if end is not None)]
        least, most = min(ends), max(ends)
    return typer.Option(
        _flag(name),
        min=least,
        max=most,
        help=field.description,
        rich_help_panel=None if name in OF_IMAGES else "Movies",
    )


def takes_movies(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options about movies; it gets them as ``recording``."""

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        said = {name: given.pop(name) for name in _FIELDS}
        if said["gain"] is None:
            usual = RecordingOptions()
            for name in OF_GAIN:
                if said[name] != getattr(usual, name):
                    console.say_note(f"{_flag(name)} means nothing without --gain.")
        command(**given, recording=validated(RecordingOptions, **said))

    theirs = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != "recording"
    ]
    usual = RecordingOptions()
    ours = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(usual, name),
            annotation=Annotated[_type_of(field), recording_option(name)],
        )
        for name, field in _FIELDS.items()
    ]
    parameters = [*theirs, *ours]
    # typer reads both.
    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return taking


def _type_of(field: SettingField) -> Any:
    """Return the type that typer is to read; numbers of which there are few are numbers to it."""
    if field.kind is str:
        return RecordingOptions.model_fields[field.name].annotation
    return field.kind | None if field.optional else field.kind
