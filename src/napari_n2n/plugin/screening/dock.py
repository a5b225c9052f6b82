"""The dock below the micrograph: the table or thumbnails, and the figures or the spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from napari_n2n.plugin.screening.bar import ScreeningBar
from napari_n2n.plugin.screening.grid import MicrographGrid
from napari_n2n.plugin.screening.model import MicrographModel
from napari_n2n.plugin.screening.plot import FigurePlot
from napari_n2n.plugin.screening.spectrum import SpectrumView
from napari_n2n.plugin.screening.table import MicrographTable
from napari_n2n.plugin.screening.thumbnails import MicrographThumbnails
from napari_n2n.plugin.shared.controls import not_none
from napari_n2n.plugin.shared.docked import BottomDock

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts


class MicrographsOverview(QWidget):
    """All micrographs of a `MicrographVerdicts` at once: as rows, thumbnails and figures."""

    keyPressed = Signal(str)  # noqa: N815 - Qt's way to name signals

    def __init__(
        self,
        verdicts: MicrographVerdicts,
        model: MicrographModel,
        thumbnails: MicrographThumbnails,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._verdicts, self._model = verdicts, model
        self.bar = ScreeningBar(model)
        self.table = MicrographTable(model, verdicts)
        self.grid = MicrographGrid(model, thumbnails, verdicts)
        self.plot = FigurePlot(verdicts)
        self.spectrum = SpectrumView()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.grid)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.plot, "Figures")
        self.tabs.addTab(self.spectrum, "Power spectrum (P)")
        not_none(self.tabs.tabBar()).setFocusPolicy(Qt.FocusPolicy.NoFocus)
        left = QWidget()
        lines = QVBoxLayout(left)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(3)
        lines.addWidget(self.bar)
        lines.addWidget(self._stack, 1)
        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.addWidget(left)
        sides.addWidget(self.tabs)
        sides.setStretchFactor(0, 3)
        sides.setStretchFactor(1, 2)
        sides.setSizes([660, 440])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addWidget(sides)
        self.table.keyPressed.connect(self.keyPressed)
        self.grid.keyPressed.connect(self.keyPressed)
        self.bar.gridWanted.connect(self.show_grid)
        for signal in (verdicts.changed, verdicts.selectionChanged, model.modelReset):
            signal.connect(self._show_counts)
        thumbnails.came.connect(not_none(self.table.viewport()).update)
        self._show_counts()

    @property
    def showing_grid(self) -> bool:
        """Whether thumbnails are shown instead of the table."""
        return self._stack.currentWidget() is self.grid

    @property
    def showing_spectrum(self) -> bool:
        """Whether the power spectrum is in front."""
        return self.tabs.currentWidget() is self.spectrum

    def show_grid(self, shown: bool) -> None:
        """Show thumbnails, or the table."""
        self.bar.grid_button.setChecked(shown)
        self._stack.setCurrentWidget(self.grid if shown else self.table)
        if shown:
            self.grid.follow()
        self.take_keys()

    def take_keys(self) -> None:
        """Let keys go here, not into the field or to the button that was used last."""
        not_none(self._stack.currentWidget()).setFocus()

    def show_spectrum(self, shown: bool) -> None:
        """Bring the power spectrum to the front, or the figures."""
        self.tabs.setCurrentWidget(self.spectrum if shown else self.plot)

    def _show_counts(self, *_: object) -> None:
        self.bar.show_state(
            shown=self._model.rowCount(),
            total=len(self._verdicts.overview.ids),
            selected=len(self._verdicts.selected),
        )


class ScreeningDock(BottomDock):
    """Keeps a `MicrographsOverview` below the micrograph; what it shows outlives a closed dock."""

    def __init__(
        self, viewer: ViewerModel, verdicts: MicrographVerdicts, parent: QObject | None = None
    ) -> None:
        super().__init__(viewer, "Micrographs", parent)
        self.thumbnails = MicrographThumbnails(self)
        self.model = MicrographModel(verdicts, self.thumbnails, self)
        self.overview = MicrographsOverview(verdicts, self.model, self.thumbnails)

    def show(self, shown: bool) -> None:
        """Open the dock, or close it; the panel at the right keeps its height."""
        super().show(shown)
        whole = self.overview.window()
        if isinstance(whole, QMainWindow):
            # What is pressed there is to be seen.
            whole.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)

    def content(self) -> MicrographsOverview:
        """Return the one overview there is."""
        return self.overview

    def put_away(self) -> None:
        """Keep the overview for when it is wanted again."""
        self.overview.setParent(None)

    def leave(self) -> None:
        """Close the dock and follow the verdicts no longer."""
        self.show(False)
        self.overview.spectrum.leave()
        self.overview.plot.leave()
