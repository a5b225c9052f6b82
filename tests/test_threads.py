"""Work that threads do side by side."""

import threading
import time
from functools import partial

import pytest
import torch

from napari_n2n.threads import in_strips, side_by_side, strip_by_strip, torch_threads


@pytest.fixture(autouse=True)
def _two_threads(threads):
    threads(2)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_results_come_in_the_order_of_the_items(count):
    def work(item):
        time.sleep(0.002 * (count - item))  # the later ones are done first
        return 10 * item

    assert side_by_side(work, range(count)) == [10 * item for item in range(count)]


def test_two_are_worked_on_at_the_same_time():
    both = threading.Barrier(2, timeout=20)

    def work(item):
        both.wait()  # passes when another is here as well
        return item

    assert side_by_side(work, [1, 2]) == [1, 2]


def test_each_has_its_share_of_torchs_threads_and_nobody_else_notices():
    elsewhere = []
    counts = side_by_side(lambda _item: torch.get_num_threads(), [0, 1, 2])
    meanwhile = threading.Thread(target=lambda: elsewhere.append(torch.get_num_threads()))
    with torch_threads(1):
        inside = torch.get_num_threads()
        meanwhile.start()  # a thread that begins now has as many as ever
        meanwhile.join()
    assert (counts, inside, elsewhere) == ([1, 1, 1], 1, [2])
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_error_comes_out_when_nothing_runs_any_more(wrong):
    running, done = [], []

    def work(item):
        running.append(item)
        if item == wrong:
            raise ValueError(f"no {item}")
        time.sleep(0.2)
        done.append(item)
        return item

    with pytest.raises(ValueError, match=f"no {wrong}"):
        side_by_side(work, [0, 1])
    assert sorted([*done, wrong]) == sorted(running)
    assert side_by_side(lambda item: item, [3, 4]) == [3, 4]


@pytest.mark.parametrize("each", [strip_by_strip, partial(in_strips, device=torch.device("cpu"))])
@pytest.mark.parametrize("width", [1, 3, 4, 10, 50])
def test_strips_cover_every_place_once_and_in_order(each, width):
    places = each(lambda strip: list(range(10))[strip], 10, width)
    assert [place for strip in places for place in strip] == list(range(10))
    assert all(len(strip) <= width for strip in places)


def test_what_is_done_side_by_side_may_itself_do_things_side_by_side(threads):
    threads(4)

    def work(item):
        return side_by_side(lambda inner: (item, inner), [0, 1, 2])

    expected = [[(item, inner) for inner in range(3)] for item in range(4)]
    assert side_by_side(work, range(4)) == expected
