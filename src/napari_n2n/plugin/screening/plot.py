"""Any one figure as a histogram, or two against each other; what is drawn around is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget
from skimage.measure import points_in_poly

from napari_n2n.plugin.screening.model import SHOWN, VERDICT_COLOURS
from napari_n2n.plugin.shared.controls import Underway, row
from napari_n2n.plugin.shared.looks import SELECTED, small_print
from napari_n2n.workflow.screening.columns import figure_column, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

_MOST_BINS = 60
_HISTOGRAM = "how many"
_ORDER = "order of arrival"
_DRAWN_FIRST = ("undecided", "keep", "reject")
_HINTS = {
    True: "Drag over a range to select what lies in it.",
    False: "Draw around points to select them. Click one to see it.",
}
_LIKED = ("score", "resolution_angstrom", "snr")


class _DragBox(pg.ViewBox):  # type: ignore[misc] # pyqtgraph has no types
    """A view that is drawn on with the left button; the wheel still zooms."""

    drawn = Signal(object, bool)
    clicked = Signal(object)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self._path: list[QPointF] = []

    def mouseDragEvent(self, ev: Any, axis: Any = None) -> None:  # noqa: N802 - pyqtgraph's name
        """Collect the way of the mouse, in the plot's own units."""
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        if ev.isStart():
            self._path = [self.mapSceneToView(ev.buttonDownScenePos())]
        self._path.append(self.mapSceneToView(ev.scenePos()))
        self.drawn.emit([(spot.x(), spot.y()) for spot in self._path], ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Tell where was clicked."""
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.clicked.emit(ev.scenePos())


class FigurePlot(QWidget):
    """Shows figures of a `MicrographVerdicts`, coloured by verdict; drawing selects."""

    def __init__(self, verdicts: MicrographVerdicts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdicts = verdicts
        self.across, self.up = QComboBox(), QComboBox()
        self.across.setToolTip("Which figure is drawn from left to right.")
        self.up.setToolTip("Which figure is drawn from bottom to top, or how many there are.")
        self._box = _DragBox()
        self._plot = pg.PlotWidget(background=None, viewBox=self._box)
        self._plot.hideButtons()
        self._plot.showGrid(x=True, y=True, alpha=0.12)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
        self._plot.getAxis("left").setWidth(52)
        self._bars = {verdict: _bars(VERDICT_COLOURS[verdict]) for verdict in _DRAWN_FIRST}
        self._points = pg.ScatterPlotItem(pxMode=True, size=6, pen=None)
        self._current = pg.ScatterPlotItem(
            pxMode=True, size=14, pen=pg.mkPen(SHOWN, width=2), brush=None
        )
        self._line = pg.InfiniteLine(pen=pg.mkPen(SHOWN, width=2))
        inside = f"{SELECTED}28"  # with its opacity
        self.region = pg.LinearRegionItem(brush=inside, pen=pg.mkPen(SELECTED))
        self._lasso = pg.PlotCurveItem(pen=pg.mkPen(SELECTED, width=2))
        for item in (*self._bars.values(), self._points, self._current, self._line, self._lasso):
            self._plot.addItem(item)
        self._plot.addItem(self.region)
        self._plot.setMinimumHeight(120)
        self.hint = small_print()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.across, QLabel("against"), self.up))
        layout.addWidget(self._plot, 1)
        layout.addWidget(self.hint)
        self._x = self._y = np.empty(0)
        self._selecting = Underway()
        self.across.currentIndexChanged.connect(self._on_figures_chosen)
        self.up.currentIndexChanged.connect(self._on_figures_chosen)
        self._box.drawn.connect(self._on_drawn)
        self._box.clicked.connect(self._on_clicked)
        self.region.sigRegionChanged.connect(self._on_region_moved)
        self.region.sigRegionChangeFinished.connect(self._select_region)
        verdicts.changed.connect(self._on_changed)
        verdicts.judgedRows.connect(lambda _: self._draw())
        verdicts.currentChanged.connect(self._show_current)
        verdicts.selectionChanged.connect(self._on_selected)
        self._on_changed()

    @property
    def is_histogram(self) -> bool:
        """Whether one figure is shown, not two."""
        return bool(self.up.currentData() == "")

    def choose(self, across: str, up: str = "") -> None:
        """Show a figure by its name, or two."""
        for box, name in ((self.across, across), (self.up, up)):
            if (place := box.findData(name)) >= 0:
                box.setCurrentIndex(place)

    def leave(self) -> None:
        """Follow the verdicts no longer."""
        self._verdicts.changed.disconnect(self._on_changed)
        self._verdicts.currentChanged.disconnect(self._show_current)
        self._verdicts.selectionChanged.disconnect(self._on_selected)

    # What is drawn.

    def _on_changed(self) -> None:
        self._offer()
        self._draw()

    def _offer(self) -> None:
        """Offer the figures there are; what was chosen stays chosen if it can."""
        figures = self._verdicts.overview.figures
        names = [name for name, values in figures.items() if np.isfinite(values).any()]
        offered = [self.across.itemData(i) for i in range(self.across.count())]
        if [*names, "order"] == offered:
            return
        liked = next((name for name in _LIKED if name in names), None)
        # The order is all there was to choose before there were figures.
        known = (*names, "order") if len(offered) > 1 else names
        across, up = self.across.currentData(), self.up.currentData() or ""
        figures_of = [(figure_column(name).title, name) for name in names]
        _fill(self.across, [*figures_of, (_ORDER, "order")], across if across in known else liked)
        _fill(self.up, [(_HISTOGRAM, ""), *figures_of], up)
        self._on_figures_chosen()

    def _values(self, name: str | None) -> NDArray[np.float64]:
        n = len(self._verdicts.overview.ids)
        if name == "order":
            return np.arange(n, dtype=np.float64)
        return self._verdicts.overview.figures.get(name or "", np.full(n, np.nan))

    def _on_figures_chosen(self, *_: object) -> None:
        self.region.hide()
        self._lasso.setData([], [])
        across, up = self.across.currentData(), self.up.currentData()
        title = {"order": _ORDER.capitalize()}.get(across, figure_column(across or "").title)
        self._plot.setLabel("bottom", title)
        self._plot.setLabel("left", "How many" if not up else figure_column(up).title)
        self._draw()
        self._plot.enableAutoRange()
        self._say()

    def _draw(self) -> None:
        verdicts = self._verdicts.overview.verdicts
        self._x = self._values(self.across.currentData())
        self._y = np.empty(0) if self.is_histogram else self._values(self.up.currentData())
        for bars in self._bars.values():
            bars.setVisible(self.is_histogram)
        self._points.setVisible(not self.is_histogram)
        if self.is_histogram:
            self._draw_bars(verdicts)
        else:
            known = np.isfinite(self._x) & np.isfinite(self._y)
            selected = np.isin(self._verdicts.overview.ids, self._verdicts.selected)
            brushes = {verdict: pg.mkBrush(c) for verdict, c in VERDICT_COLOURS.items()}
            chosen = pg.mkBrush(SELECTED)
            self._points.setData(
                self._x[known],
                self._y[known],
                brush=[
                    chosen if is_selected else brushes[verdict]
                    for verdict, is_selected in zip(
                        verdicts[known].tolist(), selected[known].tolist(), strict=True
                    )
                ],
            )
        self._show_current()

    def _draw_bars(self, verdicts: NDArray[np.str_]) -> None:
        known = np.isfinite(self._x)
        if not known.any():
            for bars in self._bars.values():
                bars.setOpts(x0=[], x1=[], y0=[], height=[])
            return
        edges = np.histogram_bin_edges(self._x[known], _bin_count(self._x[known]))
        below = np.zeros(len(edges) - 1)
        for verdict in _DRAWN_FIRST:
            counts, _ = np.histogram(self._x[known & (verdicts == verdict)], edges)
            self._bars[verdict].setOpts(x0=edges[:-1], x1=edges[1:], y0=below, height=counts)
            below = below + counts

    def _show_current(self) -> None:
        place = self._verdicts.row_of(self._verdicts.current)
        known = place is not None and place < len(self._x) and np.isfinite(self._x[place])
        self._line.setVisible(bool(known) and self.is_histogram)
        if known and self.is_histogram:
            self._line.setValue(self._x[place])
            self._current.setData([], [])
        elif known and not self.is_histogram and np.isfinite(self._y[place]):
            self._current.setData([self._x[place]], [self._y[place]])
        else:
            self._current.setData([], [])

    # What is selected.

    def _on_drawn(self, path: list[tuple[float, float]], finished: bool) -> None:
        if self.is_histogram:
            self.region.show()
            self.region.setRegion((path[0][0], path[-1][0]))
            if finished:
                self._select_region()
        else:
            outline = np.array([*path, path[0]])
            self._lasso.setData(outline[:, 0], outline[:, 1])
            if finished:
                self._select_inside(outline)

    def _on_region_moved(self) -> None:
        if self.region.isVisible():
            inside = int(self._in_region().sum())
            low, high = self.region.getRegion()
            self.hint.setText(f"{text_of(low)} to {text_of(high)}: {inside:,} micrographs")

    def _in_region(self) -> NDArray[np.bool_]:
        low, high = self.region.getRegion()
        with np.errstate(invalid="ignore"):
            inside: NDArray[np.bool_] = (self._x >= low) & (self._x <= high)
        return inside

    def _select_region(self) -> None:
        if self.region.isVisible():
            self._select(self._in_region())

    def _select_inside(self, outline: NDArray[np.float64]) -> None:
        points = np.column_stack([self._x, self._y])
        known = np.isfinite(points).all(axis=1)
        # Figures may differ by many orders of magnitude; the outline is judged on the screen's.
        scale = np.maximum(np.ptp(outline, axis=0), np.finfo(float).tiny)
        inside = np.zeros(len(points), bool)
        inside[known] = points_in_poly(points[known] / scale, outline / scale)
        self._select(inside)

    def _select(self, rows: NDArray[np.bool_]) -> None:
        with self._selecting:
            self._verdicts.select(self._verdicts.overview.ids[rows])
        self._say()

    def _on_selected(self) -> None:
        if not self._selecting:  # what is selected elsewhere is not what was drawn around
            self.region.hide()
            self._lasso.setData([], [])
            self._say()
        if not self.is_histogram:
            self._draw()

    def _on_clicked(self, spot: QPointF) -> None:
        """Select nothing any more; go to the point that was clicked, if one was."""
        at = None if self.is_histogram else self._nearest(spot)
        if at is None:
            self.region.hide()
            self._lasso.setData([], [])
            self._select(np.zeros(len(self._x), bool))
        else:
            self._verdicts.go_to(int(self._verdicts.overview.ids[at]))

    def _nearest(self, spot: QPointF) -> int | None:
        known = np.flatnonzero(np.isfinite(self._x) & np.isfinite(self._y))
        if not len(known):
            return None
        here = self._box.mapSceneToView(spot)
        per_x, per_y = self._box.viewPixelSize()
        away = np.hypot((self._x[known] - here.x()) / per_x, (self._y[known] - here.y()) / per_y)
        nearest = int(np.argmin(away))
        return int(known[nearest]) if away[nearest] <= 10 else None

    def _say(self) -> None:
        count = len(self._verdicts.selected)
        self.hint.setText(f"{count:,} selected." if count > 1 else _HINTS[self.is_histogram])


def _fill(box: QComboBox, choices: list[tuple[str, str]], chosen: str | None) -> None:
    """Offer other choices, text and value, with one of them chosen, in silence."""
    with QSignalBlocker(box):
        box.clear()
        for text, value in choices:
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))


def _bars(colour: str) -> pg.BarGraphItem:
    return pg.BarGraphItem(
        x0=[], x1=[], y0=[], height=[], brush=pg.mkBrush(colour), pen=pg.mkPen("#262930")
    )


def _bin_count(values: NDArray[np.float64]) -> int:
    """Return how many bins to draw: as many as the values bear (Freedman and Diaconis 1981)."""
    quartiles = np.percentile(values, (25, 75))
    width = 2 * (quartiles[1] - quartiles[0]) / len(values) ** (1 / 3)
    span = float(np.ptp(values))
    if span == 0:
        return 1
    return int(np.clip(np.ceil(span / width), 8, _MOST_BINS)) if width > 0 else 8
