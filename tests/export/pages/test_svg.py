"""Plots: what is drawn where."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from napari_n2n.export.pages.svg import WIDTH, Group, bar_chart, histogram, over_time

SVG = "{http://www.w3.org/2000/svg}"


def everyone(values, name="kept", colour="#123456"):
    return [Group(name, colour, np.ones(len(values), bool))]


def dots(svg, colour="#123456"):
    """(n, 2) x, y of the dots of a colour."""
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if path.get("stroke") == colour:
            return np.array(re.findall(r"M([\d.]+) ([\d.]+)h0", path.get("d")), float)
    return np.empty((0, 2))


def texts(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_later_is_further_right_and_more_is_higher_up():
    when, values = np.array([100.0, 7300.0, 3700.0]), np.array([2.0, 3.0, 9.0])
    x, y = dots(over_time("Drift (Å)", when, values, everyone(values))).T
    assert x.argsort().tolist() == when.argsort().tolist()
    assert (-y).argsort().tolist() == values.argsort().tolist()
    # To scale: from the first to the third are half of the way.
    assert (x[2] - x[0]) / (x[1] - x[0]) == pytest.approx(0.5, abs=0.01)
    assert (y[0] - y[1]) / (y[0] - y[2]) == pytest.approx(1 / 7, abs=0.01)


def test_what_is_unknown_is_not_drawn():
    when, values = np.array([0.0, np.nan, 60.0, 120.0]), np.array([1.0, 2.0, np.nan, 3.0])
    assert len(dots(over_time("t", when, values, everyone(values)))) == 2
    assert over_time("t", when, np.full(4, np.nan), everyone(values)) == ""
    assert histogram("t", np.full(4, np.nan), everyone(values)) == ""
    assert bar_chart([("kept", 0, "#123456")]) == ""


@pytest.mark.parametrize("in_order", [False, True])
def test_files_of_one_moment_are_drawn(in_order):
    """A copied folder: all files have one time."""
    when, values = np.full(5, 1.7e9), np.arange(5.0)
    assert len(dots(over_time("t", when, values, everyone(values), in_order=in_order))) == 5


def test_no_dot_leaves_the_picture_and_the_outlier_is_told():
    values = np.append(np.random.default_rng(0).normal(20, 3, 300), 5000)
    drawn = over_time("t", np.arange(301.0), values, everyone(values), in_order=True)
    x, y = dots(drawn).T
    height = float(ElementTree.fromstring(drawn).get("height"))
    assert x.min() > 0
    assert x.max() < WIDTH
    assert y.min() > 0
    assert y.max() < height
    assert "1 beyond the scale" in texts(drawn)


def test_the_line_follows_a_step_and_ignores_outliers():
    when, values = np.arange(480.0), np.repeat([10.0, 30.0], 240)
    values[::25] = 1000.0
    drawn = over_time("t", when, values, everyone(values), in_order=True)
    (line,) = ElementTree.fromstring(drawn).iter(f"{SVG}polyline")
    _, y = np.array([point.split(",") for point in line.get("points").split()], float).T
    half = len(y) // 2
    np.testing.assert_allclose(y[:half], y[0])
    np.testing.assert_allclose(y[half:], y[-1])
    assert y[-1] < y[0]


def test_a_session_of_20000_stays_small_and_says_so():
    values = np.random.default_rng(1).normal(size=20_000)
    drawn = over_time("t", np.arange(20_000.0), values, everyone(values), in_order=True)
    assert len(dots(drawn)) == 5000
    assert any("one in 4 drawn" in text for text in texts(drawn) if text)
    assert len(drawn) < 150_000


def test_bars_of_a_histogram_hold_every_micrograph():
    rng = np.random.default_rng(2)
    values = rng.gamma(3, 2, 400)
    kept = rng.random(400) < 0.7
    groups = [Group("kept", "#111111", kept), Group("rejected", "#222222", ~kept)]
    drawn = histogram("t", values, groups)
    rects = list(ElementTree.fromstring(drawn).iter(f"{SVG}rect"))
    heights = {
        colour: sum(float(r.get("height")) for r in rects if r.get("fill") == colour)
        for colour in ("#111111", "#222222")
    }
    assert heights["#111111"] / heights["#222222"] == pytest.approx(
        kept.sum() / (~kept).sum(), rel=0.02
    )
    # On top of one another, none over another.
    places = [(r.get("x"), float(r.get("y")), float(r.get("height"))) for r in rects]
    for x in {place[0] for place in places}:
        tower = sorted(place[1:] for place in places if place[0] == x)
        for (top, height), (below, _) in pairwise(tower):
            assert top + height == pytest.approx(below, abs=0.11)


def test_few_whole_numbers_have_a_bar_each():
    drawn = histogram("t", np.array([1.0, 2, 2, 5]), everyone(range(4)))
    rects = list(ElementTree.fromstring(drawn).iter(f"{SVG}rect"))
    assert len(rects) == 3
    assert {text for text in texts(drawn) if text} >= {"1", "2", "5"}


def test_bars_are_as_long_as_their_counts_and_tell_them():
    drawn = bar_chart([("drift", 60, "#111111"), ("empty", 20, "#111111"), ("other", 0, "#111111")])
    widths = [float(r.get("width")) for r in ElementTree.fromstring(drawn).iter(f"{SVG}rect")]
    assert widths[0] / widths[1] == pytest.approx(3, rel=0.01)
    assert widths[2] == 0
    assert "60 (75 %)" in texts(drawn)


def test_names_cannot_break_the_picture():
    drawn = bar_chart([("<b>&\"'", 1, "#111111")])
    assert "<b>&\"'" in texts(drawn)
    values = np.array([1.0, 2.0])
    assert "<i>" in texts(over_time("<i>", values, values, everyone(values), in_order=True))
