import pytest

from napari_n2n.progress import Progress, Stopwatch, format_seconds, run_to_end


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
