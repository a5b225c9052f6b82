"""The Screening widget: a night's micrographs judged in one sitting, and nothing lost."""

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.utils.notifications import show_error, show_info
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
from napari_n2n.workflow.contrast import BRIGHT, contrast_said_in
from napari_n2n.workflow.screening import asked_before
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
        self.verdicts = MicrographVerdicts(self)
        self.dock = ScreeningDock(viewer, self.verdicts, self)
        self.verdict_actions = VerdictActions(self.verdicts, self.dock, self)
        self.current = CurrentMicrograph(
            viewer,
            self.verdicts,
            self.dock.model,
            self.dock.overview.spectrum,
            self.verdict_actions.act,
            self,
        )
        self.job = ScreeningJob(self)
        self.own_score = OwnScore(self.verdicts, self)
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
        self.view.show_mode(self.current.view.comparison.mode)
        self._looking.start()
        self.progress.say(_INVITATION)
        self._refresh()

    def _connect(self) -> None:
        verdicts, overview = self.verdicts, self.dock.overview
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
        self.reasons.chosen.connect(lambda digit: self.verdict_actions.act(f"reject_{digit}"))
        self.move_on.toggled.connect(self._on_move_on)
        self.verdict_actions.said.connect(self.say)
        self.verdict_actions.asked.connect(self.reasons.ask)
        self.overview_button.clicked.connect(self.dock.show)
        self.dock.shownChanged.connect(self.overview_button.setChecked)
        self.view.modeChosen.connect(self.current.view.comparison.set_mode)
        self.current.view.comparison.modeChanged.connect(self.view.show_mode)
        self.current.shown.connect(self._show_current)
        overview.keyPressed.connect(self.current.keys.press)
        overview.bar.keepClicked.connect(lambda: self.verdict_actions.judge_selected("keep"))
        overview.bar.rejectChosen.connect(partial(self.verdict_actions.judge_selected, "reject"))
        self.export.kind.currentIndexChanged.connect(lambda _: self._refresh())
        self.export.export_button.clicked.connect(lambda: self.export_kept())
        self.export.report_button.clicked.connect(lambda: self.write_summary())
        self.job.progressed.connect(self._on_progress)
        self.job.outcome.connect(self._on_outcome)
        self.job.ended.connect(self._on_ended)
        self.job.failed.connect(self._on_failure)
        self.job.finished.connect(self._on_finished)
        verdicts.changed.connect(self._refresh)
        verdicts.judgedRows.connect(self._refresh)
        verdicts.currentChanged.connect(self._on_current_changed)
        verdicts.failed.connect(self._on_failure)
        verdicts.noted.connect(self.say)

    # What can be done.

    def screen(self) -> None:
        """Screen what is chosen, in the background; what was done before is not done again."""
        choice = self.form.value()
        if self.job.busy or not choice.files:
            return
        try:
            found = choice.found()
            self._open(found.folder, make=True)
            choice = self.form.value()  # where it was screened before, more is known now
        except N2NError as problem:
            self._on_failure(str(problem))
            return
        assert self._held.shared is not None
        self.progress.begin("Starting…")
        self.dock.overview.take_keys()
        self.job.start(self._held.shared, found.inputs, choice)
        for note in found.inputs.notes:
            show_info(note)
        self._refresh()

    def export_kept(self, path: Path | None = None) -> None:
        """Write what is chosen below, where the user says."""
        kind, session = self.export.value(), self.verdicts.session
        if session is None:
            return
        path = path or self.export.ask_for_file(kind.title, session.path.parent / kind.proposed)
        if path is not None:
            self._hand_on(lambda: kind.write(path, session))

    def write_summary(self, path: Path | None = None) -> None:
        """Write the summary page where the user says, and show it."""
        session = self.verdicts.session
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
        self.current.leave()
        self.dock.leave()
        self._close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let the keys work while the mouse is in this panel as well."""
        assert event is not None
        if event.isAutoRepeat() or not self.current.keys.press(name_of(event)):
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
        current = self.verdicts.session
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
        self.verdicts.open(shared.session)
        self.current.open()
        self.dock.show(True)
        self.dock.overview.take_keys()
        self.verdict_actions.go_to_first()
        choice = self.form.value()
        known = choice.where_open(asked_before(shared.session), contrast_said_in(shared.session))
        if known != choice:
            self.form.setValue(known)
        settings = ", and so are the settings" if known != choice else ""
        self.say(note or f"As it was left{settings}. {_HOW} Screen takes what is new.")
        return True

    def _close(self) -> None:
        if self._held.shared is not None:
            self.verdicts.close()
            self.current.open()
            self._held.close()

    def _reload(self) -> None:
        """Read all anew; the longer that takes, the later again."""
        began = perf_counter()
        self.verdicts.reload()
        self.dock.thumbnails.forget_missing()
        took_ms = 1000 * (perf_counter() - began)
        self._reloading.setInterval(round(max(_SOONEST_RELOAD_MS, 15 * took_ms)))
        self.verdict_actions.go_to_first()

    def _reload_soon(self) -> None:
        if not self._reloading.isActive():
            self._reloading.start()

    def _look_for_others(self) -> None:
        """Show what another window has judged."""
        session = self.verdicts.session
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
        if not self.verdicts.refresh([outcome.micrograph]):
            self._reload_soon()
        if not (outcome.reused and self.current.is_shown):
            self.current.made_anew(outcome.micrograph)
        self.verdict_actions.go_to_first()

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
        verdicts = self.verdicts
        row = verdicts.row_of(verdicts.current)
        self.job.prefer(None if row is None else verdicts.overview.paths[row])
        self._show_current()

    def _on_move_on(self, moves_on: bool) -> None:
        self.verdict_actions.moves_on = moves_on

    def _act(self, action: str, _: bool = False) -> None:
        self.verdict_actions.act(action)

    def _refresh(self, *_: object) -> None:
        overview, job = self.verdicts.overview, self.job
        undo, redo = self.verdicts.history_texts()
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
        overview, row = self.verdicts.overview, self.verdicts.row_of(self.verdicts.current)
        if row is None:
            self.show_micrograph("", "undecided", "", None, ())
            return
        figures = {name: float(values[row]) for name, values in overview.figures.items()}
        known = np.isfinite(figures.get("score", np.nan))
        told = self.current.message() or "; ".join(overall(figures).reasons if known else ())
        picture = self.current.view.picture if self.current.is_shown else None
        removed = None if picture is None else picture.removed
        bright = (BRIGHT,) if picture is not None and picture.is_bright else ()
        self.show_micrograph(
            overview.names[row],
            str(overview.verdicts[row]),
            str(overview.reasons[row]),
            figures["score"] if known else None,
            (*((told,) if told else ()), *bright),
            "" if removed is None else removed.warning,
        )
