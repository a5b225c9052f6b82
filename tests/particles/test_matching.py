import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_n2n.errors import BadValue
from napari_n2n.particles.matching import match


def test_each_true_centre_counts_once():
    result = match([(10, 10), (11, 10), (50, 50)], [(10.5, 10), (80, 80)], 5)
    assert (result.true_positives, result.n_found, result.n_true) == (1, 3, 2)
    assert result.precision == pytest.approx(1 / 3)
    assert result.recall == pytest.approx(1 / 2)
    assert result.f1 == pytest.approx(2 / 5)
    assert result.is_missed.tolist() == [False, True]
    assert result.is_hit.sum() == 1


def test_as_many_pairs_as_possible_are_made():
    # Taking the closest first, 4 with 5, would leave 0 and 8.9 without partners.
    found, true = [(0, 0), (0, 5)], [(0, 4), (0, 9)]
    result = match(found, true, 4.5)
    assert result.true_positives == 2


def test_of_equally_many_pairs_the_closest_are_taken():
    result = match([(0, 0), (0, 3)], [(0, 1), (0, 4)], 10)
    assert result.pairs.tolist() == [[0, 0], [1, 1]]
    np.testing.assert_allclose(result.distances_px, [1, 1])


def test_the_tolerance_is_a_circle():
    assert match([(3, 4)], [(0, 0)], 5.01).true_positives == 1
    assert match([(4, 4)], [(0, 0)], 5.01).true_positives == 0


@pytest.mark.parametrize(
    ("found", "true", "f1"), [([], [], 1), ([(1, 1)], [], 0), ([], [(1, 1)], 0)]
)
def test_nothing_found_or_nothing_there(found, true, f1):
    assert match(found, true, 3).f1 == f1


@pytest.mark.parametrize("tolerance", [0, -1, np.nan])
def test_a_tolerance_must_be_positive(tolerance):
    with pytest.raises(BadValue):
        match([(0, 0)], [(0, 0)], tolerance)


centres = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=25)


@given(centres, centres)
def test_swapping_found_and_true_swaps_precision_and_recall(found, true):
    one, other = match(found, true, 4), match(true, found, 4)
    assert one.true_positives == other.true_positives
    assert len(set(one.pairs[:, 0])) == len(set(one.pairs[:, 1])) == len(one.pairs)
    assert (one.distances_px <= 4).all()
    if found and true:
        assert (one.precision, one.recall) == (other.recall, other.precision)
