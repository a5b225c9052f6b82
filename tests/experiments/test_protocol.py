import time

import pytest

from napari_n2n.errors import BadValue
from napari_n2n.experiments.protocol import (
    Budget,
    ExperimentFolder,
    ExperimentStage,
    OtherSettings,
    carry_out_steps,
)
from napari_n2n.progress import Interrupted, Progress, run_to_end

SETTINGS = {"seed": 0, "size": 512}


def counting(name, calls, found=None):
    """Return what a stage does that notes that it was made."""

    def make():
        yield Progress(name, 0, 1)
        calls.append(name)
        return found or {"name": name}

    return make


def run(stages, records, stop=lambda: False):
    return run_to_end(carry_out_steps(stages, records, stop))


def test_a_budget_is_shared_in_seconds():
    assert Budget.of_minutes(2).share(0.5) == 60


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_no_budget_is_refused(minutes):
    with pytest.raises(BadValue, match="above 0"):
        Budget.of_minutes(minutes)


def test_what_is_finished_is_not_done_again(tmp_path):
    calls = []
    stages = [ExperimentStage(name, name, counting(name, calls)) for name in ("one", "two")]
    first = run(stages, ExperimentFolder(tmp_path, SETTINGS))
    again = run(stages, ExperimentFolder(tmp_path, SETTINGS))
    assert first == again == {"one": {"name": "one"}, "two": {"name": "two"}}
    assert calls == ["one", "two"]


def test_an_interrupted_experiment_goes_on_with_the_stage_it_was_in(tmp_path):
    calls = []
    stages = [
        ExperimentStage(name, name, counting(name, calls)) for name in ("one", "two", "three")
    ]
    with pytest.raises(Interrupted):
        run(stages, ExperimentFolder(tmp_path, SETTINGS), stop=lambda: "two" in calls)
    run(stages, ExperimentFolder(tmp_path, SETTINGS))
    assert calls == ["one", "two", "two", "three"]


def test_a_stage_whose_file_is_gone_or_whose_record_is_torn_is_done_again(tmp_path):
    calls = []
    made = tmp_path / "made"
    made.touch()
    stages = [ExperimentStage("one", "one", counting("one", calls), files=(made,))]
    records = ExperimentFolder(tmp_path, SETTINGS)
    run(stages, records)
    made.unlink()
    run(stages, records)
    assert calls == ["one", "one"]
    made.touch()
    (record,) = (tmp_path / "stages").iterdir()
    record.write_text(record.read_text()[:-9])
    run(stages, records)
    assert calls == ["one", "one", "one"]


def test_other_settings_in_the_same_folder_are_refused_and_named(tmp_path):
    ExperimentFolder(tmp_path, SETTINGS)
    with pytest.raises(OtherSettings, match="seed: 0 there, 1 now"):
        ExperimentFolder(tmp_path, {**SETTINGS, "seed": 1})


def test_the_time_taken_is_that_of_all_stages_and_a_training_tells_its_own(tmp_path):
    records = ExperimentFolder(tmp_path, SETTINGS)
    run([ExperimentStage("training", "training", counting("t", [], {"seconds": 90.0}))], records)
    records.keep("judging", {}, seconds=2.5)
    assert ExperimentFolder(tmp_path, SETTINGS).seconds == 92.5


def test_progress_says_which_of_how_many_stages(tmp_path):
    stages = [ExperimentStage(name, f"doing {name}", counting(name, [])) for name in ("one", "two")]
    steps = list(carry_out_steps(stages, ExperimentFolder(tmp_path, SETTINGS), lambda: False))
    assert [(step.title, step.number, step.count) for step in steps] == [
        ("doing one", 1, 2),
        ("doing two", 2, 2),
    ]


def test_what_rests_on_a_stage_is_done_again_with_it_even_after_an_interruption(tmp_path):
    calls = []
    model = tmp_path / "model"
    model.touch()
    stages = [
        ExperimentStage("train", "train", counting("train", calls), files=(model,)),
        ExperimentStage("other", "other", counting("other", calls)),
        ExperimentStage("judge", "judge", counting("judge", calls), needs=("train",)),
    ]
    records = ExperimentFolder(tmp_path, SETTINGS)
    run(stages, records)
    model.unlink()
    calls.clear()
    with pytest.raises(Interrupted):
        run(stages, records, stop=lambda: "train" in calls)
    model.touch()
    run(stages, records)
    assert calls == ["train", "train", "judge"]


def test_progress_tells_the_time_of_all_that_follows_as_far_as_it_is_known(tmp_path):
    def slowly():
        yield Progress("judging", 0, 1)
        time.sleep(0.2)
        return {}

    stages = [
        ExperimentStage("judge-a", "judging a", slowly),
        ExperimentStage("train-b", "training b", counting("b", []), seconds=60.0),
        ExperimentStage("judge-c", "judging c", slowly),
    ]
    steps = carry_out_steps(
        stages, ExperimentFolder(tmp_path, SETTINGS), lambda: False, seconds_after=100
    )
    first, second, third = (step.seconds_left for step in steps)
    assert first == 160  # of judging nothing is known yet
    assert second == pytest.approx(100.2, abs=0.1)
    assert third == 100
