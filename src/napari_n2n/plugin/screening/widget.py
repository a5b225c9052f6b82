"""The Screening widget: a night's micrographs judged in one sitting, and nothing lost."""

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QWidget

from napari_n2n.errors import N2NError
from napari_n2n.plugin.screening.actions import VerdictActions
from napari_n2n.plugin.screening.current import CurrentMicrograph
from napari_n2n.plugin.screening.dock import ScreeningDock
from napari_n2n.plugin.screening.exports import open_in_browser, report_to
from napari_n2n.plugin.screening.jobs import HeldSession, ScreeningJob, SharedSession, summary_of
from napari_n2n.plugin.screening.learnt_score import OwnScore
from napari_n2n.plugin.screening.panel import ScreeningPanel
from napari_n2n.plugin.screening.verdicts import MicrographVerdicts
from napari_n2n.plugin.shared.keys import name_of
from napari_n2n.quality import overall
from napari_n2n.session import open_session
from napari_n2n.workflow.screening.columns import progress_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_n2n.export.selection import ExportOutcome
    from napari_n2n.workflow.screening import ScreeningSummary, ScreenOutcome, ScreenProgress

_LOOK_MS = 1500  # between two looks whether another window has judged
_SOONEST_RELOAD_MS = 250
_INVITATION = "Choose a folder of movies or micrographs, and press Screen."
_HOW = "K keeps, R rejects, Space goes on, U takes back."


class ScreeningWidget(ScreeningPanel):
    """Screens files in the background, lets a person judge them, and hands on the kept ones.

    Parameters
    ----------
    viewer
        Where micrographs are shown.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.judging = MicrographVerdicts(self)
        self.dock = ScreeningDock(viewer, self.judging, self)
        self.sitting = VerdictActions(self.judging, self.dock, self)
        self.showing = CurrentMicrograph(
            viewer, self.judging, self.dock.model, self.dock.folio.spectrum, self.sitting.act, self
        )
        self.job = ScreeningJob(self)
        self.own_score = OwnScore(self.judging, self)
        self._held = HeldSession()
        self._has_left = False
        self._reloading = QTimer(self)
        self._reloading.setSingleShot(True)
        self._reloading.timeout.connect(self._reload)
        self._looking = QTimer(self)
        self._looking.setInterval(_LOOK_MS)
        self._looking.timeout.connect(self._look_for_others)
        # However the window goes, the file is closed: closing folds the log back into it.
        self.destroyed.connect(self._held.close)
        self._connect()
        self.view.show_mode(self.showing.view.comparison.mode)
        self._looking.start()
        self.progress.say(_INVITATION)
        self._refresh()

    def _connect(self) -> None:
        judging, folio = self.judging, self.dock.folio
        self.form.filesChosen.connect(self._on_files_chosen)
        self.form.valueChanged.connect(self._refresh)
        self.screen_button.clicked.connect(self._on_screen_clicked)
        self.pause_button.clicked.connect(self._on_pause_clicked)
        for button, action in (
            (self.keep_button, "keep"),
            (self.reject_button, "reject"),
            (self.next_button, "next_undecided"),
            (self.undo_button, "undo"),
            (self.redo_button, "redo"),
        ):
            button.clicked.connect(partial(self._act, action))
        self.reasons.chosen.connect(lambda digit: self.sitting.act(f"reject_{digit}"))
        self.move_on.toggled.connect(self._on_move_on)
        self.sitting.said.connect(self.say)
        self.sitting.asked.connect(self.reasons.ask)
        self.folio_button.clicked.connect(self.dock.show)
        self.dock.shownChanged.connect(self.folio_button.setChecked)
        self.view.modeChosen.connect(self.showing.view.comparison.set_mode)
        self.showing.view.comparison.modeChanged.connect(self.view.show_mode)
        self.showing.shown.connect(self._show_current)
        folio.keyPressed.connect(self.showing.keys.press)
        folio.bar.keepClicked.connect(lambda: self.sitting.judge_selected("keep"))
        folio.bar.rejectChosen.connect(partial(self.sitting.judge_selected, "reject"))
        self.export.kind.currentIndexChanged.connect(lambda _: self._refresh())
        self.export.export_button.clicked.connect(lambda: self.export_kept())
        self.export.report_button.clicked.connect(lambda: self.write_summary())
        self.job.progressed.connect(self._on_progress)
        self.job.outcome.connect(self._on_outcome)
        self.job.ended.connect(self._on_ended)
        self.job.failed.connect(self._on_failure)
        self.job.finished.connect(self._on_finished)
        judging.changed.connect(self._refresh)
        judging.judgedRows.connect(self._refresh)
        judging.currentChanged.connect(self._on_current_changed)
        judging.failed.connect(self._on_failure)
        judging.noted.connect(self.say)

    # What can be done.

    def screen(self) -> None:
        """Screen what is chosen, in the background; what was done before is not done again."""
        choice = self.form.value()
        if self.job.busy or not choice.files:
            return
        try:
            found = choice.found()
            self._open(found.folder, make=True)
        except N2NError as problem:
            self._on_failure(str(problem))
            return
        assert self._held.shared is not None
        self.progress.begin("Starting…")
        self.dock.folio.take_keys()
        self.job.start(
            self._held.shared, found.inputs.paths, choice, found.inputs.pixel_size_angstrom
        )
        self._refresh()

    def export_kept(self, path: Path | None = None) -> None:
        """Write what is chosen below, where the user says."""
        kind, session = self.export.value(), self.judging.session
        if session is None:
            return
        path = path or self.export.ask_for_file(kind.title, session.path.parent / kind.proposed)
        if path is not None:
            self._hand_on(lambda: kind.write(path, session))

    def write_summary(self, path: Path | None = None) -> None:
        """Write the summary page where the user says, and show it."""
        session = self.judging.session
        if session is None:
            return
        asked = path is None
        path = path or self.export.ask_for_file(
            "Summary report", session.path.parent / "screening-report.html"
        )
        if path is not None and self._hand_on(lambda: report_to(path, session)) and asked:
            open_in_browser(path)

    def leave(self) -> None:
        """Stop everything and give back layers and keys; verdicts are kept."""
        if self._has_left:
            return
        self._has_left = True
        self._looking.stop()
        self._reloading.stop()
        self.job.stop()
        self.own_score.leave()
        self.showing.leave()
        self.dock.leave()
        self._close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let the keys work while the mouse is in this panel as well."""
        assert event is not None
        if event.isAutoRepeat() or not self.showing.keys.press(name_of(event)):
            super().keyPressEvent(event)

    # Sessions.

    def _on_files_chosen(self) -> None:
        choice = self.form.value()
        if self.job.busy or not choice.files:
            return
        try:
            found = choice.found()
            opened = self._open(found.folder, make=False)
        except N2NError as problem:
            self._close()
            self._on_failure(str(problem))
            return
        if not opened:
            self._close()
            count = len(found.inputs.paths)
            self.progress.say(f"{count:,} files. Press Screen." if count else "Press Screen.")
        self._refresh()

    def _open(self, folder: Path, *, make: bool) -> bool:
        """Open the session of a folder unless it is open; False: there is none."""
        current = self.judging.session
        if current is not None and current.path.parent == folder:
            return True
        opened = open_session(folder, make=make)
        if opened is None:
            return False
        shared, note = SharedSession(opened.session), opened.note
        self._close()
        self._held.shared = shared
        self._looking.start()  # it rests where it failed
        self.dock.thumbnails.set_session(shared.session.path)
        self.judging.open(shared.session)
        self.showing.open()
        self.dock.show(True)
        self.dock.folio.take_keys()
        self.sitting.go_to_first()
        self.say(note or f"As it was left. {_HOW} Screen takes what is new.")
        return True

    def _close(self) -> None:
        if self._held.shared is not None:
            self.judging.close()
            self.showing.open()
            self._held.close()

    def _reload(self) -> None:
        """Read all anew; the longer that takes, the later again."""
        began = perf_counter()
        self.judging.reload()
        self.dock.thumbnails.forget_missing()
        took_ms = 1000 * (perf_counter() - began)
        self._reloading.setInterval(round(max(_SOONEST_RELOAD_MS, 15 * took_ms)))
        self.sitting.go_to_first()

    def _reload_soon(self) -> None:
        if not self._reloading.isActive():
            self._reloading.start()

    def _look_for_others(self) -> None:
        """Show what another window has judged."""
        session = self.judging.session
        try:
            if session is not None and session.changed_elsewhere():
                self._reload_soon()
        except N2NError as problem:
            self._looking.stop()
            self._on_failure(str(problem))

    # What the job tells.

    def _on_screen_clicked(self) -> None:
        if self.job.busy:
            self.job.stop()
            self._refresh()
        else:
            self.screen()

    def _on_pause_clicked(self) -> None:
        self.job.set_paused(not self.job.queue.is_paused)
        self._refresh()

    def _on_progress(self, step: "ScreenProgress") -> None:
        total = step.finished + step.waiting + (step.path is not None)
        self.progress.bar.setValue(round(1000 * step.fraction))
        self.progress.bar.setFormat(f"{step.finished:,} of {total:,}")
        self.progress.say(step.sentence)
        if step.stage == "listing files":
            self._reload_soon()

    def _on_outcome(self, outcome: "ScreenOutcome") -> None:
        self.dock.thumbnails.forget(outcome.path)
        if not self.judging.refresh([outcome.micrograph]):
            self._reload_soon()
        if not (outcome.reused and self.showing.is_shown):
            self.showing.made_anew(outcome.micrograph)
        self.sitting.go_to_first()

    def _on_ended(self, result: "ScreeningSummary") -> None:
        self.progress.say(summary_of(result))

    def _on_finished(self) -> None:
        self.progress.end()
        self._reload()
        self._refresh()

    def _on_failure(self, sentence: str) -> None:
        self.say(sentence)
        show_error(sentence)

    def _hand_on(self, write: "Callable[[], ExportOutcome]") -> bool:
        """Write something, and tell what came of it."""
        try:
            done = write()
        except N2NError as problem:
            self._on_failure(str(problem))
            return False
        self.say(" ".join([done.sentence, *done.notes]))
        return True

    # What is shown.

    def _on_current_changed(self) -> None:
        judging = self.judging
        row = judging.row_of(judging.current)
        self.job.prefer(None if row is None else judging.overview.paths[row])
        self._show_current()

    def _on_move_on(self, moves_on: bool) -> None:
        self.sitting.moves_on = moves_on

    def _act(self, action: str, _: bool = False) -> None:
        self.sitting.act(action)

    def _refresh(self, *_: object) -> None:
        overview, job = self.judging.overview, self.job
        undo, redo = self.judging.history_texts()
        self.show_state(
            running=job.busy,
            stopping=job.stopping,
            paused=job.queue.is_paused,
            ready=bool(self.form.value().files),
            total=len(overview.ids),
            undo=undo,
            redo=redo,
        )
        judged = int((overview.verdicts != "undecided").sum())
        self.show_judged(progress_text(overview), judged, len(overview.ids))
        kept = int((overview.verdicts == "keep").sum())
        self.export.show_state(kept=kept, total=len(overview.ids))
        self._show_current()

    def _show_current(self) -> None:
        overview, row = self.judging.overview, self.judging.row_of(self.judging.current)
        if row is None:
            self.show_micrograph("", "undecided", "", None, ())
            return
        figures = {name: float(values[row]) for name, values in overview.figures.items()}
        known = np.isfinite(figures.get("score", np.nan))
        told = self.showing.message() or "; ".join(overall(figures).reasons if known else ())
        self.show_micrograph(
            overview.names[row],
            str(overview.verdicts[row]),
            str(overview.reasons[row]),
            figures["score"] if known else None,
            (told,) if told else (),
        )
