"""The paper's cryo-EM experiments, end to end: from movies to a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import NotEnoughData
from napari_n2n.experiments.cryo.fields import LEFT_OUT, fields_of
from napari_n2n.experiments.cryo.figures import CryoResults
from napari_n2n.experiments.cryo.judging import judging_stage
from napari_n2n.experiments.cryo.networks import TrainingContext, denoising_stages, training_stages
from napari_n2n.experiments.cryo.report import cryo_report
from napari_n2n.experiments.cryo.settings import held_out
from napari_n2n.experiments.protocol import (
    Budget,
    ExperimentFolder,
    ExperimentProgress,
    carry_out_steps,
)
from napari_n2n.io import write_atomically
from napari_n2n.progress import Progress, Stop, never

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_n2n.experiments.cryo.settings import CryoSettings


def reproduce_cryo_steps(
    folder: Path | str,
    settings: CryoSettings,
    *,
    device: str = "auto",
    stop: Stop = never,
) -> Generator[ExperimentProgress, None, Path]:
    """Run an experiment in ``folder``, or go on with it; yields progress, returns the report.

    Movies are simulated or read, aligned, and their odd and even frames added up. The paper's
    network and the light one are trained on all micrographs but the last; these are denoised by
    both and by the general model, and judged: against the truth where it is known, and by the
    independent half in any case.

    Parameters
    ----------
    folder
        Keeps halves, models, denoised images, pictures and ``report.html``.
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
        There are fewer than two micrographs.
    N2NError
        The files, the disk or the device do not allow it.
    """
    folder = Path(folder)
    fields = fields_of(settings, folder, device)
    names = [field.name for field in fields]
    # The names say how many were asked for; a folder of movies may grow meanwhile.
    asked = {name: value for name, value in settings.kept().items() if name != "count"}
    records = ExperimentFolder(folder, {**asked, "micrographs": names})
    context = TrainingContext(records, settings, device, stop)
    making = [field.stage for field in fields]
    budget = Budget.of_minutes(settings.budget_minutes)

    def to_come(count: int) -> int:
        """Return how many stages follow the making of ``count`` usable fields."""
        return 2 + held_out(count) * 4

    found = yield from carry_out_steps(
        making,
        records,
        stop,
        count=len(making) + to_come(len(fields)),
        seconds_after=budget.seconds,
    )
    usable = [field for field in fields if LEFT_OUT not in found[field.stage.name]]
    if len(usable) < 2:
        reasons = " ".join(figures.get(LEFT_OUT, "") for figures in found.values())
        for field in fields:  # nothing is trained yet: they may be mended
            if LEFT_OUT in found[field.stage.name]:
                records.forget(field.stage.name)
        raise NotEnoughData(f"Fewer than two micrographs can be used. {reasons}")
    count = held_out(len(usable))
    trained_on, judged = usable[:-count], usable[-count:]
    stages = [
        *training_stages(context, trained_on, budget),
        *denoising_stages(context, judged),
        *(judging_stage(context, field) for field in judged),
    ]
    found |= yield from carry_out_steps(
        stages,
        records,
        stop,
        first=len(making) + 1,
        count=len(making) + len(stages),
    )
    total = len(making) + len(stages)
    yield ExperimentProgress.of(Progress("writing", 0, 1), "writing the report", total, total)
    results = CryoResults(settings, trained_on, judged, found, records.seconds, folder)
    with write_atomically(records.report_path) as beside:
        beside.write_text(cryo_report(results), encoding="utf-8")
    return records.report_path
