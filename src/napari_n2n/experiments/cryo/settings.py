"""What decides a cryo-EM experiment: all of it, and nothing else."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from napari_n2n.settings import Settings
from napari_n2n.simulation import Specimen
from napari_n2n.workflow.movie_settings import MovieOptions

USUAL_COUNT = 8
"""How many micrographs an experiment has, where nothing else is said."""
USUAL_SIZE = 2048
USUAL_BUDGET_MINUTES = 30.0
_HELD_OUT = 4  # every so many micrographs, one is not trained on


class CryoSettings(Settings):
    """Settings of `reproduce apoferritin` and `reproduce aldolase`.

    Attributes
    ----------
    specimen
        What is simulated, or what the user's own data show.
    count
        How many micrographs: to simulate, or of those in the folder. None: 8; all pairs.
    size
        Side of the simulated frames in px, at 1 Å/px.
    frames
        Of a simulated movie, 1 e/Å² each.
    budget_minutes
        The time that the trainings take together.
    movies
        Folder of the user's own movies, instead of simulated ones.
    pairs
        Folder of pairs of noisy images, instead of movies.
    pixel_size_angstrom, dose_per_frame
        Of the user's own data, in Å and e/Å²; None: as their headers say.
    gain and all that follow it
        Of the user's movies; see `napari_n2n.workflow.movie_settings.MovieOptions`.
    """

    specimen: Specimen = "apoferritin"
    count: Annotated[int, Field(ge=2, le=1000)] | None = None
    size: Annotated[int, Field(ge=256, le=8192)] = USUAL_SIZE
    frames: Annotated[int, Field(ge=2, le=1000)] = 40
    budget_minutes: Annotated[float, Field(gt=0, le=1e6)] = USUAL_BUDGET_MINUTES
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    movies: str | None = None
    pairs: str | None = None
    pixel_size_angstrom: Annotated[float, Field(gt=0, le=1000)] | None = None
    dose_per_frame: Annotated[float, Field(gt=0)] | None = None
    gain: str | None = None
    gain_operation: Literal["multiply", "divide"] = "multiply"
    gain_rotation: Annotated[int, Field(ge=0, le=3)] = 0
    gain_flip: Annotated[int, Field(ge=0, le=2)] = 0
    eer_frames: Annotated[int, Field(ge=1)] | None = None
    eer_dose: Annotated[float, Field(gt=0)] | None = None
    eer_raw_dose: Annotated[float, Field(gt=0)] | None = None
    eer_upsampling: int = 1
    aligned: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.movies is not None and self.pairs is not None:
            raise ValueError("give --movies or --pairs, not both")
        said = self.model_dump(include={field.name for field in fields(MovieOptions)})
        if self.pairs is not None:
            del said["pixel_size_angstrom"]
        usual = asdict(MovieOptions())
        given = [name for name, value in said.items() if value != usual[name]]
        if given and self.movies is None:
            where = "--movies or --pairs" if given[0] == "pixel_size_angstrom" else "--movies"
            raise ValueError(f"the setting {given[0]} is for data of your own; give {where}")
        return self

    @property
    def movie_options(self) -> MovieOptions:
        """How the user's movies are read."""
        said = {field.name: getattr(self, field.name) for field in fields(MovieOptions)}
        return MovieOptions(**{**said, "gain": None if self.gain is None else Path(self.gain)})

    @property
    def is_simulated(self) -> bool:
        """Whether the truth is known."""
        return self.movies is None and self.pairs is None

    def told(self) -> dict[str, str | int | float | None]:
        """Return the settings that mean something here, with their units, for a report."""
        common = {
            "specimen": self.specimen,
            "budget for the trainings (min)": self.budget_minutes,
            "seed": self.seed,
        }
        if self.is_simulated:
            return {
                **common,
                "micrographs": self.count or USUAL_COUNT,
                "frames of a movie": self.frames,
                "side of a frame (px)": self.size,
                "pixel size (Å)": 1.0,
                "dose per frame (e/Å²)": 1.0,
            }
        return {
            **common,
            "movies": self.movies,
            "pairs": self.pairs,
            "at most so many": self.count,
            "pixel size given (Å)": self.pixel_size_angstrom,
            "dose per frame given (e/Å²)": self.dose_per_frame,
            "gain reference": self.gain,
            "gain: operation, quarter turns, flip": None
            if self.gain is None
            else f"{self.gain_operation}, {self.gain_rotation}, {self.gain_flip}",
            "EER: frames": self.eer_frames,
            "EER: dose of a frame (e/Å²)": self.eer_dose,
            "EER: dose of a raw frame (e/Å²)": self.eer_raw_dose,
            "EER: upsampling": None if self.eer_upsampling == 1 else self.eer_upsampling,
            "frames were aligned before": "yes" if self.aligned else None,
        }


def held_out(count: int) -> int:
    """Return how many of ``count`` micrographs, the last ones, are not trained on."""
    return max(1, count // _HELD_OUT)
