"""The table of all micrographs, with keys of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import (
    QEvent,
    QModelIndex,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_n2n.plugin.screening.model import THUMBNAIL_PX, MicrographModel
from napari_n2n.plugin.screening.verdicts import FORWARDED_KEYS, VERDICT_KEYS
from napari_n2n.plugin.shared.controls import Underway, not_none
from napari_n2n.plugin.shared.keys import name_of
from napari_n2n.plugin.shared.looks import CHOSEN
from napari_n2n.plugin.shared.selections import FLAGS, select_rows, selected_mask

if TYPE_CHECKING:
    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

_WIDTHS = {"name": 190, "verdict": 170, "state": 76}
_FIGURE_WIDTH = 76
_HEADER_MARGIN_PX = 26  # with the sign of the order


class MicrographTable(QTableView):
    """Shows the model; what is selected here is so in the `MicrographVerdicts`, and the reverse.

    Signals
    -------
    keyPressed
        A key that means something in screening, as Qt names it.
    """

    keyPressed = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(
        self, model: MicrographModel, verdicts: MicrographVerdicts, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._micrographs, self._verdicts = model, verdicts
        self._following = Underway()
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QSize(THUMBNAIL_PX, THUMBNAIL_PX))
        self.setStyleSheet(
            "QTableView {border: none;}"
            "QTableView::item {padding: 2px;}"
            f"QTableView::item:selected {{background: {CHOSEN};}}"
            "QHeaderView::section {padding: 4px;}"
        )
        rows = not_none(self.verticalHeader())
        rows.setVisible(False)
        # Fixed: Qt need not ask every row how high it is.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(THUMBNAIL_PX + 6)
        header = not_none(self.horizontalHeader())
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.sectionClicked.connect(self._sort_by)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        model.modelReset.connect(self._on_reset)
        model.dataChanged.connect(self.show_state_column)
        verdicts.currentChanged.connect(self._show_current)
        verdicts.selectionChanged.connect(self._show_selected)
        selection = not_none(self.selectionModel())
        selection.selectionChanged.connect(self._on_selected)
        selection.currentChanged.connect(self._on_current)
        self._on_reset()

    def event(self, event: QEvent | None) -> bool:
        """Claim the keys used here from the window's shortcuts."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and name_of(event) in FORWARDED_KEYS
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Hand on the keys of screening; the rest walks about and selects."""
        assert event is not None
        name = name_of(event)
        if name in FORWARDED_KEYS:
            # A key that is held down judges no more than the one that was looked at.
            if not (event.isAutoRepeat() and name in VERDICT_KEYS):
                self.keyPressed.emit(name)
            event.accept()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str | None) -> None:  # noqa: N802 - Qt's name
        """Do nothing: letters are keys of screening."""

    def _sort_by(self, section: int) -> None:
        """Sort by a clicked column: figures the worst first is as likely as the best first."""
        column, model = self._micrographs.columns[section], self._micrographs
        descending = model.key == column.key and not model.descending
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        not_none(self.horizontalHeader()).setSortIndicator(section, order)
        model.sort(section, order)
        self._show_current()

    def _on_reset(self) -> None:
        room = not_none(self.horizontalHeader()).fontMetrics().horizontalAdvance
        for section, column in enumerate(self._micrographs.columns):
            needed = room(column.title) + _HEADER_MARGIN_PX
            self.setColumnWidth(section, _WIDTHS.get(column.key, max(_FIGURE_WIDTH, needed)))
        self.show_state_column()
        self._show_selected()
        self._show_current()

    def show_state_column(self, *_: object) -> None:
        """Show the states as long as some are worth it."""
        keys = [column.key for column in self._micrographs.columns]
        worth = bool((self._verdicts.overview.states != "done").any())
        self.setColumnHidden(keys.index("state"), not worth)

    def _show_current(self) -> None:
        verdicts = self._verdicts
        place = self._micrographs.place_of(verdicts.row_of(verdicts.current))
        if place is not None:
            index = self._micrographs.index(place)
            with self._following:
                not_none(self.selectionModel()).setCurrentIndex(index, FLAGS.NoUpdate)
            self.scrollTo(index)
        not_none(self.viewport()).update()

    def _show_selected(self) -> None:
        """Select what is selected in the `MicrographVerdicts`."""
        if self._following:
            return
        with self._following:
            places = self._micrographs.places_of(self._verdicts.selected)
            select_rows(self, places, len(self._micrographs.columns))
        not_none(self.viewport()).update()

    def _on_selected(self, *_: object) -> None:
        if self._following:
            return
        with self._following:  # Qt shows it already
            self._verdicts.select(self._micrographs.ids_at(np.flatnonzero(selected_mask(self))))

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if not self._following and current.isValid():
            self._verdicts.go_to(self._micrographs.id_at(current.row()))
