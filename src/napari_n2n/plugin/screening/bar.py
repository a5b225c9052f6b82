"""The line above the table: which are shown, how many are selected, and their verdict in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QWidget

from napari_n2n.plugin.shared.looks import CHECKED_STYLE
from napari_n2n.session.records import REASONS
from napari_n2n.workflow.screening.columns import WHICH

if TYPE_CHECKING:
    from napari_n2n.plugin.screening.model import MicrographModel


class ScreeningBar(QWidget):
    """Filters the table, and asks for the verdict of what is selected.

    Signals
    -------
    keepClicked
        The selected ones are to be kept.
    rejectChosen
        They are to be rejected, for this reason; empty: for none.
    gridWanted
        Thumbnails are wanted instead of the table, or not.
    """

    keepClicked = Signal()  # noqa: N815 - Qt's way to name signals
    rejectChosen = Signal(str)  # noqa: N815
    gridWanted = Signal(bool)  # noqa: N815

    def __init__(self, model: MicrographModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.which = QComboBox()
        for which, text in WHICH.items():
            self.which.addItem(text, which)
        self.which.setToolTip("Which are shown.")
        self.words = QLineEdit()
        self.words.setPlaceholderText("Find…")
        self.words.setToolTip("Words of the name or of the reason.")
        self.words.setClearButtonEnabled(True)
        self.words.setMinimumWidth(110)
        self.words.setMaximumWidth(190)
        self.again = QPushButton("Sort again")
        self.again.setToolTip("Verdicts or figures have changed. Rows stay put until you ask.")
        policy = self.again.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing else in the line moves
        self.again.setSizePolicy(policy)
        self.grid_button = QPushButton("Thumbnails")
        self.grid_button.setCheckable(True)
        self.grid_button.setStyleSheet(CHECKED_STYLE)
        self.grid_button.setToolTip("A grid of thumbnails instead of the table (G).")
        self.count = QLabel()
        self.selected = QLabel()
        self.keep_button = QPushButton("Keep")
        self.keep_button.setToolTip("Keep all that are selected. U takes it back.")
        self.reject_button = QPushButton("Reject")
        self.reject_button.setToolTip("Reject all that are selected. U takes it back.")
        menu = QMenu(self.reject_button)
        menu.addAction("without a reason", lambda: self.rejectChosen.emit(""))
        for reason in REASONS:
            menu.addAction(reason, lambda reason=reason: self.rejectChosen.emit(reason))
        self.reject_button.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.which, self.words, self.count, self.again):
            layout.addWidget(part)
        layout.addStretch(1)
        for part in (self.selected, self.keep_button, self.reject_button, self.grid_button):
            layout.addWidget(part)
        for part in (self.which, self.grid_button, self.again, self.keep_button):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the table
        self.reject_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.which.currentIndexChanged.connect(self._filter)
        self.words.textChanged.connect(self._filter)
        self.again.clicked.connect(model.arrange)
        self.grid_button.clicked.connect(self.gridWanted)
        self.keep_button.clicked.connect(self.keepClicked)
        model.staleChanged.connect(self._show_stale)
        self._show_stale()
        self.show_state(shown=0, total=0, selected=0)

    def show_state(self, *, shown: int, total: int, selected: int) -> None:
        """Tell how many are shown and selected, and offer what makes sense."""
        text = f"{shown:,} of {total:,} shown" if shown < total else f"{total:,} micrographs"
        self.count.setText(text if total else "")
        self.selected.setText(f"{selected:,} selected:" if selected else "none selected")
        for button in (self.keep_button, self.reject_button):
            button.setEnabled(selected > 0)

    def _filter(self, *_: Any) -> None:
        self._model.set_filter(self.which.currentData(), self.words.text())

    def _show_stale(self) -> None:
        self.again.setVisible(self._model.is_stale)
