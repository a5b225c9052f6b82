"""The face of the Screening widget: its parts, top to bottom in the order they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_n2n.plugin.screening.exports import ExportPanel
from napari_n2n.plugin.screening.form import ScreenForm
from napari_n2n.plugin.screening.model import VERDICT_COLOURS
from napari_n2n.plugin.screening.verdicts import REASON_KEYS
from napari_n2n.plugin.shared.controls import (
    ProgressDisplay,
    heading,
    row,
)
from napari_n2n.plugin.shared.docked import DockedWidget
from napari_n2n.plugin.shared.looks import CAREFUL_STYLE, CHECKED_STYLE, PRIMARY_STYLE, STOP_STYLE
from napari_n2n.plugin.shared.view_toggle import ViewToggle

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCREEN_TIP = (
    "Each file is aligned, denoised and measured in the background; you can judge what is done "
    "meanwhile. What was done before is not done again."
)
_MOVE_ON_TIP = "After K, or R and a reason, the next undecided one is shown by itself."
_TOLD = {"keep": "Kept", "reject": "Rejected", "undecided": "Undecided"}


def key_button(text: str, key: str, tip: str) -> QPushButton:
    """Make a button that names its key."""
    button = QPushButton(f"{text}  ({key})")
    button.setToolTip(tip)
    return button


class ReasonButtons(QWidget):
    """The reasons for rejecting, each a button with its digit.

    Signals
    -------
    chosen
        The digit of the reason.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        self.buttons: dict[str, QPushButton] = {}
        for place, (digit, reason) in enumerate(REASON_KEYS.items()):
            button = QPushButton(f"{digit}  {reason}")
            button.setStyleSheet("QPushButton {text-align: left; padding: 3px 6px;}")
            button.setToolTip(f"Reject it: {reason}.")
            button.clicked.connect(lambda _=False, digit=digit: self.chosen.emit(digit))
            grid.addWidget(button, *divmod(place, 2))
            self.buttons[digit] = button
        self.setEnabled(False)

    def ask(self, asking: bool) -> None:
        """Show whether a reason is waited for."""
        colour = VERDICT_COLOURS["reject"]
        edge = f"border: 1px solid {colour};" if asking else ""
        for button in self.buttons.values():
            button.setStyleSheet(f"QPushButton {{text-align: left; padding: 3px 6px; {edge}}}")


class ScreeningPanel(DockedWidget):
    """The parts of the Screening widget, laid out; what they do is not its business."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = ScreenForm()
        self.screen_button = QPushButton("Screen")
        self.pause_button = QPushButton("Pause")
        self.pause_button.setCheckable(True)
        self.pause_button.setStyleSheet(CHECKED_STYLE)
        self.pause_button.setToolTip("Leave the computer to other work for a while.")
        self.progress = ProgressDisplay()
        self.judged = QLabel()
        self.judged.setStyleSheet("font-size: 14px;")
        self.judged_bar = QProgressBar()
        self.judged_bar.setTextVisible(False)
        self.judged_bar.setFixedHeight(6)
        self.name = QLabel()
        self.name.setStyleSheet("font-weight: bold;")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A long name shall not make the dock wide.
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.verdict = QLabel()
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setMinimumHeight(3 * self.told.fontMetrics().lineSpacing())
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.careful = QLabel()
        self.careful.setWordWrap(True)
        self.careful.setStyleSheet(CAREFUL_STYLE)
        self.careful.hide()
        about = QWidget()
        lines = QVBoxLayout(about)
        lines.setContentsMargins(0, 0, 0, 0)
        for label in (self.told, self.careful):
            lines.addWidget(label)
        self.keep_button = key_button("Keep", "K", "Keep what is shown.")
        self.reject_button = key_button(
            "Reject", "R", "Reject what is shown; then a digit says why, if you like."
        )
        self.next_button = key_button("Next undecided", "Space", "Go on without a verdict.")
        self.reasons = ReasonButtons()
        self.move_on = QCheckBox("Move on after a verdict")
        self.move_on.setChecked(True)
        self.move_on.setToolTip(_MOVE_ON_TIP)
        self.move_on.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setMinimumHeight(2 * self.said.fontMetrics().lineSpacing())
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.undo_button = key_button("Undo", "U", "")
        self.redo_button = key_button("Redo", "Shift+U", "")
        self.overview_button = QPushButton("Table and figures")
        self.overview_button.setCheckable(True)
        self.overview_button.setStyleSheet(CHECKED_STYLE)
        self.overview_button.setToolTip("The table of all micrographs, below.")
        self.view = ViewToggle()
        self.export = ExportPanel()
        self._judging_parts = (
            heading("2  Judge"),
            self.judged,
            self.judged_bar,
            row(self.name, self.verdict, stretch=(1,)),
            about,
            row(self.keep_button, self.reject_button),
            self.reasons,
            row(self.next_button, self.move_on),
            row(self.undo_button, self.redo_button),
            self.said,
            self.view,
            self.overview_button,
            heading("3  Hand on"),
            self.export,
        )
        self.stack(
            (
                heading("1  Screen"),
                self.form,
                row(self.screen_button, self.pause_button, stretch=(3, 1)),
                self.progress,
                *self._judging_parts,
            )
        )
        for button in self.findChildren(QPushButton):
            # A click leaves the keys where they were: Space shall not press what was clicked last.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def say(self, sentence: str) -> None:
        """Show a sentence where the job's progress does not cover it."""
        (self.said if self.said.isVisibleTo(self) else self.progress.status).setText(sentence)

    def show_state(
        self,
        *,
        running: bool,
        stopping: bool,
        paused: bool,
        ready: bool,
        total: int,
        undo: str | None,
        redo: str | None,
    ) -> None:
        """Enable what makes sense; ``undo`` and ``redo`` are what these would do."""
        self.form.setEnabled(not running)
        self.screen_button.setText("Stopping…" if stopping else "Stop" if running else "Screen")
        self.screen_button.setEnabled(not stopping if running else ready)
        style = STOP_STYLE if running else PRIMARY_STYLE
        if self.screen_button.styleSheet() != style:  # it takes as long as the rest of a key
            self.screen_button.setStyleSheet(style)
        self.screen_button.setToolTip(
            "Ends within a second; what is done stays." if running else _SCREEN_TIP
        )
        self.pause_button.setVisible(running)
        self.pause_button.setChecked(paused)
        self.pause_button.setText("Go on" if paused else "Pause")
        for part in self._judging_parts:
            part.setVisible(total > 0)
        for button, text, verb in (
            (self.undo_button, undo, "Undo"),
            (self.redo_button, redo, "Do again"),
        ):
            button.setEnabled(text is not None)
            button.setToolTip("" if text is None else f"{verb}: {text}")

    def show_judged(self, text: str, judged: int, total: int) -> None:
        """Show how far the judging is."""
        self.judged.setText(text)
        self.judged_bar.setRange(0, max(total, 1))
        self.judged_bar.setValue(judged)

    def show_micrograph(
        self,
        name: str,
        verdict: str,
        reason: str,
        score: float | None,
        told: Sequence[str],
        warning: str = "",
    ) -> None:
        """Show what is known of the micrograph that is shown; an empty name: of none.

        ``warning`` is what to be careful about in looking at it.
        """
        self.name.setText(name)
        self.name.setToolTip(name)
        because = f": {reason}" if reason else ""
        colour = VERDICT_COLOURS.get(verdict, "")
        self.verdict.setText(
            f"<b style='color:{colour}'>{_TOLD[verdict]}{because}</b>" if name else ""
        )
        sentences = [] if score is None else [f"<b>Score {score:.0f}</b>"]
        self.told.setText("<br>".join([*sentences, *told]))
        self.careful.setText(warning)
        self.careful.setVisible(bool(warning))
        for part in (self.keep_button, self.reject_button, self.reasons):
            part.setEnabled(bool(name))
