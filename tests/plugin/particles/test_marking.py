"""The document behind the panes: edits, what is shown, what is selected. No window needed."""

import numpy as np
import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.io import Particles
from napari_n2n.plugin.particles.marking import MarkedParticles
from napari_n2n.session import Session
from napari_n2n.session.shown_particles import PendingSuggestions

SCORES = np.linspace(0.9, 0.1, 9)


@pytest.fixture
def marking(qtbot, tmp_path):
    with Session.open(tmp_path / "s.sqlite") as session:
        number = session.micrographs.find_or_add("m", shape=(300, 300), pixel_size_angstrom=1.0)
        marking = MarkedParticles()
        marking.open(session, number)
        lattice = [(50 + 100 * i, 50 + 100 * j) for i in range(3) for j in range(3)]
        marking.replace_picks(Particles(np.array(lattice, float), scores=SCORES), 10, None)
        yield marking


def suggested(marking, probability=0.8, label="broken") -> PendingSuggestions:
    ids = marking.view.ids
    n = len(ids)
    return PendingSuggestions(
        ids,
        np.full(n, label, "U11"),
        np.full(n, probability, np.float32) + np.linspace(0, 0.1, n, dtype=np.float32),
        np.linspace(1, 0, n, dtype=np.float32),
    )


def labels(marking) -> list[str]:
    return marking.view.particles.labels.tolist()


def test_a_threshold_hides_what_no_person_gave(marking):
    ids = marking.view.ids
    marking.label("intact", [int(ids[-1])])
    marking.set_threshold(0.55)
    assert marking.view.ids.tolist() == [*ids[:4], ids[-1]]
    assert len(marking.everything[0]) == 9
    marking.undo()
    assert len(marking.view.ids) == 9


def test_moving_the_slider_keeps_nothing_until_it_is_let_go(marking):
    before = marking.history_texts()
    marking.show_above(0.55)
    assert len(marking.view.ids) == 4
    assert marking.history_texts() == before
    marking.reload()
    assert len(marking.view.ids) == 9


def test_a_threshold_that_was_moved_to_outlives_the_next_mark(marking):
    # As the slider does it: on its way, and let go at the very same place.
    marking.show_above(0.55)
    marking.set_threshold(0.55)
    assert marking.session.marks.threshold(marking.micrograph) == 0.55
    marking.label("intact", [int(marking.view.ids[0])])
    assert marking.threshold == 0.55
    assert len(marking.view.ids) == 4
    # Back to where it was, which is an edit as well.
    marking.show_above(0.05)
    marking.set_threshold(0.05)
    marking.reload()
    assert len(marking.view.ids) == 9


def test_suggestions_leave_with_the_label_and_come_back_with_undo(marking):
    marking.suggest(suggested(marking))
    first = int(marking.view.ids[0])
    assert (marking.view.suggested == "broken").all()
    marking.label("intact", [first])
    assert marking.view.suggested.tolist() == ["", *["broken"] * 8]
    assert np.isnan(marking.view.probabilities[0])
    marking.undo()
    assert (marking.view.suggested == "broken").all()
    # What is moved looks different: the suggestion was for the old place.
    marking.move([first], np.array([[10.0, 10.0]]))
    assert marking.view.suggested[0] == ""


def test_accepting_in_bulk_and_one_by_one_are_told_apart(marking):
    marking.suggest(suggested(marking))
    one = int(marking.view.ids[0])
    marking.select([one])
    marking.accept()
    marking.accept_above(0.85)
    particles = marking.view.particles
    assert particles.given_by[0] == "person"
    accepted = np.flatnonzero(particles.given_by == "suggestion")
    assert accepted.tolist() == [4, 5, 6, 7, 8]
    assert (particles.labels[accepted] == "broken").all()
    assert labels(marking)[1:4] == ["unlabelled"] * 3
    assert marking.undo() == "Accept 5 suggestions."
    assert labels(marking).count("broken") == 1


def test_what_a_person_said_outlives_every_suggestion(marking):
    marking.label("intact", marking.view.ids[:4].tolist())
    marking.suggest(suggested(marking))
    marking.accept_above(0.0)
    assert labels(marking) == ["intact"] * 4 + ["broken"] * 5


def test_only_what_a_person_labels_teaches(marking, qtbot):
    marking.suggest(suggested(marking))
    with qtbot.assertNotEmitted(marking.taught, wait=20):
        marking.accept_above(0.0)
        marking.delete([int(marking.view.ids[0])])
    with qtbot.waitSignal(marking.taught, timeout=100):
        marking.label("intact", [int(marking.view.ids[0])])
    with qtbot.waitSignal(marking.taught, timeout=100):
        marking.undo()


def test_next_visits_every_particle_and_previous_goes_back(marking):
    seen = []
    for _ in range(9):
        marking.step(1)
        seen.append(marking.current)
    assert sorted(seen) == marking.view.ids.tolist()
    marking.step(1)
    assert marking.current == seen[0]
    marking.step(-1)
    assert marking.current == seen[-1]


def test_deleting_the_current_one_goes_on_to_the_next(marking):
    marking.step(1)
    marking.step(1)
    after = MarkedParticles.step
    second = marking.current
    after(marking, 1)
    third = marking.current
    marking.select([second])
    marking.delete()
    assert marking.current == third
    marking.undo()
    assert second in marking.view.ids


def test_the_least_sure_are_visited_in_turn(marking):
    marking.suggest(suggested(marking))
    marking.select_least_sure()
    assert marking.current == marking.view.ids[0]
    marking.label("intact")
    marking.select_least_sure()
    assert marking.current == marking.view.ids[1]


def test_a_new_pick_keeps_what_a_person_gave(marking):
    marking.add((12.0, 34.0), "contaminant")
    marking.label("intact", [int(marking.view.ids[0])])
    marking.replace_picks(Particles([(50.0, 51.0), (200.0, 200.0)], scores=[0.9, 0.8]), 10, 0.5)
    assert sorted(labels(marking)) == ["contaminant", "intact", "unlabelled"]
    assert marking.nearest((200, 200), 1) is not None


def test_what_cannot_be_kept_is_told_and_not_shown(marking, qtbot, monkeypatch):
    def full(*_args, **_settings):
        raise WriteProblem("s.sqlite", "could not be written (the disk is full)", "Free some.")

    before = labels(marking)
    marking.select(marking.view.ids.tolist())
    monkeypatch.setattr(marking.session.marks, "relabel", full)
    with qtbot.waitSignal(marking.failed) as told:
        marking.label("intact")
    assert "disk is full" in told.args[0]
    assert labels(marking) == before


def test_nothing_open_can_be_asked_and_told_anything(qtbot):
    marking = MarkedParticles()
    for action in (marking.undo, marking.redo, marking.delete, marking.accept):
        action()
    marking.label("intact")
    marking.add((1, 2), "intact")
    marking.step(1)
    marking.select_least_sure()
    assert len(marking.view.ids) == 0
    assert marking.current is None


def test_what_another_window_changed_since_is_left_alone_and_told(marking, qtbot):
    one, other = (int(i) for i in marking.view.ids[:2])
    marking.label("intact", [one, other])
    with Session.open(marking.session.path) as elsewhere:
        elsewhere.marks.relabel(marking.micrograph, [other], "broken")
    with qtbot.waitSignal(marking.noted) as told:
        assert "Mark 2 particles intact" in marking.undo()
    assert "another window" in told.args[0]
    assert labels(marking)[:2] == ["unlabelled", "broken"]
