"""The paper's last sentence, end to end: simulated tomograms, trained on, denoised, judged."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.training.results import resume_path
from napari_n2n.denoising.training.volumes import train_volumes_steps
from napari_n2n.experiments.protocol import (
    Budget,
    ExperimentFolder,
    ExperimentProgress,
    ExperimentStage,
    carry_out_steps,
)
from napari_n2n.experiments.tomograms.judging import judged_steps
from napari_n2n.experiments.tomograms.report import tomogram_report
from napari_n2n.io import VolumePair, write_atomically
from napari_n2n.progress import Progress, Steps, Stop, never, stoppable
from napari_n2n.simulation.tomograms import (
    SimulatedTomogramFiles,
    simulate_tomogram_steps,
    write_tomogram_steps,
)
from napari_n2n.workflow.volumes import DenoiseVolumes, Tomogram, VolumesOnDisk

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_n2n.experiments.protocol import Figures
    from napari_n2n.experiments.tomograms.settings import TomogramSettings

TRAINING = "train-light"
DENOISING = "denoise-light"
JUDGING = "judge"


def reproduce_tomogram_steps(
    folder: Path | str,
    settings: TomogramSettings,
    *,
    device: str = "auto",
    stop: Stop = never,
) -> Generator[ExperimentProgress, None, Path]:
    """Run the experiment in ``folder``, or go on with it; yields progress, returns the report.

    Tomograms are simulated, with their noise-free reconstruction. The light network is trained on
    the halves of all but the last, which is denoised and judged beside the best Gaussian low-pass.

    Parameters
    ----------
    folder
        Keeps tomograms (``halves``), the model, what was denoised, pictures and ``report.html``.
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
    N2NError
        The disk or the device do not allow it.
    """
    records = ExperimentFolder(Path(folder), settings.model_dump(mode="json"))
    stages = _Stages(records, settings, device, stop).all
    found = yield from carry_out_steps(stages, records, stop)
    total = len(stages)
    yield ExperimentProgress.of(Progress("writing", 0, 1), "writing the report", total, total)
    with write_atomically(records.report_path) as beside:
        page = tomogram_report(settings, found, records)
        beside.write_text(page, encoding="utf-8")
    return records.report_path


class _Stages:
    """The parts of the experiment, each of which is done once."""

    def __init__(
        self, records: ExperimentFolder, settings: TomogramSettings, device: str, stop: Stop
    ) -> None:
        self._records, self._settings, self._device, self._stop = records, settings, device, stop
        self._files = [
            SimulatedTomogramFiles.of(records.folder / "halves", f"tomogram_{number:02d}")
            for number in range(settings.count + 1)
        ]
        self._model = records.model_path(TRAINING)
        self._denoised = records.folder / "denoised" / "tomogram.mrc"

    @property
    def all(self) -> list[ExperimentStage]:
        """In their order."""
        seconds = Budget.of_minutes(self._settings.budget_minutes).seconds
        simulated = [
            ExperimentStage(
                f"simulate-{number}",
                f"simulating tomogram {number + 1} of {len(self._files)}",
                lambda number=number: self._simulated(number),  # type: ignore[misc]
                (files.odd, files.even, files.clean),
            )
            for number, files in enumerate(self._files)
        ]
        names = tuple(stage.name for stage in simulated)
        return [
            *simulated,
            ExperimentStage(
                TRAINING, "training", self._trained, (self._model,), names[:-1], seconds
            ),
            ExperimentStage(
                DENOISING, "denoising", self._made, (self._denoised,), (TRAINING, names[-1])
            ),
            ExperimentStage(
                JUDGING, "judging", self._judged, needs=(TRAINING, DENOISING, names[-1])
            ),
        ]

    def _simulated(self, number: int) -> Steps[Figures]:
        config = self._settings.tomogram(number)
        simulated = yield from stoppable(simulate_tomogram_steps(config), self._stop)
        folder = self._files[number].odd.parent
        yield from write_tomogram_steps(simulated, folder, f"tomogram_{number:02d}")
        return {}

    def _pair(self, number: int) -> VolumePair:
        files = self._files[number]
        return VolumePair(f"tomogram_{number:02d}", odd=files.odd, even=files.even)

    def _trained(self) -> Steps[Figures]:
        """Train, or go on where a training was interrupted."""
        seconds = Budget.of_minutes(self._settings.budget_minutes).seconds
        config = preset("quick", 3).lasting(seconds).replaced(seed=self._settings.seed)
        pairs = VolumesOnDisk([self._pair(number) for number in range(self._settings.count)])
        denoiser = yield from train_volumes_steps(
            pairs,
            config,
            output=self._model,
            resume=resume_path(self._model).exists(),
            device=self._device,
            stop=self._stop,
        )
        told = denoiser.provenance
        return {
            "seconds": told.seconds,
            "summary": denoiser.summary,
            "estimate": told.estimated_truth_correlation,
        }

    def _made(self) -> Steps[Figures]:
        started = monotonic()
        pair = self._pair(self._settings.count)
        tomogram = Tomogram(self._denoised.stem, pair.odd, pair)
        job = DenoiseVolumes(
            load_denoiser(self._model),
            [tomogram],
            self._denoised.parent,
            self._device,
            stop=self._stop,
        )
        yield from job.steps(pair.odd)
        return {"seconds": monotonic() - started}

    def _judged(self) -> Steps[Figures]:
        return judged_steps(
            self._records,
            self._pair(self._settings.count),
            self._files[-1],
            self._denoised,
            load_denoiser(self._model),
            self._device,
            self._stop,
        )
