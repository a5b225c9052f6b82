"""The screening of a queue of files: each is done once, its results kept, its faults told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from napari_n2n import quality
from napari_n2n.denoising.interruption import Interrupted
from napari_n2n.errors import FileProblem, N2NError, WriteProblem
from napari_n2n.io import Micrograph
from napari_n2n.progress import Progress, passed_on
from napari_n2n.workflow.screening.making import (
    MicrographImages,
    find_particles,
    make_pictures,
    with_score,
)
from napari_n2n.workflow.screening.outcomes import ScreenedMicrograph, ScreenOutcome, ScreenProgress
from napari_n2n.workflow.screening.registering import FileRecords
from napari_n2n.workflow.screening.results import (
    ResultFiles,
    read_pictures,
    results_of,
    write_pictures,
)
from napari_n2n.workflow.screening.settings import (
    ResultsFingerprint,
    in_words,
    made_with,
    settings_digest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.session import Session
    from napari_n2n.workflow.screening.queue import Queue
    from napari_n2n.workflow.screening.settings import ScreenSettings

T = TypeVar("T")

SETTINGS_KEY = "screening"
"""The session's setting that tells, in words, how its micrographs were screened last."""

_PATIENCE_SECONDS = 0.2
# How near to a particle that a person has marked a pick is that one, of the diameter.
_KEEP_FRACTION = 0.5


Steps = Generator[ScreenProgress | ScreenOutcome, None, ScreenedMicrograph]


def screen(
    session: Session, queue: Queue, settings: ScreenSettings, stop: Callable[[], bool]
) -> Steps:
    """Screen the files of a queue until nothing waits and no more will come.

    Of each file: a movie is aligned, the sum is denoised, figures are taken, particles picked if
    there is a diameter. Pictures are written where `results_of` says, the rest into the session,
    where the micrograph's state tells how far it is. What was done before with the same content
    and settings is not done again. What fails is told, and stops nobody else.

    Parameters
    ----------
    session, queue, settings
        Other threads may use session and queue meanwhile.
    stop
        Once true, this ends within a second; the file in hand counts as not begun.

    Raises
    ------
    CheckpointProblem
        There is no such model.
    WriteProblem
        The session or the results cannot be written: the disk is full, or read-only.
    """
    denoiser = settings.model()
    run = _Run(session, queue, settings, denoiser, stop)
    yield run.progress(None, None, Progress("starting", 0, 1))
    diameter = settings.diameter_angstrom
    if diameter is not None and session.setting("diameter_angstrom") is None:
        session.set_setting("diameter_angstrom", diameter)
    session.set_setting(SETTINGS_KEY, in_words(settings, denoiser))
    while not (stop() or queue.is_over):
        listed = run.records.add(queue.waiting())
        if listed:
            yield run.progress(None, None, Progress("listing files", listed, listed))
        path = queue.take()
        if path is None:
            stage = "paused" if queue.is_paused else "waiting for files"
            yield run.progress(None, None, Progress(stage, 0, 1))
            queue.wait(_PATIENCE_SECONDS)
            continue
        try:
            yield (yield from run.one(path))
        except Interrupted:
            break
    return ScreenedMicrograph(run.done, run.reused, run.failed, stop())


class _Run:
    """One screening: what it works with, and how far it is."""

    def __init__(
        self,
        session: Session,
        queue: Queue,
        settings: ScreenSettings,
        denoiser: Denoiser,
        stop: Callable[[], bool],
    ) -> None:
        self.session = session
        self.queue = queue
        self.settings = settings
        self.denoiser = denoiser
        self.stop = stop
        self.digest = settings_digest(settings, denoiser)
        self.records = FileRecords(session)
        self.done = self.reused = self.failed = 0
        self.seconds = 0.0

    def progress(self, path: Path | None, record: int | None, step: Progress) -> ScreenProgress:
        waiting = len(self.queue)
        each = self.seconds / self.done if self.done else None
        left = None if each is None or not waiting else each * waiting
        finished = self.done + self.reused + self.failed
        return ScreenProgress(
            path, record, step.stage, step.done, step.total, finished, waiting, left
        )

    def one(self, path: Path) -> Generator[ScreenProgress, None, ScreenOutcome]:
        """Do one file, whatever comes of it.

        Raises
        ------
        Interrupted
            Someone stopped it.
        WriteProblem
            Nothing can be written.
        """
        started = monotonic()
        record = self.records.id_of(path)
        try:
            outcome = yield from self._screened(path, record, started)
        except (Interrupted, WriteProblem, GeneratorExit, KeyboardInterrupt):
            self._put_back(path, record)
            raise
        except N2NError as error:
            return self._failure(path, record, error, started)
        except MemoryError:
            problem = FileProblem(
                path, "needs more memory than is free", "Close other programs and screen it again."
            )
            return self._failure(path, record, problem, started)
        except Exception as fault:
            # A fault of this program's own: it shall not cost the rest of the night.
            problem = FileProblem(
                path,
                f"brought a fault in napari-n2n to light ({type(fault).__name__}: {fault})",
                "Please report it, with the file if you can.",
            )
            problem.__cause__ = fault
            return self._failure(path, record, problem, started)
        if outcome.reused:
            self.reused += 1
        else:
            self.done += 1
            self.seconds += outcome.seconds
        return outcome

    def _failure(self, path: Path, record: int, error: N2NError, started: float) -> ScreenOutcome:
        if not isinstance(error, FileProblem):
            error = N2NError(f"{path}: {error}")
        self.failed += 1
        self.session.set_state(record, "failed", str(error))
        return ScreenOutcome(path, record, error=error, seconds=monotonic() - started)

    def _put_back(self, path: Path, record: int) -> None:
        """Let a file be the next to be taken, should someone go on with this queue."""
        self.queue.add([path])
        self.queue.prefer(path)
        with suppress(N2NError):
            # Another window may have done it meanwhile; and what is done stays so if it was only
            # to be picked anew.
            if self.records.state_of(record) == "working":
                known = self.session.made_with(record)
                self.session.set_state(record, "done" if known else "waiting")

    def _screened(
        self, path: Path, record: int, started: float
    ) -> Generator[ScreenProgress, None, ScreenOutcome]:
        wanted = made_with(path, self.digest)
        kept = self.session.made_with(record)
        acquired = path.stat().st_mtime  # now: it may be moved away in the meantime
        results = results_of(self.session.path, path)
        known = results.are_there and wanted.has_same_pictures(kept)
        if known and wanted.asks_no_more_than(kept):
            figures, reasons = with_score(self.records.figures_of(record))
            if self.records.state_of(record) != "done":
                self.session.set_state(record, "done")
            return ScreenOutcome(path, record, figures, reasons, reused=True)
        self.session.set_state(record, "working")
        pictures = yield from self._pictures(path, record, results, kept=known)
        made = pictures.figures
        figures = self.records.figures_of(record) if made is None else made
        # Only now is the shape known for certain: an EER may be rendered larger.
        height, width = pictures.raw.shape
        self.session.micrograph(
            path, shape=(height, width), pixel_size_angstrom=pictures.pixel_size_angstrom
        )
        left = self._leaves_particles(record, kept)
        particles, notes = yield from self._particles(path, record, pictures, left=left)
        figures, reasons = with_score({**figures, **particles})
        self.session.keep_figures(
            record,
            figures,
            made_with=wanted.leaving_particles() if left else wanted.beside(kept),
            acquired=acquired,
        )
        return ScreenOutcome(
            path,
            record,
            figures,
            reasons,
            (*pictures.notes, *notes),
            seconds=monotonic() - started,
        )

    def _pictures(
        self, path: Path, record: int, results: ResultFiles, *, kept: bool
    ) -> Generator[ScreenProgress, None, MicrographImages]:
        """Read what was ``kept`` of a file, or make and write it."""
        if kept and results.sum.exists():
            return self._load(results)
        opened = self.settings.movies.open_grey_field(path)
        # Of a movie, the sum is missing.
        if kept and isinstance(opened, Micrograph):
            return self._load(results, opened)
        making = make_pictures(opened, self.denoiser, self.settings, self.stop)
        pictures = yield from self._reported(path, record, making)
        yield self.progress(path, record, Progress("writing", 0, 1))
        self._write(results, pictures)
        return pictures

    def _leaves_particles(self, record: int, kept: str) -> bool:
        """Whether there are particles that were not picked here, where some were to be picked."""
        if self.settings.diameter_angstrom is None or ResultsFingerprint.has_picks(kept):
            return False
        return len(self.session.particles(record)) > 0

    def _particles(
        self, path: Path, record: int, pictures: MicrographImages, *, left: bool
    ) -> Generator[ScreenProgress, None, tuple[dict[str, float], tuple[str, ...]]]:
        """Pick particles if that is wanted, and return their figures and what to note."""
        diameter, size = self.settings.diameter_angstrom, pictures.pixel_size_angstrom
        notes: tuple[str, ...] = ()
        there = len(self.session.particles(record)) > 0
        if diameter is not None and size is None:
            notes = ("No particles were picked: the pixel size is unknown. Give it, in Å.",)
        elif left:
            notes = ("It had particles already; they were left as they were.",)
        elif diameter is not None and size is not None:
            finding = find_particles(pictures, diameter, self.stop)
            picks = yield from self._reported(path, record, finding)
            notes = picks.notes
            self.session.replace_picks(
                record, picks.particles, distance_px=_KEEP_FRACTION * diameter / size
            )
            self.session.set_threshold(record, picks.threshold)
            there = True
        if not there:
            return {}, notes
        particles = self.session.particles(record).particles
        threshold = self.session.threshold(record)
        if threshold is not None:
            by_person = particles.given_by == "person"
            particles = particles[by_person | ~(particles.scores < threshold)]
        shape = (pictures.raw.shape[0], pictures.raw.shape[1])
        return quality.particle_figures(particles.centres_px, particles.labels, shape, size), notes

    def _reported(
        self, path: Path, record: int, steps: Generator[Progress, None, T]
    ) -> Generator[ScreenProgress, None, T]:
        """Run ``steps`` to their end, saying whose they are; rest while the queue is paused."""

        def told(step: Progress) -> Iterator[ScreenProgress]:
            yield self.progress(path, record, step)
            while self.queue.is_paused and not self.stop():
                yield self.progress(path, record, Progress("paused", step.done, step.total))
                self.queue.wait(_PATIENCE_SECONDS)

        return passed_on(steps, told)

    def _load(self, results: ResultFiles, opened: Micrograph | None = None) -> MicrographImages:
        size = self.settings.movies.recording.pixel_size_angstrom
        kept = read_pictures(results, size, opened)
        return MicrographImages(kept.raw, kept.denoised, kept.pixel_size_angstrom)

    def _write(self, results: ResultFiles, pictures: MicrographImages) -> None:
        for _ in write_pictures(
            results,
            pictures.raw,
            pictures.denoised,
            pictures.pixel_size_angstrom,
            is_movie=pictures.is_movie,
        ):
            self._require_going()

    def _require_going(self) -> None:
        if self.stop():
            raise Interrupted
