"""Settings: models that are validated, replaced and never changed, and told field by field.

Forms, options of the command line and words for people are made from what `setting_fields` tells.
"""

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from napari_n2n.errors import N2NError


class ConfigProblem(N2NError):
    """A setting is unknown or has a value that makes no sense."""


class Settings(BaseModel):
    """Settings that cannot be changed, only replaced; what is unknown is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def replaced(self, **changes: object) -> Self:
        """Return a copy with ``changes``, validated again.

        Raises
        ------
        ConfigProblem
            A field is unknown or a value is not allowed.
        """
        return validated(type(self), **{**self.model_dump(), **changes})


M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], **fields: object) -> M:
    """Make a model, or say in a sentence what is wrong with its fields.

    Raises
    ------
    ConfigProblem
        A field is unknown or a value is not allowed.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as problem:
        raise ConfigProblem(explain(problem)) from None


def explain(problem: ValidationError) -> str:
    """Say in one sentence a field what a validation found."""
    sentences = []
    for error in problem.errors():
        field = ".".join(str(part) for part in error["loc"])
        if not field:  # about all of them: who typed one need not see the rest
            said = error["msg"].removeprefix("Value error, ")
            sentences.append(f"{said[:1].upper()}{said[1:]}.")
        elif error["type"] == "extra_forbidden":
            sentences.append(f"There is no setting {field!r}.")
        else:
            sentences.append(f"{field} = {error['input']!r}: {error['msg']}.")
    return " ".join(sentences)


@dataclass(frozen=True)
class Shown:
    """How a field is shown, beside its title and description; for ``Annotated``.

    Attributes
    ----------
    unit
        Of its numbers: ``"Å"``.
    unset
        What None means: ``"as the file tells"``.
    choices
        What its choices are called, in their order.
    decimals
        How many people give.
    """

    unit: str = ""
    unset: str = ""
    choices: tuple[str, ...] = ()
    decimals: int = 3


@dataclass(frozen=True)
class SettingField:
    """One field of a model, as forms and command lines need to know it.

    Attributes
    ----------
    name
        In the model.
    title, description
        For people.
    kind
        The type of its values: bool, int, float, str, Path, or a model's.
    optional
        Whether it may be None.
    choices
        All its values, where they are few; else empty.
    least, most
        The ends of its range, where it has any; either may be excluded.
    """

    name: str
    title: str
    description: str
    kind: type
    optional: bool
    choices: tuple[Any, ...]
    least: float | None
    most: float | None
    shown: Shown

    @classmethod
    def of(cls, name: str, info: FieldInfo) -> Self:
        """Gather what a model's field tells of itself."""
        types_there, told = _taken_apart(info.annotation)
        told += tuple(info.metadata)
        kinds = [kind for kind in types_there if kind is not type(None)]
        choices = get_args(kinds[0]) if get_origin(kinds[0]) is Literal else ()
        return cls(
            name,
            info.title or name.replace("_", " ").capitalize(),
            info.description or "",
            type(choices[0]) if choices else kinds[0],
            len(kinds) < len(types_there),
            choices,
            _bound(told, "ge", "gt"),
            _bound(told, "le", "lt"),
            next((one for one in told if isinstance(one, Shown)), Shown()),
        )

    @property
    def label(self) -> str:
        """Its title, with the unit where it has one: ``"Pixel size (Å)"``."""
        return f"{self.title} ({self.shown.unit})" if self.shown.unit else self.title

    @property
    def titled_choices(self) -> list[tuple[str, Any]]:
        """What each choice is called, and the choice."""
        titles = self.shown.choices or tuple(str(choice) for choice in self.choices)
        return list(zip(titles, self.choices, strict=True))

    def in_words(self, value: Any) -> str:
        """Say a value: ``"1.05 Å"``, ``"90°"``, ``"yes"``."""
        if value is None:
            return self.shown.unset
        if self.choices:
            return next(title for title, choice in self.titled_choices if choice == value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{text} {self.shown.unit}".rstrip()


def setting_fields(model: type[BaseModel]) -> dict[str, SettingField]:
    """Return a model's fields by name, in their order."""
    return {name: SettingField.of(name, info) for name, info in model.model_fields.items()}


def _taken_apart(annotation: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the types that an annotation is a union of, and what it says about them."""
    if get_origin(annotation) is Annotated:
        kinds, told = _taken_apart(annotation.__origin__)
        for one in annotation.__metadata__:
            told += tuple(one.metadata) if isinstance(one, FieldInfo) else (one,)
        return kinds, told
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [_taken_apart(part) for part in get_args(annotation)]
        return sum((kinds for kinds, _ in parts), ()), sum((told for _, told in parts), ())
    return (annotation,), ()


def _bound(told: tuple[Any, ...], *names: str) -> float | None:
    found = (getattr(one, name, None) for one in told for name in names)
    return next((bound for bound in found if bound is not None), None)
