"""The screening of a queue of files: each is done once, its results kept, its faults told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from napari_n2n import quality
from napari_n2n.errors import FileProblem, N2NError, WriteProblem
from napari_n2n.io import Micrograph
from napari_n2n.progress import Interrupted, Progress, Steps, Stop, never, passed_on
from napari_n2n.workflow.contrast import say_contrast
from napari_n2n.workflow.find_particles import find_particles_steps
from napari_n2n.workflow.screening.asked_before import keep_asked
from napari_n2n.workflow.screening.file_records import FileRecords
from napari_n2n.workflow.screening.measuring import measured_steps, with_score
from napari_n2n.workflow.screening.outcomes import ScreeningSummary, ScreenOutcome, ScreenProgress
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
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.session import Session
    from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
    from napari_n2n.workflow.screening.queue import Queue
    from napari_n2n.workflow.screening.settings import ScreenSettings

T = TypeVar("T")

SETTINGS_KEY = "screening"
"""The session's setting that tells, in words, how its micrographs were screened last."""

_PATIENCE_SECONDS = 0.2
# How near to a particle that a person has marked a pick is that one, of the diameter.
_KEEP_FRACTION = 0.5


def screen_steps(
    session: Session, queue: Queue, settings: ScreenSettings, stop: Stop = never
) -> Generator[ScreenProgress, None, ScreeningSummary]:
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
    say_contrast(session, settings.contrast)
    session.set_setting(SETTINGS_KEY, in_words(settings, denoiser))
    keep_asked(session, settings)
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
            outcome = yield from run.one(path)
        except Interrupted:
            break
        yield run.progress(path, outcome.micrograph, Progress("done", 1, 1), outcome)
    return ScreeningSummary(run.done, run.reused, run.failed, stop())


class _Run:
    """One screening: what it works with, and how far it is."""

    def __init__(
        self,
        session: Session,
        queue: Queue,
        settings: ScreenSettings,
        denoiser: Denoiser,
        stop: Stop,
    ) -> None:
        self.session = session
        self.queue = queue
        self.settings = settings
        self.denoiser = denoiser
        self.stop = stop
        self._digests: dict[float | None, ResultsFingerprint] = {}
        self.records = FileRecords(session)
        self.done = self.reused = self.failed = 0
        self.seconds = 0.0

    def progress(
        self,
        path: Path | None,
        record: int | None,
        step: Progress,
        outcome: ScreenOutcome | None = None,
    ) -> ScreenProgress:
        waiting = len(self.queue)
        each = self.seconds / self.done if self.done else None
        left = None if each is None or not waiting else each * waiting
        finished = self.done + self.reused + self.failed
        return ScreenProgress(
            step.stage,
            step.done,
            step.total,
            left,
            path=path,
            micrograph=record,
            finished=finished,
            waiting=waiting,
            outcome=outcome,
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
        self.session.micrographs.set_state(record, "failed", str(error))
        return ScreenOutcome(path, record, error=error, seconds=monotonic() - started)

    def _put_back(self, path: Path, record: int) -> None:
        """Let a file be the next to be taken, should someone go on with this queue."""
        self.queue.add([path])
        self.queue.prefer(path)
        with suppress(N2NError):
            # Another window may have done it meanwhile; and what is done stays so if it was only
            # to be picked anew.
            if self.records.state_of(record) == "working":
                known = self.session.micrographs.made_with(record)
                self.session.micrographs.set_state(record, "done" if known else "waiting")

    def _screened(
        self, path: Path, record: int, started: float
    ) -> Generator[ScreenProgress, None, ScreenOutcome]:
        settings = self.settings.of_file(path)
        wanted = made_with(path, self._digest_of(settings))
        kept = self.session.micrographs.made_with(record)
        acquired = path.stat().st_mtime  # now: it may be moved away in the meantime
        results = results_of(self.session.path, path)
        known = results.are_there and wanted.has_same_pictures(kept)
        if known and wanted.asks_no_more_than(kept):
            figures, reasons = with_score(self.records.figures_of(record))
            if self.records.state_of(record) != "done":
                self.session.micrographs.set_state(record, "done")
            return ScreenOutcome(path, record, figures, reasons, reused=True)
        self.session.micrographs.set_state(record, "working")
        micrograph, made = yield from self._micrograph(path, record, results, settings, kept=known)
        figures = self.records.figures_of(record) if made is None else made
        # Only now is the shape known for certain: an EER may be rendered larger.
        height, width = micrograph.pixels.shape
        self.session.micrographs.find_or_add(
            path, shape=(height, width), pixel_size_angstrom=micrograph.pixel_size_angstrom
        )
        if micrograph.halves is not None:
            self.session.micrographs.set_first_frame_shift(
                record, micrograph.halves.first_frame_shift_px
            )
        left = self._leaves_particles(record, kept)
        particles, notes = yield from self._particles(path, record, micrograph, left=left)
        figures, reasons = with_score({**figures, **particles})
        self.session.micrographs.set_figures(
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
            (*micrograph.notes, *notes),
            seconds=monotonic() - started,
        )

    def _micrograph(
        self,
        path: Path,
        record: int,
        results: ResultFiles,
        settings: ScreenSettings,
        *,
        kept: bool,
    ) -> Generator[ScreenProgress, None, tuple[DenoisedMicrograph, dict[str, float] | None]]:
        """Read what was ``kept`` of a file, or make, measure and write it.

        Returns the micrograph, and its figures; None: they were kept as well.
        """
        size = settings.movies.recording.pixel_size_angstrom
        if kept and results.sum.exists():
            return replace(read_pictures(results, size), contrast=settings.contrast), None
        opened = settings.movies.open_grey_field(path)
        # Of a movie, the sum is missing.
        if kept and isinstance(opened, Micrograph):
            seen = read_pictures(results, size, opened)
            return replace(seen, contrast=settings.contrast), None
        measuring = measured_steps(opened, self.denoiser, settings, self.stop)
        micrograph, figures = yield from self._reported(path, record, measuring)
        yield self.progress(path, record, Progress("writing", 0, 1))
        for _ in write_pictures(results, micrograph):
            if self.stop():
                raise Interrupted
        return micrograph, figures

    def _digest_of(self, settings: ScreenSettings) -> ResultsFingerprint:
        """Return the digest of the settings for a file: that of each pixel size is made once."""
        size = settings.movies.recording.pixel_size_angstrom
        if size not in self._digests:
            self._digests[size] = settings_digest(settings, self.denoiser)
        return self._digests[size]

    def _leaves_particles(self, record: int, kept: str) -> bool:
        """Whether there are particles that were not picked here, where some were to be picked."""
        if self.settings.diameter_angstrom is None or ResultsFingerprint.has_picks(kept):
            return False
        return len(self.session.marks.particles(record)) > 0

    def _particles(
        self, path: Path, record: int, micrograph: DenoisedMicrograph, *, left: bool
    ) -> Generator[ScreenProgress, None, tuple[dict[str, float], tuple[str, ...]]]:
        """Pick particles if that is wanted, and return their figures and what to note."""
        diameter, size = self.settings.diameter_angstrom, micrograph.pixel_size_angstrom
        notes: tuple[str, ...] = ()
        there = len(self.session.marks.particles(record)) > 0
        if diameter is not None and size is None:
            notes = ("No particles were picked: the pixel size is unknown. Give it, in Å.",)
        elif left:
            notes = ("It had particles already; they were left as they were.",)
        elif diameter is not None and size is not None:
            finding = find_particles_steps(
                micrograph, diameter, template=self.settings.template, stop=self.stop
            )
            picks = yield from self._reported(path, record, finding)
            notes = picks.notes
            self.session.marks.replace_picks(
                record, picks.particles, distance_px=_KEEP_FRACTION * diameter / size
            )
            self.session.marks.set_threshold(record, picks.threshold)
            there = True
        if not there:
            return {}, notes
        particles = self.session.marks.particles(record).particles
        threshold = self.session.marks.threshold(record)
        if threshold is not None:
            by_person = particles.given_by == "person"
            particles = particles[by_person | ~(particles.scores < threshold)]
        shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
        return quality.particle_figures(particles.centres_px, particles.labels, shape, size), notes

    def _reported(
        self, path: Path, record: int, steps: Steps[T]
    ) -> Generator[ScreenProgress, None, T]:
        """Run ``steps`` to their end, saying whose they are; rest while the queue is paused."""

        def told(step: Progress) -> Iterator[ScreenProgress]:
            yield self.progress(path, record, step)
            while self.queue.is_paused and not self.stop():
                yield self.progress(path, record, Progress("paused", step.done, step.total))
                self.queue.wait(_PATIENCE_SECONDS)

        return passed_on(steps, told)
