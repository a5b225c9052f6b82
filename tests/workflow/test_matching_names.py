"""Files are paired by what their names say, and refused where names do not fit."""

from pathlib import Path

import pytest

from napari_n2n.errors import NotEnoughData
from napari_n2n.workflow.matching_names import matched_by_name


def files(*names):
    return [Path(name) for name in names]


def names(pairs):
    return [(str(a), str(b)) for a, b in pairs]


def test_halves_are_paired_by_name_whatever_their_order():
    odd = files("a_ODD.mrc", "b_ODD.mrc", "c_odd.tif")
    even = files("c_even.tif", "a_EVN.mrc", "b_EVN.mrc")
    expected = [("a_ODD.mrc", "a_EVN.mrc"), ("b_ODD.mrc", "b_EVN.mrc"), ("c_odd.tif", "c_even.tif")]
    assert names(matched_by_name(odd, even)) == expected
    assert [str(b) for _, b in matched_by_name(even, odd)] == [str(odd[i]) for i in (2, 0, 1)]


def test_halves_in_folders_of_their_own_are_paired():
    odd, even = files("x/odd/a.mrc", "x/odd/b.mrc"), files("x/even/b.mrc", "x/even/a.mrc")
    assert names(matched_by_name(odd, even))[0] == ("x/odd/a.mrc", "x/even/a.mrc")


@pytest.mark.parametrize(
    ("odd", "even"),
    [
        (["a_ODD.mrc", "b_ODD.mrc"], ["a_EVN.mrc", "c_EVN.mrc"]),  # one missing on each side
        (["b_ODD.mrc"], ["c_EVN.mrc"]),
        (["a_ODD.mrc", "b_ODD.mrc", "c_ODD.mrc"], ["a_EVN.mrc"]),
        (["odd/b.mrc", "odd/a.mrc"], ["even/a.mrc", "even/c.mrc"]),
    ],
)
def test_halves_without_a_partner_are_named(odd, even):
    for pair in ((odd, even), (even, odd)):
        with pytest.raises(NotEnoughData, match=r"other half of .*b(_ODD)?\.mrc|.*c(_EVN)?\.mrc"):
            matched_by_name(*(files(*names) for names in pair))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["m1_frame.mrc", "m2_frame.mrc"], ["m1_rest.mrc", "m2_rest.mrc"]),
        (["frame_l.mrc", "frame_rest.mrc"], ["rest_l.mrc", "rest_rest.mrc"]),
        (["a.mrc", "b_long.mrc"], ["a_long.mrc", "b_long_long.mrc"]),
        (["one/a.mrc", "one/b.mrc"], ["two/a.tif", "two/b.tif"]),
        (["anything.mrc"], ["else.mrc"]),
        (["a1.mrc", "b1.mrc"], ["a2.mrc", "b2.mrc"]),
    ],
)
def test_names_that_differ_alike_fit(first, second):
    assert names(matched_by_name(files(*first), files(*second))) == list(
        zip(first, second, strict=True)
    )


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (["m1_frame.mrc", "m2_frame.mrc"], ["m1_rest.mrc", "m3_rest.mrc"], "m2_frame"),
        (["m1_frame.mrc", "m2_frame.mrc"], ["m2_rest.mrc", "m3_rest.mrc"], "m2_frame"),
        (["1/a_ODD.mrc", "2/a_ODD.mrc"], ["1/a_EVN.mrc", "1/b_EVN.mrc"], "a_ODD"),
        (["a.mrc", "b.mrc"], ["b.mrc", "a.mrc"], "b"),
    ],
)
def test_names_that_differ_in_several_ways_are_refused(first, second, named):
    with pytest.raises(NotEnoughData, match=rf"{named}\.mrc would be paired with"):
        matched_by_name(files(*first), files(*second))


def test_lists_of_two_lengths_are_refused():
    with pytest.raises(NotEnoughData, match="2 files cannot be paired with 1"):
        matched_by_name(files("a.mrc", "b.mrc"), files("c.mrc"))
