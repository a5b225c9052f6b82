"""What all experiments share: how long they may take, and how they go on where they stopped.

An experiment is a list of `ExperimentStage`, carried out one after the other in an
`ExperimentFolder`, which keeps what each stage found. A stage that is finished is not done again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from napari_n2n.errors import BadValue, FileProblem
from napari_n2n.experiments.report import PACKAGES
from napari_n2n.io import write_atomically
from napari_n2n.io.outputs import CREATOR
from napari_n2n.progress import Interrupted, Progress, Steps, Stop, passed_on, stoppable
from napari_n2n.version import __version__, versions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    Figures = dict[str, Any]

_DIFFERENCES_TOLD = 3
_LONGEST_TOLD = 60


class OtherSettings(FileProblem):
    """A folder holds an experiment that was begun with other settings."""


@dataclass(frozen=True)
class Budget:
    """The time that all trainings of an experiment may take together, in seconds.

    Raises
    ------
    BadValue
        It is none.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not 0 < self.seconds < float("inf"):
            raise BadValue(f"A budget of {self.seconds:g} s is none. Give minutes above 0.")

    @classmethod
    def of_minutes(cls, minutes: float) -> Budget:
        """Return the budget that ``--budget`` gives in minutes."""
        return cls(60.0 * minutes)

    def share(self, fraction: float) -> float:
        """Return what one training may take of it (s), ``fraction`` from 0 to 1."""
        return self.seconds * fraction


class ExperimentFolder:
    """A folder that keeps what every finished stage of an experiment found.

    Parameters
    ----------
    folder
        Made if missing; the first use writes the settings there.
    settings
        Everything that decides the results, as values that JSON knows.

    Raises
    ------
    OtherSettings
        The folder holds an experiment with other settings: the two would be mixed up.
    WriteProblem
        The disk refuses.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings)))
        path = folder / "settings.json"
        there = _read_json(path)
        if there is None:
            _write_json(path, self.settings)
        elif there != self.settings:
            raise OtherSettings(
                folder,
                f"holds an experiment with other settings ({_differences(there, self.settings)})",
                "Choose another folder with -o, or give the settings it was begun with.",
            )

    def done(self, stage: str) -> Figures | None:
        """Return what ``stage`` found; None if it is not finished, or its record is torn."""
        record = _read_json(self._record_path(stage))
        figures = None if record is None else record.get("figures")
        return figures if isinstance(figures, dict) else None

    def forget(self, stage: str) -> None:
        """Let ``stage`` be done again."""
        self._record_path(stage).unlink(missing_ok=True)

    def keep(self, stage: str, figures: Mapping[str, Any], seconds: float = 0.0) -> None:
        """Keep what ``stage`` found, values that JSON knows, the time it took, and on what.

        Raises
        ------
        WriteProblem
            The disk refuses.
        """
        record = {"figures": dict(figures), "seconds": seconds, "versions": versions_of(PACKAGES)}
        _write_json(self._record_path(stage), record)

    @property
    def seconds(self) -> float:
        """What all finished stages took together; what was interrupted and redone is not in it."""
        records = (_read_json(path) for path in (self.folder / "stages").glob("*.json"))
        return sum(float(record.get("seconds", 0.0)) for record in records if record)

    def model_path(self, stage: str) -> Path:
        """Where the model that ``stage`` trains belongs."""
        return self.folder / "models" / f"{stage}.safetensors"

    def picture_path(self, stage: str) -> Path:
        """Where the picture that ``stage`` makes belongs."""
        return self.folder / "pictures" / f"{stage}.png"

    @property
    def report_path(self) -> Path:
        """Where the report belongs."""
        return report_path(self.folder)

    def _record_path(self, stage: str) -> Path:
        return self.folder / "stages" / f"{stage}.json"


def results_there(folder: Path) -> list[Path]:
    """Return the report of an experiment and all files that lie where its results will.

    An experiment writes into folders of its own, and finds its earlier results there.
    """
    inside = ("stages", "models", "pictures", "denoised", "halves", "clean")
    found = [path for name in inside for path in (folder / name).rglob("*")]
    there = [path for path in found if not path.is_dir() and path.name[0] != "."]
    return [report_path(folder), folder / "settings.json", *there]


def report_path(folder: Path) -> Path:
    """Return where the report of an experiment belongs."""
    return folder / "report.html"


@dataclass(frozen=True)
class ExperimentStage:
    """A part of an experiment that is done once.

    Attributes
    ----------
    name
        Of its record; a file may be called so.
    title
        What is being done, for people: ``"training the paper's network"``.
    make
        Does it: yields progress, returns what was found as values that JSON knows. Where they
        hold ``"seconds"``, that is the time it took (a training knows what it took before it was
        interrupted).
    files
        What it leaves behind; where one of them is missing, it is done again.
    needs
        Names of stages whose results it uses; where one of them is done again, so is this.
    seconds
        What it may take, where that is known beforehand.
    """

    name: str
    title: str
    make: Callable[[], Steps[Figures]]
    files: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """What it is one of: the first word of its name."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentProgress(Progress):
    """``step`` of the ``number``-th (from 1) of ``count`` stages, which is called ``title``.

    ``seconds_left`` is that of this stage and of all that follow, as far as it can be told: by
    what they may take, or by what others of their kind took.
    """

    title: str
    number: int
    count: int
    step: Progress

    @classmethod
    def of(
        cls, step: Progress, title: str, number: int, count: int, seconds_after: float = 0.0
    ) -> ExperimentProgress:
        """Return ``step``, with whose it is; ``seconds_after``: what all later stages will take."""
        left = (step.seconds_left or 0.0) + seconds_after or None
        return cls(
            step.stage,
            step.done,
            step.total,
            left,
            title=title,
            number=number,
            count=count,
            step=step,
        )

    @property
    def fraction(self) -> float:
        """The share of this stage that is done, 0 to 1."""
        return self.step.fraction

    @property
    def text(self) -> str:
        """Which stage of how many, and how far it is."""
        return f"{self.number} of {self.count}, {self.title}: {self.step.text}"


def carry_out_steps(
    stages: Sequence[ExperimentStage],
    records: ExperimentFolder,
    stop: Stop,
    *,
    first: int = 1,
    count: int | None = None,
    seconds_after: float = 0.0,
) -> Generator[ExperimentProgress, None, dict[str, Figures]]:
    """Do those stages that are not done yet, in their order; return what each found, by name.

    Where what is to be done depends on what was found, they are carried out in parts: ``first``
    is the number of this part's first stage, ``count`` that of all, ``seconds_after`` what the
    parts that follow will take, as far as known.

    Raises
    ------
    Interrupted
        ``stop`` became true; the stage in hand is not finished and will be done again, or go on
        where it is a training.
    N2NError
        As the stages do.
    """
    found: dict[str, Figures] = {}
    took: dict[str, float] = {}
    count = len(stages) if count is None else count
    for index, stage in enumerate(stages):
        known = records.done(stage.name)
        if known is None or not all(path.exists() for path in stage.files):
            later = stages[index + 1 :]
            # A training writes its model long before it is finished.
            records.forget(stage.name)
            for dependent in later:
                if stage.name in dependent.needs:
                    records.forget(dependent.name)
            after = seconds_after + sum(
                took.get(other.kind, 0.0) if other.seconds is None else other.seconds
                for other in later
                if records.done(other.name) is None
            )
            told = partial(_told, title=stage.title, number=first + index, count=count, after=after)
            started = monotonic()
            known = yield from passed_on(_made(stage, records, stop), told)
            took[stage.kind] = monotonic() - started
        found[stage.name] = known
    return found


def _told(
    step: Progress, *, title: str, number: int, count: int, after: float
) -> tuple[ExperimentProgress]:
    return (ExperimentProgress.of(step, title, number, count, after),)


def _made(stage: ExperimentStage, records: ExperimentFolder, stop: Stop) -> Steps[Figures]:
    started = monotonic()
    figures = yield from stoppable(stage.make(), stop)
    if stop():  # a training that is stopped returns what it has, which is not what was asked for
        raise Interrupted
    records.keep(stage.name, figures, float(figures.get("seconds", monotonic() - started)))
    return figures


def _read_json(path: Path) -> dict[str, Any] | None:
    """Return what is at ``path``; None where there is nothing, or nothing whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(content, dict):
        content.pop(CREATOR, None)
        return content
    return None


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with write_atomically(path) as beside:
        # The first key says whose the file is, see `napari_n2n.io.outputs`.
        marked = {CREATOR: __version__, **content}
        beside.write_text(json.dumps(marked, indent=1), encoding="utf-8")


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    told = [
        f"{name}: {_short(there.get(name))} there, {_short(here.get(name))} now"
        for name in names[:_DIFFERENCES_TOLD]
    ]
    return "; ".join(told) + (" and others" if len(names) > _DIFFERENCES_TOLD else "")


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST_TOLD else text[: _LONGEST_TOLD - 1] + "…"
