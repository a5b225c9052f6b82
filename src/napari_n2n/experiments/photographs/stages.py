"""The parts of the experiment on photographs that are about the model: its training and judging."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.shipped_models import IN_THE_BOX
from napari_n2n.denoising.shipped_models.photographs import PAPER, recipe
from napari_n2n.denoising.training.photograph_examples import PhotographNoise
from napari_n2n.denoising.training.photographs import FIRST_SNAPSHOT, snapshot_path
from napari_n2n.experiments.photographs.comparisons import comparison_stages
from napari_n2n.experiments.photographs.judging import (
    Method,
    TestNoise,
    classical_methods,
    judge_steps,
)
from napari_n2n.experiments.photographs.settings import DEVIATIONS, PUBLISHED_DEVIATIONS
from napari_n2n.experiments.photographs.trials import (
    MODEL,
    MODEL_SHARE,
    psnr_at_steps,
    told_of,
    trained_steps,
)
from napari_n2n.experiments.protocol import ExperimentStage
from napari_n2n.io.photographs import write_photograph
from napari_n2n.progress import Progress, Steps, Stopwatch, passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.experiments.photographs.trials import TrialContext
    from napari_n2n.experiments.protocol import Figures

OURS, THOROUGH = "ours", "thorough"
TITLES = {OURS: "ours", "nlm": "non-local means", "bm3d": "BM3D"}
"""What methods are called."""

PICTURED = ((0, 25), (1, 50), (2, 50))
"""Which test photographs are shown, by number, and the deviation of their noise."""

_DETAIL_PX = 128
_ENLARGED = 2


def all_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return all stages, in their order."""
    return [
        model_stage(context),
        *psnr_stages(context),
        *snapshot_stages(context),
        pictures_stage(context),
        *comparison_stages(context),
    ]


def model_stage(context: TrialContext) -> ExperimentStage:
    """Return the training of the model that is judged, or what is told about the one given."""
    settings = context.settings
    output = context.records.model_path(MODEL)

    def make() -> Steps[Figures]:
        yield Progress("reading the model", 0, 1)
        if settings.given_model is None:
            config = recipe(
                settings.recipe,
                network=settings.network,
                seconds=context.budget.share(MODEL_SHARE),
                crop=settings.crop,
                seed=settings.seed,
            )
            if settings.recipe == "paper":  # its 120 epochs, where the budget allows them
                config = config.replaced(epochs=PAPER.epochs)
            denoiser = yield from trained_steps(
                context, context.train, config, PhotographNoise(), output
            )
        else:
            denoiser = context.model()
        return told_of(denoiser)

    given = settings.given_model is not None
    title = "reading the model" if given else "training the model on noisy photographs"
    seconds = None if given else context.budget.share(MODEL_SHARE)
    return ExperimentStage(MODEL, title, make, () if given else (output,), seconds=seconds)


def psnr_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return the judging of the model, and of methods without training, at each noise."""
    methods = (OURS, *classical_methods())
    judged: dict[str, tuple[int, ...]] = dict.fromkeys(methods, DEVIATIONS)
    judged[THOROUGH] = PUBLISHED_DEVIATIONS  # it takes eight times as long
    stages = []
    for name, deviations in judged.items():
        for deviation in deviations:

            def make(name: str = name, deviation: int = deviation) -> Steps[Figures]:
                if name in (OURS, THOROUGH):
                    method: Method = context.method(context.model(), thorough=name == THOROUGH)
                else:
                    method = classical_methods()[name]
                noise = TestNoise(deviation, seed=context.settings.seed)
                return (yield from judge_steps(context.test, noise, method))

            told = {**TITLES, OURS: "the model", THOROUGH: "the model in eight ways"}[name]
            title = f"σ = {deviation}: {told}"
            needs = (MODEL,) if name in (OURS, THOROUGH) else ()
            stages.append(ExperimentStage(psnr_name(name, deviation), title, make, needs=needs))
    return stages


def psnr_name(method: str, deviation: int) -> str:
    """Return the name of the stage that judges ``method`` at noise of ``deviation``."""
    return f"psnr-{method}-{deviation}"


def snapshot_stages(context: TrialContext) -> list[ExperimentStage]:
    """Return the judging of what the model was on the way: PSNR against the length of training.

    Of a model that was given as a file, the snapshots that lie beside it are judged.
    """
    given = context.settings.given_model
    output = context.records.model_path(MODEL) if given is None else Path(given)

    def make() -> Steps[Figures]:
        last = context.model()
        models = []
        # A model in the box has none; those of a longer training to the same file are not its own.
        if given not in IN_THE_BOX:
            steps = (FIRST_SNAPSHOT * 2**n for n in range(40))
            earlier = takewhile(lambda step: step < last.provenance.steps, steps)
            paths = takewhile(Path.is_file, (snapshot_path(output, step) for step in earlier))
            models = [load_denoiser(path) for path in paths]
        points = []
        for denoiser in (*models, last):
            made = denoiser.provenance
            psnr_db = yield from psnr_at_steps(context, denoiser)
            points.append({"steps": made.steps, "seconds": made.seconds, "psnr_db": psnr_db})
        return {"points": points}

    return [
        ExperimentStage("snapshots", "judging the model as it was on the way", make, needs=(MODEL,))
    ]


def pictures_stage(context: TrialContext) -> ExperimentStage:
    """Return the drawing of details of some photographs: noisy, denoised, clean."""
    shown = [
        (number, deviation) for number, deviation in PICTURED if number < len(context.test.names)
    ]
    methods = ("noisy", *classical_methods(), OURS, "clean")
    paths = {
        (number, what): context.records.picture_path(f"{number}-{what}")
        for number, _ in shown
        for what in methods
    }

    def make() -> Steps[Figures]:
        known = {OURS: context.method(context.model()), **classical_methods()}
        watch = Stopwatch()
        for done, (number, deviation) in enumerate(shown):

            def told(_step: Any, done: int = done) -> Iterator[Any]:
                yield watch.progress("drawing pictures", done, len(shown))

            clean = context.test.images[number]
            noisy = TestNoise(deviation, seed=context.settings.seed).on(clean, number)
            write_detail(paths[number, "clean"], clean, clean)
            write_detail(paths[number, "noisy"], noisy, clean)
            for what, method in known.items():
                result = yield from passed_on(method(noisy, deviation), told)
                write_detail(paths[number, what], result, clean)
        return {"shown": shown, "methods": methods}

    return ExperimentStage("pictures", "drawing pictures", make, tuple(paths.values()), (MODEL,))


def write_detail(path: Path, image: NDArray[Any], clean: NDArray[np.uint8]) -> None:
    """Write the part of ``image`` where ``clean`` shows most, twice as large, as PNG.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    y, x = _most_varied(clean)
    detail = image[y : y + _DETAIL_PX, x : x + _DETAIL_PX]
    write_photograph(path, detail.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1))


def _most_varied(clean: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the corner (y, x) of the square whose pixels vary most: no empty sky is shown."""
    corners = [
        (y, x)
        for y in range(0, max(1, clean.shape[0] - _DETAIL_PX), 32)
        for x in range(0, max(1, clean.shape[1] - _DETAIL_PX), 32)
    ]
    return max(
        corners, key=lambda at: clean[at[0] : at[0] + _DETAIL_PX, at[1] : at[1] + _DETAIL_PX].std()
    )
