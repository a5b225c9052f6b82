from pathlib import Path

import pytest

from napari_n2n.batch import FileOutcome, FileProgress, for_each
from napari_n2n.errors import UnreadableFile


def job(path):
    yield f"half of {path}"
    if path.name == "torn":
        raise UnreadableFile(path, "is torn", "Copy it again.")
    return path.name.upper()


def test_a_bad_file_is_reported_and_the_rest_go_on():
    seen = list(for_each([Path("a"), Path("torn"), Path("b")], job))
    outcomes = [item for item in seen if isinstance(item, FileOutcome)]
    assert [outcome.result for outcome in outcomes] == ["A", None, "B"]
    assert str(outcomes[1].error) == "torn is torn. Copy it again."
    progress = [item for item in seen if isinstance(item, FileProgress)]
    assert [(item.number, item.count) for item in progress] == [(1, 3), (2, 3), (3, 3)]


def test_a_bug_is_not_mistaken_for_a_bad_file():
    def buggy(path):
        yield path
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        list(for_each([Path("a"), Path("b")], buggy))


def test_stopping_in_the_middle_closes_the_job():
    closed = []

    def careful(path):
        try:
            yield 1
            yield 2
        finally:
            closed.append(path)

    steps = for_each([Path("a")], careful)
    next(steps)
    steps.close()
    assert closed == [Path("a")]
