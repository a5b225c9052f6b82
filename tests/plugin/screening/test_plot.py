"""What is drawn around in the figures is selected."""

import numpy as np
import pytest
from qtpy.QtCore import QPointF

from napari_n2n.plugin.screening.plot import FigurePlot
from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

from ...workflow.screening.screened import screened_folder


@pytest.fixture
def verdicts(tmp_path, qapp):
    session = screened_folder(tmp_path / "night")
    verdicts = MicrographVerdicts()
    verdicts.open(session)
    yield verdicts
    verdicts.close()
    session.close()


@pytest.fixture
def plot(verdicts, qtbot):
    plot = FigurePlot(verdicts)
    qtbot.addWidget(plot)
    plot.resize(500, 400)
    with qtbot.waitExposed(plot):
        plot.show()
    return plot


def rows_selected(verdicts):
    return np.flatnonzero(np.isin(verdicts.overview.ids, verdicts.selected)).tolist()


def heights(plot, verdict):
    return np.asarray(plot._bars[verdict].opts["height"])


def test_a_range_of_a_histogram_selects_what_is_in_it(plot, verdicts):
    plot.choose("score")
    plot._box.drawn.emit([(15.0, 0.0), (45.0, 1.0)], True)
    assert rows_selected(verdicts) == [1, 2, 3]
    assert "3" in plot.hint.text()
    plot.region.setRegion((35.0, 100.0))  # its edge is dragged
    plot.region.sigRegionChangeFinished.emit(plot.region)
    assert rows_selected(verdicts) == [3, 4, 5]


def test_drawing_from_right_to_left_is_the_same(plot, verdicts):
    plot.choose("score")
    plot._box.drawn.emit([(45.0, 0.0), (15.0, 1.0)], True)
    assert rows_selected(verdicts) == [1, 2, 3]


def test_what_is_drawn_around_in_a_scatter_plot_is_selected(plot, verdicts):
    plot.choose("score", "brightness")
    around = [(5.0, 1.0), (25.0, 1.0), (25.0, -1.5), (5.0, -1.5)]  # m0: (10, 0), m1: (20, -1)
    plot._box.drawn.emit(around, False)
    assert rows_selected(verdicts) == []
    plot._box.drawn.emit(around, True)
    assert rows_selected(verdicts) == [0, 1]


def test_a_point_that_is_clicked_is_shown(plot, verdicts, qtbot):
    plot.choose("score", "brightness")
    qtbot.wait(50)
    place = plot._box.mapViewToScene(QPointF(30.0, -2.0))
    plot._box.clicked.emit(place)
    assert verdicts.current == verdicts.overview.ids[2]


def test_a_click_beside_selects_nothing_any_more(plot, verdicts):
    plot.choose("score")
    plot._box.drawn.emit([(0.0, 0.0), (100.0, 1.0)], True)
    plot._box.clicked.emit(plot._box.mapViewToScene(QPointF(0.0, 0.0)))
    assert rows_selected(verdicts) == []
    assert not plot.region.isVisible()


def test_unknown_figures_are_never_selected(plot, verdicts):
    first = int(verdicts.overview.ids[0])
    verdicts.session.micrographs.set_figures(first, {"score": 10.0})
    verdicts.refresh([first])
    plot.choose("brightness")
    plot._box.drawn.emit([(-100.0, 0.0), (100.0, 1.0)], True)
    assert rows_selected(verdicts) == [1, 2, 3, 4, 5]


def test_bars_are_coloured_by_verdict_and_add_up(plot, verdicts):
    plot.choose("score")
    verdicts.judge(verdicts.overview.ids[:2], "keep")
    verdicts.judge(verdicts.overview.ids[2:3], "reject")
    counts = {verdict: heights(plot, verdict).sum() for verdict in ("undecided", "keep", "reject")}
    assert counts == {"undecided": 3, "keep": 2, "reject": 1}
    # One on top of the other.
    below = np.asarray(plot._bars["reject"].opts["y0"])
    np.testing.assert_array_equal(below, heights(plot, "undecided") + heights(plot, "keep"))


def test_the_figures_that_were_chosen_stay_chosen_when_others_come(plot, verdicts):
    plot.choose("brightness", "score")
    first = int(verdicts.overview.ids[0])
    verdicts.session.micrographs.set_figures(first, {"score": 10.0, "brightness": 0.0, "snr": 1.0})
    verdicts.refresh([first])
    assert (plot.across.currentData(), plot.up.currentData()) == ("brightness", "score")
    assert plot.across.findData("snr") >= 0


def test_the_score_is_shown_once_there_is_one(verdicts, qtbot):
    session = verdicts.session
    verdicts.close()
    plot = FigurePlot(verdicts)
    qtbot.addWidget(plot)
    verdicts.open(session)
    assert plot.across.currentData() == "score"
    assert plot.is_histogram
