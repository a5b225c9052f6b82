"""Settings are validated, never changed, and told field by field."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from napari_n2n.settings import ConfigProblem, Settings, Shown, setting_fields, validated


class Voyage(Settings):
    length_nm: Annotated[float, Field(gt=0, le=100)] | None = Field(None, title="Length")
    speed: Annotated[
        float | None,
        Field(ge=0.5, title="Speed", description="Over ground."),
        Shown("kn", "as the wind blows", decimals=1),
    ] = None
    crew: Annotated[int, Field(ge=1, lt=13)] = 2
    chart: Path | None = None
    sails: Annotated[Literal[0, 2], Shown(choices=("none", "both"))] = 2
    at_night: bool = False

    @model_validator(mode="after")
    def _seen(self) -> "Voyage":
        if self.at_night and self.chart is None:
            raise ValueError("at night a chart is needed")
        return self


def test_settings_are_replaced_and_not_changed():
    voyage = Voyage(crew=3)
    other = voyage.replaced(speed=5, chart="north.kap")
    assert (other.crew, other.speed, other.chart) == (3, 5.0, Path("north.kap"))
    assert voyage.speed is None
    with pytest.raises(ValidationError, match="frozen"):
        voyage.crew = 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crew": 13}, r"crew = 13: Input should be less than 13\."),
        ({"cargo": 1}, r"There is no setting 'cargo'\."),
        ({"at_night": True}, r"^At night a chart is needed\.$"),
        ({"sails": 1, "speed": 0}, r"speed = 0: .* sails = 1: Input should be 0 or 2\."),
    ],
)
def test_what_makes_no_sense_is_named_in_a_sentence(changes, said):
    with pytest.raises(ConfigProblem, match=said):
        Voyage().replaced(**changes)
    with pytest.raises(ConfigProblem, match=said):
        validated(Voyage, **changes)


def test_fields_tell_what_a_form_must_know():
    fields = setting_fields(Voyage)
    assert list(fields) == ["length_nm", "speed", "crew", "chart", "sails", "at_night"]
    assert {name: field.kind for name, field in fields.items()} == {
        "length_nm": float,
        "speed": float,
        "crew": int,
        "chart": Path,
        "sails": int,
        "at_night": bool,
    }
    assert [name for name, field in fields.items() if field.optional] == [
        "length_nm",
        "speed",
        "chart",
    ]
    assert [(field.least, field.most) for field in fields.values()][:3] == [
        (0, 100),
        (0.5, None),
        (1, 13),
    ]
    speed = fields["speed"]
    assert (speed.label, speed.description, speed.shown.decimals) == (
        "Speed (kn)",
        "Over ground.",
        1,
    )
    assert fields["at_night"].label == "At night"
    assert fields["sails"].titled_choices == [("none", 0), ("both", 2)]


def test_values_are_said_in_words():
    fields = setting_fields(Voyage)
    said = {"speed": 5.5, "length_nm": 12.0, "crew": 3, "sails": 0, "at_night": True, "chart": None}
    words = {name: fields[name].in_words(value) for name, value in said.items()}
    assert words == {
        "speed": "5.5 kn",
        "length_nm": "12",
        "crew": "3",
        "sails": "none",
        "at_night": "yes",
        "chart": "",
    }
    assert fields["speed"].in_words(None) == "as the wind blows"
