"""Scales of plots: what they show, and what is written at them."""

import time

import numpy as np
import pytest

from napari_n2n.export.pages.axes import axis_of, clock, numbered, span


def told(axis):
    return [text for _, text in axis.ticks]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (0.2, 0.9, ["0.2", "0.4", "0.6", "0.8", "1.0"]),
        (880, 1420, ["800", "1,000", "1,200", "1,400", "1,600"]),
        (-0.03, 0.012, ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]),
        (2e6, 3e6, ["2,000,000", "2,200,000", "2,400,000", "2,600,000", "2,800,000", "3,000,000"]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, texts):
    axis = numbered(low, high)
    assert told(axis) == texts
    assert axis.low <= low
    assert axis.high >= high


def test_counts_have_whole_ticks():
    assert told(numbered(0, 2, whole=True)) == ["0", "1", "2"]


def test_one_outlier_does_not_press_the_others_together():
    values = np.append(np.linspace(4, 6, 500), 4000)
    axis = axis_of(values)
    assert axis.high <= 10
    assert axis.beyond(values) == 1
    # It is drawn at the end, not outside.
    assert axis.share(values)[-1] == 1


def test_a_long_tail_is_not_cut_off():
    drift = np.random.default_rng(3).gamma(4, 5, 2000)
    assert axis_of(drift).beyond(drift) < 10


def test_where_most_are_equal_the_others_are_shown():
    values = np.array([0.0] * 40 + [30.0, 60.0])
    assert axis_of(values).high == 60


def test_a_scale_can_be_asked_to_hold_all():
    values = np.append(np.linspace(0, 3, 50), [40.0, 65.0])
    assert axis_of(values).beyond(values) == 2
    assert axis_of(values, cut=False).beyond(values) == 0


def test_quantities_begin_at_nothing_unless_all_are_far_from_it():
    assert axis_of(np.array([3.0, 9.0])).low == 0
    assert axis_of(np.array([880.0, 910.0])).low > 800


@pytest.mark.parametrize("value", [0.0, 7.0, -3.5])
def test_equal_values_have_an_axis(value):
    axis = axis_of(np.full(9, value))
    assert axis.low <= value < axis.high
    low, high = span(np.full(9, value))
    assert low < value < high


@pytest.fixture
def stockholm(monkeypatch):
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone cannot be set here")
    monkeypatch.setenv("TZ", "Europe/Stockholm")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("stockholm")
@pytest.mark.parametrize(
    ("hours", "texts"),
    [
        (10, ["00:00", "02:00", "04:00", "06:00", "08:00"]),
        (1, ["23:20", "23:30", "23:40", "23:50", "00:00"]),
        (0, ["23:13"]),
        (40, ["15 Nov", "12:00", "16 Nov", "12:00"]),
        (24 * 60, ["28 Nov", "12 Dec", "26 Dec", "9 Jan"]),
    ],
)
def test_times_are_those_of_the_wall_clock(hours, texts):
    evening = 1_700_000_000.0  # 14 November 2023, 23:13:20 in Stockholm
    axis = clock(np.array([evening, evening + 3600 * hours]))
    assert told(axis)[: len(texts)] == texts
    assert len(axis.ticks) <= 7
    assert all(axis.low <= at <= axis.high for at, _ in axis.ticks)
