"""What decides a cryo-EM experiment: all of it, and nothing else."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from napari_n2n.settings import Settings
from napari_n2n.simulation import Specimen
from napari_n2n.workflow.recording import OF_IMAGES, RecordingOptions

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
    recording
        Of the user's own data; of pairs, the pixel size only.
    """

    specimen: Specimen = "apoferritin"
    count: Annotated[int, Field(ge=2, le=1000)] | None = None
    size: Annotated[int, Field(ge=256, le=8192)] = USUAL_SIZE
    frames: Annotated[int, Field(ge=2, le=1000)] = 40
    budget_minutes: Annotated[float, Field(gt=0, le=1e6)] = USUAL_BUDGET_MINUTES
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    movies: str | None = None
    pairs: str | None = None
    recording: RecordingOptions = RecordingOptions()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.movies is not None and self.pairs is not None:
            raise ValueError("give --movies or --pairs, not both")
        given = list(self.recording.said)
        if self.pairs is not None:
            given = [name for name in given if name not in OF_IMAGES]
        if given and self.movies is None:
            where = "--movies or --pairs" if given[0] in OF_IMAGES else "--movies"
            raise ValueError(f"the setting {given[0]} is for data of your own; give {where}")
        return self

    def kept(self) -> dict[str, Any]:
        """Return what decides the result, as JSON knows it, side by side.

        So the folders of version 0.5.0 keep it, and can be gone on with.
        """
        told = self.model_dump(mode="json")
        recording: dict[str, Any] = told.pop("recording")
        known = self.recording.known_to_0_5_0()
        recording = {name: value for name, value in recording.items() if name in known}
        recording["gain_operation"] = known["gain_operation"]
        return told | recording

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
            **self.recording.in_words(),
        }


def held_out(count: int) -> int:
    """Return how many of ``count`` micrographs, the last ones, are not trained on."""
    return max(1, count // _HELD_OUT)
