"""The paper's experiment on photographs: trained on noisy ones alone, judged by clean ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.denoising.training.photograph_examples import Photographs
from napari_n2n.denoising.training.photographs import read_photographs_steps
from napari_n2n.experiments.photographs.report import photograph_report
from napari_n2n.experiments.photographs.stages import all_stages
from napari_n2n.experiments.photographs.trials import TrialContext
from napari_n2n.experiments.protocol import ExperimentFolder, carry_out_steps
from napari_n2n.io import write_atomically
from napari_n2n.progress import Progress, Steps, Stop, never

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.experiments.photographs.settings import PhotographSettings

_OWN_TRAIN = ("astronaut.png", "motorcycle_left.png", "ihc.png", "rocket.jpg")
_OWN_TEST = ("chelsea.png", "coffee.png")
_OWN_SIDE = 256  # of them the middle is enough, as they only show how it goes


def reproduce_photographs_steps(
    folder: Path | str,
    settings: PhotographSettings,
    *,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Path]:
    """Run the experiment in ``folder``, or go on with it; yields progress, returns the report.

    A model is trained on noisy photographs (or one is given) and judged by others at seven
    strengths of noise, beside methods without training. Then trainings are compared that differ
    in one thing: noisy or clean targets, for several numbers of photographs; and noise whose mean
    is zero, is not, or is spoilt by clipping.

    Parameters
    ----------
    folder
        Keeps models, figures, pictures and ``report.html``.
    settings
        Decide the result; the same folder takes no others.
    device
        ``"auto"`` or a name.
    stop
        Once true, `Interrupted` is raised within a second; the same call goes on from there.

    Raises
    ------
    Interrupted
        ``stop`` became true.
    OtherSettings
        The folder holds another experiment.
    NotEnoughData
        There are no photographs.
    N2NError
        The files, the disk or the device do not allow it.
    """
    train = yield from _photographs(settings.train, _OWN_TRAIN, stop)
    test = yield from _photographs(settings.test, _OWN_TEST, stop)
    test = test.leading(settings.test_images)
    numbers = {"train_count": len(train.images), "test_count": len(test.images)}
    records = ExperimentFolder(Path(folder), {**settings.model_dump(mode="json"), **numbers})
    context = TrialContext(records, settings, train, test, device, stop)
    found = yield from carry_out_steps(all_stages(context), records, stop)
    yield Progress("writing the report", 0, 1)
    with write_atomically(records.report_path) as beside:
        beside.write_text(photograph_report(context, found), encoding="utf-8")
    return records.report_path


def _photographs(folder: str | None, own: tuple[str, ...], stop: Stop) -> Steps[Photographs]:
    if folder is not None:
        return (yield from read_photographs_steps(Path(folder), stop))
    import skimage.data

    pictures = Path(skimage.data.__file__).parent
    found = yield from read_photographs_steps([pictures / name for name in own], stop)
    return Photographs([_middle(image) for image in found.images], found.names)


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    y, x = ((length - _OWN_SIDE) // 2 for length in image.shape[:2])
    return image[y : y + _OWN_SIDE, x : x + _OWN_SIDE]
