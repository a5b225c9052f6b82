import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from napari_n2n.experiments.curves import COLOURS, Curve, frequency_axis, line_plot
from napari_n2n.experiments.report import (
    Panel,
    gallery,
    report_page,
    table,
)


def points_of(drawing: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'<polyline points="([^"]*)"', drawing)
    return [[tuple(map(float, p.split(","))) for p in line.split()] for line in lines]


def test_a_report_needs_nothing_but_itself_and_tells_what_it_was_made_with(tmp_path):
    path = tmp_path / "raw.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    text = report_page(
        "Apoferritin <shells>",
        {"seed": 3, "movies": None},
        [gallery([Panel(path, "raw & ready")]), table(["what"], [["raw"]])],
        seconds=75,
    )
    assert "Apoferritin &lt;shells&gt;" in text
    assert "1 min 15 s" in text
    assert "torch" in text
    assert "seed" in text
    assert "raw &amp; ready" in text
    assert ">movies<" not in text, "what was not given is not a setting"
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    parser = HTMLParser()
    parser.feed(text)
    parser.close()


def test_a_curve_goes_through_its_points_between_the_axes():
    x = np.array([0.0, 1.0, 2.0])
    up = Curve("up", x, np.array([0.0, 1.0, 2.0]), COLOURS[0])
    down = Curve("down", x, np.array([2.0, np.nan, 0.0]), COLOURS[1])
    first, second = points_of(line_plot("Both", [up, down], across_title="time (s)"))
    assert [p[0] for p in first] == sorted(p[0] for p in first)
    assert first[0][1] > first[1][1] > first[2][1], "greater is higher up"
    assert len(second) == 2, "what is no number is left out"
    assert second[0] == (first[0][0], first[2][1])


def test_nothing_known_draws_nothing():
    empty = Curve("none", np.array([1.0]), np.array([np.nan]), COLOURS[0])
    assert line_plot("t", [empty], across_title="x") == line_plot("t", [], across_title="x") == ""


@pytest.mark.parametrize("highest", [0.05, 0.2, 0.5])
def test_frequencies_are_told_as_resolutions_that_can_be_read(highest):
    axis = frequency_axis(highest)
    told = dict(axis.ticks)
    assert (axis.low, axis.high) == (0.0, highest)
    places = sorted(told)
    assert 4 <= len(places) <= 10
    assert np.diff(places).min() > highest / 10, "numbers do not run into one another"
    assert all(told[at] == f"1/{1 / at:g}" for at in places[1:])
