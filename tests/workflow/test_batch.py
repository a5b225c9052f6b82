import threading
import time
from pathlib import Path

import pytest

from napari_n2n.errors import UnreadableFile
from napari_n2n.progress import Interrupted, Progress
from napari_n2n.workflow.batch import (
    for_each_overlapped_steps,
    for_each_steps,
)


def job(path):
    yield Progress(f"half of {path}", 1, 2)
    if path.name == "torn":
        raise UnreadableFile(path, "is torn", "Copy it again.")
    return path.name.upper()


def test_a_bad_file_is_reported_and_the_rest_go_on():
    seen = list(for_each_steps([Path("a"), Path("torn"), Path("b")], job))
    outcomes = [item.outcome for item in seen if item.outcome is not None]
    assert [outcome.result for outcome in outcomes] == ["A", None, "B"]
    assert str(outcomes[1].error) == "torn is torn. Copy it again."
    progress = [item for item in seen if item.outcome is None]
    assert [(item.number, item.count) for item in progress] == [(1, 3), (2, 3), (3, 3)]


def test_a_bug_is_not_mistaken_for_a_bad_file():
    def buggy(path):
        yield Progress("working", 0, 1)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        list(for_each_steps([Path("a"), Path("b")], buggy))


def test_stopping_in_the_middle_closes_the_job():
    closed = []

    def careful(path):
        try:
            yield Progress("working", 0, 2)
            yield Progress("working", 1, 2)
        finally:
            closed.append(path)

    steps = for_each_steps([Path("a")], careful)
    next(steps)
    steps.close()
    assert closed == [Path("a")]


class Recorded:
    """Stages that note what happens when, with a file that fails at the stage it is named after."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.events = []
        self.held = self.most_held = 0
        self._lock = threading.Lock()

    def _stage(self, name, path, held=0):
        with self._lock:
            self.events.append((name, path.name))
            self.held += held
            self.most_held = max(self.most_held, self.held)
        time.sleep(self.seconds)
        if path.name == name:
            raise UnreadableFile(path, "is torn", "Copy it again.")

    def load(self, path):
        self._stage("load", path, held=1)
        return path.name

    def compute(self, path, loaded):
        self._stage("compute", path)
        yield Progress(f"half of {loaded}", 1, 2)
        return loaded.upper()

    def store(self, path, computed):
        self._stage("store", path, held=-1)
        return f"wrote {computed}"


def overlapped(names, job, stop=lambda: False):
    return for_each_overlapped_steps([Path(n) for n in names], job, stop=stop)


@pytest.mark.parametrize("bad", ["load", "compute", "store"])
def test_overlapped_a_file_that_fails_at_any_stage_stops_nobody_else(bad):
    seen = list(overlapped(["a", bad, "b", "c"], Recorded()))
    outcomes = [item.outcome for item in seen if item.outcome is not None]
    assert [outcome.path.name for outcome in outcomes] == ["a", bad, "b", "c"]
    assert [outcome.result for outcome in outcomes] == ["wrote A", None, "wrote B", "wrote C"]
    assert str(outcomes[1].error) == f"{bad} is torn. Copy it again."
    progress = [item for item in seen if item.outcome is None]
    assert all(item.count == 4 for item in progress)


def test_overlapped_reading_and_writing_cost_no_time_of_their_own():
    job = Recorded(seconds=0.1)
    started = time.monotonic()
    list(overlapped("abcdefgh", job))
    assert time.monotonic() - started < 8 * 3 * 0.1 * 0.7  # one after the other: 2.4 s
    assert job.most_held <= 3  # one ahead, one in work, one behind


def test_overlapped_a_bug_is_not_mistaken_for_a_bad_file():
    job = Recorded()
    job.store = lambda path, computed: 1 // 0
    with pytest.raises(ZeroDivisionError):
        list(overlapped("ab", job))


def test_overlapped_stops_while_it_waits_for_a_slow_disk():
    job = Recorded()
    job.load = lambda path: time.sleep(5)
    started = time.monotonic()
    with pytest.raises(Interrupted):
        list(overlapped("ab", job, stop=lambda: time.monotonic() - started > 0.2))
    assert time.monotonic() - started < 1.5


def test_overlapped_a_write_that_has_begun_is_finished(tmp_path):
    job = Recorded()

    def store(path, computed):
        time.sleep(0.3)
        (tmp_path / computed).touch()

    job.store = store
    steps = overlapped("ab", job)
    for step in steps:
        if step.path == Path("b"):
            break
    steps.close()
    assert (tmp_path / "A").exists()


def test_no_files_are_no_work():
    assert list(overlapped("", Recorded())) == []
