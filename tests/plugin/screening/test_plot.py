"""What is drawn around in the figures is selected."""

import numpy as np
import pytest
from qtpy.QtCore import QPointF

from napari_n2n.plugin.screening.plot import FigurePlot
from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

from ...workflow.screening.screened import screened_folder


@pytest.fixture
def judging(tmp_path, qapp):
    session = screened_folder(tmp_path / "night")
    judging = MicrographVerdicts()
    judging.open(session)
    yield judging
    judging.close()
    session.close()


@pytest.fixture
def plot(judging, qtbot):
    plot = FigurePlot(judging)
    qtbot.addWidget(plot)
    plot.resize(500, 400)
    with qtbot.waitExposed(plot):
        plot.show()
    return plot


def rows_selected(judging):
    return np.flatnonzero(np.isin(judging.overview.ids, judging.selected)).tolist()


def heights(plot, verdict):
    return np.asarray(plot._bars[verdict].opts["height"])


def test_a_range_of_a_histogram_selects_what_is_in_it(plot, judging):
    plot.choose("score")
    plot._box.drawn.emit([(15.0, 0.0), (45.0, 1.0)], True)
    assert rows_selected(judging) == [1, 2, 3]
    assert "3" in plot.hint.text()
    plot.region.setRegion((35.0, 100.0))  # its edge is dragged
    plot.region.sigRegionChangeFinished.emit(plot.region)
    assert rows_selected(judging) == [3, 4, 5]


def test_drawing_from_right_to_left_is_the_same(plot, judging):
    plot.choose("score")
    plot._box.drawn.emit([(45.0, 0.0), (15.0, 1.0)], True)
    assert rows_selected(judging) == [1, 2, 3]


def test_what_is_drawn_around_in_a_scatter_plot_is_selected(plot, judging):
    plot.choose("score", "brightness")
    around = [(5.0, 1.0), (25.0, 1.0), (25.0, -1.5), (5.0, -1.5)]  # m0: (10, 0), m1: (20, -1)
    plot._box.drawn.emit(around, False)
    assert rows_selected(judging) == []
    plot._box.drawn.emit(around, True)
    assert rows_selected(judging) == [0, 1]


def test_a_point_that_is_clicked_is_shown(plot, judging, qtbot):
    plot.choose("score", "brightness")
    qtbot.wait(50)
    place = plot._box.mapViewToScene(QPointF(30.0, -2.0))
    plot._box.clicked.emit(place)
    assert judging.current == judging.overview.ids[2]


def test_a_click_beside_selects_nothing_any_more(plot, judging):
    plot.choose("score")
    plot._box.drawn.emit([(0.0, 0.0), (100.0, 1.0)], True)
    plot._box.clicked.emit(plot._box.mapViewToScene(QPointF(0.0, 0.0)))
    assert rows_selected(judging) == []
    assert not plot.region.isVisible()


def test_unknown_figures_are_never_selected(plot, judging):
    first = int(judging.overview.ids[0])
    judging.session.micrographs.set_figures(first, {"score": 10.0})
    judging.refresh([first])
    plot.choose("brightness")
    plot._box.drawn.emit([(-100.0, 0.0), (100.0, 1.0)], True)
    assert rows_selected(judging) == [1, 2, 3, 4, 5]


def test_bars_are_coloured_by_verdict_and_add_up(plot, judging):
    plot.choose("score")
    judging.judge(judging.overview.ids[:2], "keep")
    judging.judge(judging.overview.ids[2:3], "reject")
    counts = {verdict: heights(plot, verdict).sum() for verdict in ("undecided", "keep", "reject")}
    assert counts == {"undecided": 3, "keep": 2, "reject": 1}
    # One on top of the other.
    below = np.asarray(plot._bars["reject"].opts["y0"])
    np.testing.assert_array_equal(below, heights(plot, "undecided") + heights(plot, "keep"))


def test_the_figures_that_were_chosen_stay_chosen_when_others_come(plot, judging):
    plot.choose("brightness", "score")
    first = int(judging.overview.ids[0])
    judging.session.micrographs.set_figures(first, {"score": 10.0, "brightness": 0.0, "snr": 1.0})
    judging.refresh([first])
    assert (plot.across.currentData(), plot.up.currentData()) == ("brightness", "score")
    assert plot.across.findData("snr") >= 0


def test_the_score_is_shown_once_there_is_one(judging, qtbot):
    session = judging.session
    judging.close()
    plot = FigurePlot(judging)
    qtbot.addWidget(plot)
    judging.open(session)
    assert plot.across.currentData() == "score"
    assert plot.is_histogram
