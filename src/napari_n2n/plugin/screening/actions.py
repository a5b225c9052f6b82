"""What the keys do: verdicts, moving on, undo; see `napari_n2n.plugin.screening.verdicts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.screening.verdicts import REASON_KEYS
from napari_n2n.workflow.screening.columns import next_to_judge

if TYPE_CHECKING:
    from napari_n2n.plugin.screening.dock import ScreeningDock
    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts
    from napari_n2n.session.records import Verdict


class VerdictActions(QObject):
    """A person judging micrographs one after the other.

    ``moves_on``: a verdict brings the next undecided one, but for a rejection without a reason,
    after which a digit may say why.

    Signals
    -------
    said
        A sentence for the user.
    asked
        Whether the reason of a rejection is waited for.
    """

    said = Signal(str)
    asked = Signal(bool)

    def __init__(
        self, verdicts: MicrographVerdicts, dock: ScreeningDock, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._verdicts, self._dock = verdicts, dock
        self._asking: int | None = None  # why this one was rejected
        self.moves_on = True
        verdicts.currentChanged.connect(lambda: self._ask(None))

    def act(self, action: str) -> None:
        """Do what a key stands for."""
        overview = self._dock.overview
        if self._verdicts.session is None:
            return
        if action == "keep":
            self._judge("keep")
        elif action == "undecided":
            self._judge("undecided")
        elif action == "reject":
            self._reject()
        elif action.startswith("reject_"):
            self._judge("reject", REASON_KEYS[action.removeprefix("reject_")])
        elif action == "next_undecided":
            self.go_on()
        elif action in ("undo", "redo"):
            self._turn(action)
        elif action in ("next", "previous"):
            self._step(1 if action == "next" else -1)
        elif action == "spectrum":
            self._dock.show(True)
            overview.show_spectrum(not overview.showing_spectrum)
        elif action == "grid":
            self._dock.show(True)
            overview.show_grid(not overview.showing_grid)

    def judge_selected(self, verdict: Verdict, reason: str = "") -> None:
        """Judge all that are selected: one step of the history."""
        chosen = self._verdicts.selected
        if self._verdicts.judge(chosen, verdict, reason):
            verb = "kept" if verdict == "keep" else "rejected"
            self.said.emit(f"{len(chosen):,} {verb}. U takes that back.")

    def go_on(self) -> None:
        """Show the next one that can be judged and is not."""
        if not self._go_to_next():
            undecided = self._verdicts.overview.verdicts == "undecided"
            if not undecided.any():
                self.said.emit("All are judged. Below you hand on the kept ones.")
            elif (self._verdicts.overview.states[undecided] == "done").any():
                self.said.emit("All that the table shows are judged; its filter hides others.")
            else:
                self.said.emit("All that are screened are judged.")

    def go_to_first(self) -> None:
        """Show something, as soon as there is something to show."""
        if self._verdicts.current is None and not self._go_to_next():
            done = self._verdicts.overview.ids[self._verdicts.overview.states == "done"]
            if len(done):
                self._verdicts.go_to(int(done[0]))

    def _reject(self) -> None:
        if self._asking is not None:  # R once more: for no reason
            self._ask(None)
            self._move_on()
            return
        if self._judge("reject"):
            self._ask(self._verdicts.current)
            self.said.emit("Rejected. A digit says why; R or Space goes on without.")

    def _judge(self, verdict: Verdict, reason: str = "") -> bool:
        current = self._verdicts.current
        if current is None or not self._verdicts.judge([current], verdict, reason):
            return False
        if verdict == "keep" or reason:
            self._ask(None)
            self._move_on()
        return True

    def _move_on(self) -> None:
        if self.moves_on:
            self.go_on()

    def _go_to_next(self) -> bool:
        verdicts, order = self._verdicts, self._dock.model.order
        row = next_to_judge(verdicts.overview, order, verdicts.row_of(verdicts.current))
        if row is None:
            return False
        verdicts.go_to(int(verdicts.overview.ids[row]))
        return True

    def _step(self, by: int) -> None:
        model, verdicts = self._dock.model, self._verdicts
        place = model.place_of(verdicts.row_of(verdicts.current))
        to = 0 if place is None else place + by
        if 0 <= to < model.rowCount():
            verdicts.go_to(model.id_at(to))

    def _turn(self, action: str) -> None:
        done = self._verdicts.undo() if action == "undo" else self._verdicts.redo()
        self._ask(None)
        if done is None:
            self.said.emit(f"There is nothing to {action}.")
            return
        verb = "Undone" if action == "undo" else "Done again"
        self.said.emit(f"{verb}: {done.action}. {done.note}".strip())
        if len(done.ids) == 1:
            self._verdicts.go_to(int(done.ids[0]))

    def _ask(self, micrograph: int | None) -> None:
        if micrograph != self._asking:
            self._asking = micrograph
            self.asked.emit(micrograph is not None)
            if micrograph is None:
                self.said.emit("")  # a digit would be for another one now
