"""What the micrograph table says, sorts and filters, without a window."""

import numpy as np
import pytest

from napari_n2n.session.records import Overview
from napari_n2n.workflow.screening.columns import (
    columns_of,
    next_to_judge,
    order_of,
    passing,
    progress_text,
    text_of,
    verdict_text,
)

NAN = np.nan


def overview(**columns) -> Overview:
    n = 6
    texts = {
        "verdicts": ["keep", "reject", "undecided", "undecided", "reject", "undecided"],
        "reasons": ["", "thick ice", "", "", "drift", ""],
        "given_by": [""] * n,
        "judged_at": [""] * n,
        "states": ["done", "done", "done", "failed", "done", "waiting"],
        "messages": [""] * n,
    }
    return Overview(
        ids=10 + np.arange(n),
        paths=[None] * n,
        names=[f"m{i}.mrc" for i in (3, 1, 2, 0, 5, 4)],
        **{name: np.array(columns.get(name, values)) for name, values in texts.items()},
        figures={"snr": np.array([0.3, NAN, 0.1, NAN, 0.2, NAN]), "unknown": np.full(n, NAN)}
        | columns.get("figures", {}),
        counts={},
        acquired=np.full(n, NAN),
    )


def test_unknown_figures_come_last_in_either_direction():
    assert order_of(overview(), "snr").tolist() == [2, 4, 0, 1, 3, 5]
    assert order_of(overview(), "snr", descending=True).tolist() == [0, 4, 2, 1, 3, 5]


def test_equal_ones_stay_in_the_order_they_came():
    same = overview(figures={"snr": np.ones(6)})
    assert order_of(same, "snr").tolist() == list(range(6))
    assert order_of(same, "snr", descending=True).tolist() == list(range(6))


def test_names_verdicts_and_states_are_sorted_by():
    assert order_of(overview(), "name").tolist() == [3, 1, 2, 0, 5, 4]
    # Undecided, kept, rejected; the rejected by their reason.
    assert order_of(overview(), "verdict").tolist() == [2, 3, 5, 0, 4, 1]
    assert order_of(overview(), "state").tolist()[:2] == [3, 5]


@pytest.mark.parametrize(
    ("which", "text", "left"),
    [
        ("all", "", [0, 1, 2, 3, 4, 5]),
        ("undecided", "", [2, 3, 5]),
        ("reject", "", [1, 4]),
        ("failed", "", [3]),
        ("all", "ICE", [1]),
        ("all", "m1 thick", [1]),
        ("keep", "drift", []),
    ],
)
def test_a_filter_leaves_what_it_says(which, text, left):
    assert np.flatnonzero(passing(overview(), which, text)).tolist() == left


def test_figures_nobody_has_get_no_column_and_the_score_comes_first():
    scored = overview(figures={"score": np.arange(6.0)})
    keys = [column.key for column in columns_of(scored)]
    assert keys == ["name", "verdict", "state", "score", "snr"]


def test_the_unit_is_in_the_title():
    drift = overview(figures={"drift_total_angstrom": np.arange(6.0)})
    assert "(Å)" in columns_of(drift)[-1].title + columns_of(drift)[-2].title


def test_the_next_is_screened_undecided_and_goes_round():
    seen = overview(states=["done"] * 5 + ["waiting"])
    order = order_of(seen, "")
    assert next_to_judge(seen, order, None) == 2
    assert next_to_judge(seen, order, 2) == 3
    assert next_to_judge(seen, order, 3) == 2  # 5 still waits to be screened
    assert next_to_judge(seen, order[[0, 1, 2]], 2) is None  # never the one that is shown


def test_numbers_are_as_short_as_they_are_meaningful():
    assert [text_of(x) for x in (NAN, 0.123, 12.34, 1234.5)] == ["", "0.12", "12.3", "1,234"]
    assert text_of(7.0, "particles") == "7"


def test_verdicts_and_progress_are_told_in_words():
    assert verdict_text(overview(), 1) == "rejected: thick ice"
    assert verdict_text(overview(), 2) == ""
    assert progress_text(overview()) == "3 of 6 judged, 1 kept"
