import ast
import re
from pathlib import Path

import pytest

import napari_n2n
from napari_n2n.progress import (
    Interrupted,
    Progress,
    Stopwatch,
    format_seconds,
    passed_on,
    run_to_end,
    stoppable,
)


def counting(log):
    try:
        for i in range(3):
            yield Progress("counting", i, 3)
        return "counted"
    finally:
        log.append("closed")


def test_run_to_end_hands_on_progress_and_returns_the_result():
    log: list[object] = []
    assert run_to_end(counting(log), log.append) == "counted"
    assert [p.done for p in log[:3]] == [0, 1, 2]


def test_a_listener_that_fails_closes_the_work():
    log: list[object] = []

    def fail(_):
        raise ValueError("listener")

    with pytest.raises(ValueError, match="listener"):
        run_to_end(counting(log), fail)
    assert log == ["closed"]


def test_time_left_is_unknown_at_first_and_zero_at_the_end():
    watch = Stopwatch()
    assert watch.progress("x", 0, 4).seconds_left is None
    assert watch.progress("x", 4, 4).seconds_left == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (190, "3 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_as_a_person_would(seconds, said):
    assert format_seconds(seconds) == said


def test_what_is_passed_on_keeps_its_result_and_closes_its_source():
    log: list[object] = []
    twice = passed_on(counting(log), lambda step: (step, step))
    assert [next(twice).done, next(twice).done, next(twice).done] == [0, 0, 1]
    twice.close()
    assert log == ["closed"]
    assert run_to_end(passed_on(counting(log), lambda _: ())) == "counted"


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_stop_is_noticed_before_the_next_step(after):
    log: list[object] = []
    told: list[object] = []
    with pytest.raises(Interrupted):
        run_to_end(stoppable(counting(log), lambda: len(told) >= after), told.append)
    assert len(told) == after
    assert log == (["closed"] if after else [])


def test_how_far_it_is_and_what_goes_on_are_told_in_words():
    step = Progress("denoising", 2, 8)
    assert step.fraction == 0.25
    assert step.text == "denoising"
    assert step.sentence == "Denoising (2 of 8)"
    assert Progress("loading the model", 0, 1).sentence == "Loading the model…"
    assert Progress("nothing", 0, 0).fraction == 0


def public_generators():
    """Every public function of the package that yields progress, by name and module."""
    source = Path(napari_n2n.__file__).parent
    for path in sorted(source.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                returned = ast.unparse(node.returns).strip("'")
                yields_progress = re.match(r"Steps\[|Generator\[(\w*Progress\b|P,|Q,)", returned)
                if yields_progress and not node.name.startswith("_"):
                    yield node.name, path.relative_to(source)


def test_what_yields_progress_is_called_steps():
    """`x()` works and returns, `x_steps()` yields: what is typed in a notebook does something."""
    plumbing = {"passed_on", "stoppable"}
    wrong = [(name, path) for name, path in public_generators() if not name.endswith("_steps")]
    assert [name for name, _ in wrong if name not in plumbing] == []
    assert len(list(public_generators())) > 40


def test_all_progress_is_of_one_family():
    """Nothing yields what a listener would have to ask for its attributes."""
    source = Path(napari_n2n.__file__).parent
    for path in sorted(source.rglob("*.py")):
        text = path.read_text()
        assert "Generator[Any" not in text, path
        assert not re.search(r"(get|has)attr\((step|progress)\b", text), path
