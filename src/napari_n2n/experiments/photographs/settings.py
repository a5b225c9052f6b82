"""What decides the experiment on photographs: all of it, and nothing else."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from napari_n2n.denoising.shipped_models.photographs import NetworkName, Recipe
from napari_n2n.settings import Settings

DEVIATIONS = (10, 15, 20, 25, 40, 50, 70)
"""Of the test noise, of 255: the paper's and those of the literature. Training ends at 50."""

PUBLISHED_DEVIATIONS = (15, 25, 50)
"""For which the literature has figures."""

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class PhotographSettings(Settings):
    """Settings of `reproduce natural`.

    Attributes
    ----------
    train, test
        Folders of photographs to train on and to judge by. None: scikit-image's own pictures.
    budget_minutes
        The time that the trainings take together.
    recipe, network, crop
        Of the model that is judged; see `napari_n2n.denoising.shipped_models.photographs.recipe`.
    given_model
        A model to judge instead of training one: a file, or the name of one in the box.
    test_images
        How many test photographs are used, at most.
    claim_counts
        Numbers of training photographs for which noisy and clean targets are compared; more than
        there are counts as all.
    claim_network
        The network of that comparison.
    claim_images
        How many test photographs judge it, at most.
    mean
        Of the noise whose mean is not zero.
    """

    train: str | None = None
    test: str | None = None
    budget_minutes: Annotated[float, Field(gt=0, le=1e6)] = 60.0
    recipe: Recipe = "better"
    network: NetworkName = "paper"
    crop: Annotated[int, Field(ge=32, le=2048)] | None = None
    given_model: str | None = None
    test_images: Count = 68
    claim_counts: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 10, 100, 1000)
    claim_network: NetworkName = "light"
    claim_images: Count = 20
    mean: Annotated[float, Field(ge=-255, le=255)] = 20.0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    @model_validator(mode="after")
    def _both_folders(self) -> Self:
        if (self.train is None) != (self.test is None):
            raise ValueError("give both folders, to train on and to test on, or none")
        return self

    def told(self) -> dict[str, str | int | float | None]:
        """Return the settings with their units, for a report."""
        built_in = "pictures that come with scikit-image"
        return {
            "photographs trained on": self.train or built_in,
            "photographs judged by": self.test or built_in,
            "budget for the trainings (min)": self.budget_minutes,
            "model that was given": self.given_model,
            "training": None if self.given_model else f"{self.recipe}, {self.network} network",
            "crop (px)": self.crop,
            "network of the comparisons": self.claim_network,
            "noise of nonzero mean (of 255)": self.mean,
            "seed": self.seed,
        }
