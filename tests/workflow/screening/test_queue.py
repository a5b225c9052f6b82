"""Files that wait to be screened."""

import threading
import time

import pytest

from napari_n2n.workflow.screening import Queue


@pytest.fixture
def files(tmp_path):
    return [tmp_path / f"{letter}.mrc" for letter in "abc"]


def test_files_are_taken_in_their_order_each_once(files):
    queue = Queue([*files, files[0]])
    assert len(queue) == 3
    assert [queue.take() for _ in range(4)] == [*files, None]
    assert queue.is_over


def test_what_a_person_looks_at_comes_first(files, tmp_path):
    queue = Queue(files)
    assert queue.prefer(files[2])
    assert queue.waiting() == (files[2], files[0], files[1])
    assert not queue.prefer(tmp_path / "elsewhere.mrc")


def test_a_file_reached_through_a_link_is_the_same_file(files, tmp_path):
    """A session names files without links; what it names must be found in the queue."""
    (tmp_path / "night").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "night")
    queue = Queue([tmp_path / "link" / "a.mrc"])
    assert queue.add([tmp_path / "night" / "a.mrc"]) == 0
    assert queue.prefer(tmp_path / "night" / "a.mrc")


def test_nothing_is_taken_while_it_rests(files):
    queue = Queue(files)
    queue.pause()
    assert queue.is_paused
    assert queue.take() is None
    assert not queue.is_over
    queue.resume()
    assert queue.take() == files[0]


def test_files_can_be_taken_out_again(files):
    queue = Queue(files)
    assert queue.remove([files[1], files[1]]) == 1
    assert queue.waiting() == (files[0], files[2])


def test_an_open_queue_is_over_once_it_is_closed_and_empty(files):
    queue = Queue(open=1)
    assert not queue.is_over
    queue.add(files[:1])
    queue.close()
    assert not queue.is_over
    queue.take()
    assert queue.is_over


def test_waiting_ends_as_soon_as_there_is_something_to_do(files):
    queue = Queue(open=1)
    threading.Timer(0.1, queue.add, [files]).start()
    began = time.monotonic()
    queue.wait(30)
    assert time.monotonic() - began < 10
    assert len(queue) == 3


def test_threads_lose_and_double_nothing(tmp_path):
    queue = Queue()
    files = [tmp_path / str(number) for number in range(2000)]
    taken = [[], []]

    def take(mine):
        while len(taken[0]) + len(taken[1]) < len(files):
            path = queue.take()
            if path is not None:
                mine.append(path)

    takers = [threading.Thread(target=take, args=(mine,), daemon=True) for mine in taken]
    adders = [
        threading.Thread(target=lambda part=part: [queue.add([path]) for path in part])
        for part in (files[::2], files[1::2])
    ]
    for thread in (*takers, *adders):
        thread.start()
    for thread in (*takers, *adders):
        thread.join(30)
    assert sorted(taken[0] + taken[1]) == sorted(files)


def test_a_queue_with_two_feeds_is_over_when_both_have_ended():
    queue = Queue(open=2)
    queue.close()
    assert not queue.is_over
    queue.close()
    assert queue.is_over
    queue.close()
    assert queue.is_over
