"""How a movie was recorded and is to be read: one model for forms, command line and digests.

Nothing here opens a file: see `napari_n2n.workflow.movie_reader`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from napari_n2n.settings import Settings, Shown, setting_fields

OF_IMAGES = frozenset({"pixel_size_angstrom"})
"""The fields that mean something of single images as well."""

_AS_TOLD = "as the file tells"
OF_GAIN = ("gain_operation", "gain_rotation", "gain_flip")
"""The fields that mean something of a gain reference alone."""
_OF_SUMS = ("pixel_size_angstrom", "dose_per_frame", "aligned", "kind")


class RecordingOptions(Settings):
    """How a movie was recorded, as a person says it; None: as the file tells.

    The pixel size is that of single micrographs as well. How a gain reference lies is forgotten
    where there is none. The rest of the gain's fields are those of a `napari_n2n.io.GainReference`,
    the EER's of a `napari_n2n.io.EerRendering`.
    """

    # The range is that of `napari_n2n.io.pixel_size`, which the help need not import numpy for.
    pixel_size_angstrom: Annotated[
        float | None,
        Field(
            ge=0.05,
            le=1000,
            allow_inf_nan=False,
            title="Pixel size",
            description="Pixel size in Å, of EER that of what is rendered; default: the file's.",
        ),
        Shown("Å", _AS_TOLD, decimals=4),
    ] = None
    dose_per_frame: Annotated[
        float | None,
        Field(
            ge=1e-6,
            le=10_000,
            allow_inf_nan=False,
            title="Frame dose",
            description="Dose per frame in e/Å²; default: the file's.",
        ),
        Shown("e/Å²", _AS_TOLD),
    ] = None
    gain: Annotated[
        Path | None,
        Field(
            title="Gain reference",
            description="Gain reference (MRC, TIFF, .gain) of movies that are not corrected yet.",
        ),
        Shown(unset="none"),
    ] = None
    gain_operation: Annotated[
        Literal["auto", "multiply", "divide"],
        Field(
            title="Gain is",
            description="How the gain reference is applied to the frames. auto, as RELION does: "
            "EER is divided by it unless it is a .gain; other movies are multiplied by it.",
        ),
        Shown(choices=("as its format says", "multiplied with frames", "frames divided by it")),
    ] = "auto"
    gain_rotation: Annotated[
        Literal[0, 1, 2, 3],
        Field(
            title="Turn gain",
            description="Quarter turns of the gain, clockwise and before it is flipped, as "
            "RELION's --gain_rot.",
        ),
        Shown(choices=("as it is", "90°", "180°", "270°")),
    ] = 0
    gain_flip: Annotated[
        Literal[0, 1, 2],
        Field(
            title="Flip gain",
            description="0: none, 1: upside down, 2: left-right, as RELION's --gain_flip.",
        ),
        Shown(choices=("no", "upside down", "left to right")),
    ] = 0
    eer_frames: Annotated[
        int | None,
        Field(
            ge=1,
            le=1_000_000,
            title="EER frames",
            description="EER: how many frames to render; default: as their dose says.",
        ),
        Shown(unset="by their dose"),
    ] = None
    eer_dose: Annotated[
        float | None,
        Field(
            ge=1e-6,
            le=10_000,
            allow_inf_nan=False,
            title="EER dose",
            description="EER: dose of a rendered frame in e/Å²; default 1.",
        ),
        Shown("e/Å²", "about 1"),
    ] = None
    eer_grouping: Annotated[
        int | None,
        Field(
            ge=1,
            le=1_000_000,
            title="EER grouping",
            description="EER: raw frames in a frame, as RELION's --eer_grouping; the rest is "
            "dropped.",
        ),
        Shown(unset="by their dose"),
    ] = None
    eer_raw_dose: Annotated[
        float | None,
        Field(
            ge=1e-9,
            le=10_000,
            allow_inf_nan=False,
            title="EER raw dose",
            description="EER: dose of a raw frame in e/Å², if not in the file.",
        ),
        Shown("e/Å²", _AS_TOLD, decimals=5),
    ] = None
    eer_upsampling: Annotated[
        Literal[1, 2, 4],
        Field(title="EER pixels", description="EER: 1, 2 or 4 pixels for one."),
        Shown(choices=("the detector's", "2 × finer", "4 × finer")),
    ] = 1
    aligned: Annotated[
        bool,
        Field(
            title="Frames are aligned already",
            description="The movies are aligned already: only add the frames up.",
        ),
    ] = False

    kind: Annotated[
        Literal["auto", "movie", "volume", "tilt-series", "images"],
        Field(
            title="Images are",
            description="What the images of a file that has several are, where its content does "
            "not tell: frames of one exposure (movie), sections of a volume, a tilt series or "
            "separate images.",
        ),
        Shown(
            choices=(
                "as the file tells",
                "frames of one exposure",
                "sections of a volume",
                "a tilt series",
                "separate images",
            )
        ),
    ] = "auto"

    def known_to_0_5_0(self) -> dict[str, Any]:
        """Return what is said by field, as version 0.5.0 kept it, to find what it made again.

        Fields that it did not know are left out unless they say something; and where there is no
        gain reference, how it is applied is told as it was then.
        """
        usual = type(self)()
        known = {
            name: value
            for name, value in self
            if name not in ("eer_grouping", "kind") or value != getattr(usual, name)
        }
        return known if self.gain is not None else known | {"gain_operation": "multiply"}

    @model_validator(mode="before")
    @classmethod
    def _nothing_of_a_gain_that_is_not_there(cls, said: Any) -> Any:
        if isinstance(said, dict) and said.get("gain") is None:
            return {name: value for name, value in said.items() if name not in OF_GAIN}
        return said

    @model_validator(mode="after")
    def _one_way_to_render(self) -> Self:
        others = self.eer_frames is not None, self.eer_dose is not None
        if all(others):
            raise ValueError("choose the number of EER frames or the dose per frame, not both")
        if self.eer_grouping is not None and any(others):
            raise ValueError("choose the EER grouping, or the frames' number or dose, not both")
        return self

    @property
    def stack_kind(self) -> Literal["movie", "volume", "tilt series", "images"] | None:
        """What was said that the images are; None: nothing."""
        if self.kind == "auto":
            return None
        return "tilt series" if self.kind == "tilt-series" else self.kind

    @property
    def said(self) -> dict[str, Any]:
        """The fields that differ from what is usual, by name."""
        return self.model_dump(exclude_defaults=True)

    @property
    def changes_frames(self) -> bool:
        """Whether frames come out otherwise than the file has them: by a gain, or by EER."""
        return any(name not in _OF_SUMS for name in self.said)

    def in_vain(self, *, is_movie: bool, is_eer: bool) -> tuple[str, ...]:
        """Return the titles, within a sentence, of what was said and means nothing for a file."""
        fields = setting_fields(type(self))

        def means_nothing(name: str) -> bool:
            if name.startswith("eer_"):
                return not is_eer
            return not is_movie and name not in OF_IMAGES | {"kind"} | set(OF_GAIN)

        return tuple(
            _within_a_sentence(fields[name].title) for name in self.said if means_nothing(name)
        )

    def in_words(self) -> dict[str, str]:
        """Tell people what was said: ``{"pixel size": "1.05 Å"}``."""
        fields = setting_fields(type(self))
        said = ((fields[name], value) for name, value in self.said.items())
        return {_within_a_sentence(field.title): field.in_words(value) for field, value in said}


def _within_a_sentence(title: str) -> str:
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
