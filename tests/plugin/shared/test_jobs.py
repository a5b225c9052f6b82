import threading
from time import monotonic, sleep

import pytest
import torch

from napari_n2n.errors import NotEnoughData
from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.progress import Interrupted, Progress


@pytest.fixture
def runner(qapp, qtbot):
    runner = Runner()
    runner.said = []
    runner.failed.connect(runner.said.append)
    yield runner
    runner.stop()
    qtbot.waitUntil(lambda: not runner.busy, timeout=5000)


def failing(problem):
    def steps(stop):
        yield Progress("working", 0, 2)
        raise problem

    return steps


def endless(closed: threading.Event):
    def steps(stop):
        try:
            while True:
                if stop():
                    raise Interrupted
                yield Progress("working", 0, 1)
                sleep(0.01)
        finally:
            closed.set()

    return steps


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (RuntimeError("the kernel vanished"), "the kernel vanished"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "ran out of memory"),
        (MemoryError(), "not enough memory"),
        (NotEnoughData("There is nothing to train on."), "There is nothing to train on."),
        (ZeroDivisionError("by zero"), "ZeroDivisionError"),
    ],
)
def test_a_failure_reaches_the_user_and_frees_the_runner(runner, qtbot, problem, words):
    with qtbot.waitSignal(runner.finished, timeout=5000):
        runner.start("failing", failing(problem), show=False)
    assert len(runner.said) == 1
    assert words in runner.said[0]
    assert not runner.busy
    with qtbot.waitSignal(runner.succeeded, timeout=5000) as signal:
        assert runner.start("again", lambda stop: returning(7), show=False)
    assert signal.args == [7]


def returning(value):
    yield Progress("working", 0, 1)
    return value


def test_only_one_job_runs_at_a_time(runner, qtbot):
    closed = threading.Event()
    assert runner.start("first", endless(closed), show=False)
    assert not runner.start("second", endless(threading.Event()), show=False)
    assert runner.busy
    with qtbot.waitSignal(runner.stopped, timeout=5000):
        runner.stop()
    assert closed.is_set()


def test_a_stopped_job_ends_within_a_second_and_is_closed_in_its_thread(runner, qtbot):
    closed = threading.Event()
    runner.start("endless", endless(closed), show=False)
    qtbot.wait(100)
    asked = monotonic()
    with qtbot.waitSignal(runner.finished, timeout=5000):
        runner.stop()
    assert monotonic() - asked < 1
    assert closed.is_set()
    assert runner.said == []


def test_a_job_ends_when_qt_destroys_its_runner(qapp, qtbot):
    closed = threading.Event()
    runner = Runner()
    runner.start("endless", endless(closed), show=False)
    qtbot.wait(50)
    runner.deleteLater()
    qtbot.waitUntil(closed.is_set, timeout=5000)


def test_quitting_napari_ends_jobs(runner, qtbot):
    from napari.qt.threading import WorkerBase

    closed = threading.Event()
    runner.start("endless", endless(closed), show=False)
    qtbot.wait(50)
    WorkerBase.await_workers(5000)  # what napari does when it quits
    assert closed.is_set()


def test_the_activity_dock_follows_the_progress(runner, qtbot):
    from napari.utils.progress import progress

    go_on = threading.Event()

    def steps(stop):
        yield Progress("aligning", 1, 4, seconds_left=30)
        go_on.wait(5)
        return None

    with qtbot.waitSignal(runner.progressed, timeout=5000):
        runner.start("job", steps)
    (bar,) = progress._all_instances
    qtbot.waitUntil(lambda: bar.n == 250, timeout=5000)
    assert "aligning, 30 s left" in bar.desc
    with qtbot.waitSignal(runner.finished, timeout=5000):
        go_on.set()
    assert not progress._all_instances
