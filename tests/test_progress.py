import pytest

from napari_n2n.progress import (
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
    twice = passed_on(counting(log), lambda step: (step.done, step.total))
    assert [next(twice), next(twice), next(twice)] == [0, 3, 1]
    twice.close()
    assert log == ["closed"]
    assert run_to_end(passed_on(counting(log), lambda _: ())) == "counted"


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_stop_is_noticed_before_the_next_step(after):
    log: list[object] = []
    told: list[object] = []
    with pytest.raises(InterruptedError):
        run_to_end(
            stoppable(counting(log), lambda: len(told) >= after, InterruptedError), told.append
        )
    assert len(told) == after
    assert log == (["closed"] if after else [])
