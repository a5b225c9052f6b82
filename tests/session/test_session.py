"""What a person does to particles is kept, told, undone and redone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_n2n.errors import BadValue, ShapeMismatch
from napari_n2n.io import Particles
from napari_n2n.session import Session


def same(a: Particles, b: Particles) -> bool:
    columns = ("centres_px", "labels", "scores", "given_by")
    return len(a) == len(b) and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "scores")
        for name in columns
    )


def test_particles_come_back_as_they_were_given(path, tmp_path):
    given = Particles(
        [[0.0, -3.5], [1e-9, 4095.123456789]],
        ["intact", "unlabelled"],
        [np.nan, 0.123456],
        ["person", "picker"],
    )
    with Session.open(path) as session:
        m = session.micrographs.find_or_add(
            tmp_path / "a.mrc", shape=(9, 9), pixel_size_angstrom=1.0
        )
        ids = session.marks.add(m, given).added
    with Session.open(path) as session:
        found = session.micrographs.find_or_add(
            tmp_path / "a.mrc", shape=(9, 9), pixel_size_angstrom=None
        )
        assert found == m
        stored = session.marks.particles(m)
        assert same(stored.particles, given)
        assert stored.ids.tolist() == ids.tolist()
        assert session.micrographs.records()[0].pixel_size_angstrom == 1.0


def test_a_micrograph_may_be_named_by_a_number_of_numpys(session, micrograph, some):
    """SQLite takes such a number for something else: what is kept under it would not be found."""
    m = np.int64(micrograph)
    ids = session.marks.add(m, some).added
    session.marks.relabel(m, ids[:1], "intact")
    session.marks.set_threshold(m, 0.5)
    action = "Set the threshold to 0.5"
    assert session.marks.undo_text(m) == session.marks.undo_text(micrograph) == action
    assert session.marks.undo(m)
    assert session.marks.redo_text(m) == session.marks.redo_text(micrograph) == action
    session.close()
    with Session.open(session.path) as again:
        assert len(again.marks.particles(m)) == len(again.marks.particles(micrograph)) == 6
        assert again.micrographs.records()[0].counts["intact"] == 1


def test_every_action_says_what_it_did(session, micrograph, some):
    added = session.marks.add(micrograph, some)
    ids = added.added
    assert added.action == "Add 6 particles"
    assert len(ids) == 6
    marked = session.marks.relabel(micrograph, ids[:3], "intact")
    assert marked.action == "Mark 3 particles intact"
    assert marked.altered.tolist() == ids[:3].tolist()
    assert session.marks.relabel(micrograph, ids[:1], "unlabelled").action == "Unmark 1 particle"
    accepted = session.marks.relabel(
        micrograph, ids[4:], ["broken", "intact"], given_by="suggestion"
    )
    assert accepted.action == "Accept 2 suggestions"
    assert session.marks.move(micrograph, ids[5:], [[7, 8]]).action == "Move 1 particle"
    deleted = session.marks.delete(micrograph, ids[:2])
    assert deleted.action == "Delete 2 particles"
    assert deleted.removed.tolist() == ids[:2].tolist()
    assert session.marks.set_threshold(micrograph, 0.5).action == "Set the threshold to 0.5"
    assert session.marks.undo_text(micrograph) == "Set the threshold to 0.5"
    stored = session.marks.particles(micrograph)
    assert stored.particles.labels.tolist() == ["intact", "unlabelled", "broken", "intact"]
    assert stored.particles.given_by.tolist() == ["person", "picker", "suggestion", "suggestion"]
    assert stored.particles.centres_px[-1].tolist() == [7, 8]


def test_undo_goes_back_to_the_start_and_redo_to_the_end_also_after_reopening(path, some):
    with Session.open(path) as session:
        m = session.micrographs.find_or_add("layer", shape=(9, 9), pixel_size_angstrom=None)
        states = [session.marks.particles(m).particles]

        def did(change):
            assert change
            states.append(session.marks.particles(m).particles)

        did(session.marks.add(m, some))
        ids = session.marks.particles(m).ids
        did(session.marks.relabel(m, ids, "intact"))
        did(session.marks.move(m, ids[2:4], [[1, 2], [3, 4]]))
        did(session.marks.delete(m, ids[1:3]))
        did(session.marks.replace_picks(m, some[::2]))
    with Session.open(path) as session:
        end = session.marks.particles(m)
        for state in reversed(states[:-1]):
            assert session.marks.undo(m)
            assert same(session.marks.particles(m).particles, state)
        assert session.marks.undo(m) is None
        assert session.marks.undo_text(m) is None
        assert session.marks.redo_text(m) == "Add 6 particles"
    with Session.open(path) as session:
        for state in states[1:]:
            assert session.marks.redo(m)
            assert same(session.marks.particles(m).particles, state)
        assert session.marks.redo(m) is None
        assert session.marks.particles(m).ids.tolist() == end.ids.tolist()


def test_a_deleted_particle_returns_under_its_id_and_no_id_is_given_twice(
    session, micrograph, some
):
    ids = session.marks.add(micrograph, some).added
    session.marks.delete(micrograph, ids[-2:])
    new = session.marks.add(micrograph, some[:1]).added
    assert not set(new) & set(ids)
    session.marks.undo(micrograph)
    session.marks.undo(micrograph)
    assert session.marks.particles(micrograph).ids.tolist() == ids.tolist()
    assert not set(session.marks.add(micrograph, some[:1]).added) & {*ids, *new}


def test_a_new_action_drops_what_could_have_been_redone(session, micrograph, some):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids, "intact")
    session.marks.undo(micrograph)
    session.marks.relabel(micrograph, ids[:1], "broken")
    assert session.marks.redo_text(micrograph) is None
    assert session.marks.redo(micrograph) is None
    assert session.marks.particles(micrograph).particles.counts()["broken"] == 1


def test_what_changes_nothing_is_no_step_of_the_history(session, micrograph, some):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids, "intact")
    session.marks.undo(micrograph)
    assert not session.marks.relabel(micrograph, [], "broken")
    assert not session.marks.move(micrograph, [], np.empty((0, 2)))
    assert not session.marks.set_threshold(micrograph, None)
    assert session.marks.redo_text(micrograph) == "Mark 6 particles intact"


def test_each_micrograph_has_its_own_history(session, some):
    one, two = (
        session.micrographs.find_or_add(name, shape=(9, 9), pixel_size_angstrom=1.0)
        for name in ("1", "2")
    )
    session.marks.add(one, some)
    session.marks.add(two, some[:2])
    assert session.marks.undo(one).action == "Add 6 particles"
    assert len(session.marks.particles(two)) == 2
    assert session.marks.undo(one) is None


def test_nothing_a_person_gave_is_changed_by_a_program(session, micrograph, some):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids[:1], "broken")
    change = session.marks.relabel(micrograph, ids[:3], "intact", given_by="suggestion")
    assert change.action == "Accept 2 suggestions"
    assert change.skipped.tolist() == ids[:1].tolist()
    assert change.note == "1 particle was labelled by a person and keeps its label."
    assert session.marks.particles(micrograph).particles.labels[:3].tolist() == [
        "broken", "intact", "intact",
    ]  # fmt: skip


def test_a_new_pick_replaces_the_old_one_and_leaves_what_is_a_persons(session, micrograph, some):
    ids = session.marks.add(micrograph, some, "pick").added
    labelled, moved, accepted = ids[:3]
    session.marks.relabel(micrograph, [labelled], "intact")
    session.marks.move(micrograph, [moved], [[100, 200]])
    session.marks.relabel(micrograph, [accepted], "intact", given_by="suggestion")
    clicked = session.marks.add(micrograph, Particles([[300, 300]], given_by=["person"])).added[0]
    session.marks.relabel(micrograph, [clicked], "broken", given_by="suggestion")
    change = session.marks.replace_picks(
        micrograph,
        Particles([[100, 209.9], [100, 210], [300, 301], [400, 400], [0, 1]]),
        distance_px=10,
    )
    stored = session.marks.particles(micrograph)
    assert set(stored.ids[:3]) == {labelled, moved, clicked}
    assert stored.particles.centres_px[3:].tolist() == [[100, 210], [400, 400]]
    assert change.action == "Pick 2 particles"
    assert accepted in change.removed
    assert len(change.removed) == 4
    session.marks.undo(micrograph)
    assert len(session.marks.particles(micrograph)) == 7


def test_a_crowded_pick_leaves_out_exactly_those_that_are_near(session, micrograph):
    rng = np.random.default_rng(3)
    kept, new = rng.random((400, 2)) * 500, rng.random((900, 2)) * 500
    session.marks.add(micrograph, Particles(kept, given_by=["person"] * 400))
    session.marks.replace_picks(micrograph, Particles(new), distance_px=12)
    distances = np.linalg.norm(new[:, None] - kept[None], axis=2).min(axis=1)
    found = session.marks.particles(micrograph).particles.centres_px[400:]
    assert 100 < len(found) < 800
    np.testing.assert_array_equal(found, new[distances >= 12])


def test_the_threshold_is_kept_and_undone(session, micrograph):
    session.marks.set_threshold(micrograph, 0.25)
    change = session.marks.set_threshold(micrograph, None)
    assert change.threshold_altered
    assert change.action == "Remove the threshold"
    assert session.marks.threshold(micrograph) is None
    session.marks.undo(micrograph)
    assert session.marks.threshold(micrograph) == 0.25
    assert session.micrographs.records()[0].threshold == 0.25
    session.marks.undo(micrograph)
    assert session.marks.threshold(micrograph) is None


def test_counts_follow_every_step(session, micrograph, some):
    def counts():
        (record,) = session.micrographs.records()
        assert record.counts == session.marks.particles(micrograph).particles.counts()
        return record.counts

    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids[:2], "intact")
    session.marks.delete(micrograph, ids[1:3])
    assert counts() == {"unlabelled": 3, "intact": 1, "broken": 0, "contaminant": 0}
    session.marks.undo(micrograph)
    session.marks.undo(micrograph)
    assert counts()["unlabelled"] == 6
    session.marks.redo(micrograph)
    assert counts()["intact"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s, m: s.marks.relabel(m, [1], "whole"),
        lambda s, m: s.marks.relabel(m, [1, 1], "intact"),
        lambda s, m: s.marks.relabel(m, [1, 2], ["intact"]),
        lambda s, m: s.marks.relabel(m, [1], "intact", given_by="nobody"),
        lambda s, m: s.marks.relabel(m, [1.5], "intact"),
        lambda s, m: s.marks.move(m, [1], [[1, np.nan]]),
        lambda s, m: s.marks.move(m, [1, 2], [[1, 2]]),
        lambda s, m: s.marks.set_threshold(m, np.nan),
        lambda s, m: s.marks.delete(m + 1, [1]),
        lambda s, m: s.marks.particles(m + 1),
        lambda s, m: s.micrographs.find_or_add("x", shape=(0, 5), pixel_size_angstrom=1.0),
        lambda s, m: s.micrographs.find_or_add("x", shape=(5, 5), pixel_size_angstrom=-1.0),
        lambda s, m: s.micrographs.find_or_add("", shape=(5, 5), pixel_size_angstrom=1.0),
    ],
)
def test_impossible_wishes_are_refused_and_change_nothing(session, micrograph, some, wrong):
    session.marks.add(micrograph, some)
    with pytest.raises(BadValue):
        wrong(session, micrograph)
    assert same(session.marks.particles(micrograph).particles, some)
    assert session.marks.undo_text(micrograph) == "Add 6 particles"


def test_settings_are_kept(path):
    with Session.open(path) as session:
        assert session.setting("diameter_angstrom", 120) == 120
        session.set_setting("diameter_angstrom", 95.5)
        session.set_setting("choice", {"label": "intact", "on": True})
    with Session.open(path) as session:
        assert session.setting("diameter_angstrom") == 95.5
        assert session.setting("choice") == {"label": "intact", "on": True}


def test_a_moved_folder_keeps_its_marks(tmp_path, some):
    night = tmp_path / "night"
    with Session.open(night / "session.sqlite") as session:
        for name in ("a/x.mrc", "b/x.mrc"):
            m = session.micrographs.find_or_add(night / name, shape=(9, 9), pixel_size_angstrom=1.0)
            session.marks.add(m, some[: len(name) + m])
    night.rename(tmp_path / "archive")
    with Session.open(tmp_path / "archive" / "session.sqlite") as session:
        records = session.micrographs.records()
        assert [r.path for r in records] == [tmp_path / "archive" / n / "x.mrc" for n in "ab"]
        found = session.micrographs.find_or_add(
            records[1].path, shape=(9, 9), pixel_size_angstrom=1.0
        )
        assert found == records[1].id != records[0].id
        assert len(session.micrographs.records()) == 2


def test_a_picture_without_a_file_is_known_by_its_name_and_shape(session, tmp_path):
    def number(name, shape=(5, 6)):
        return session.micrographs.find_or_add(name, shape=shape, pixel_size_angstrom=1.0)

    assert number("Image") == number("Image")
    assert number("Image") != number("Image", (5, 7))
    assert number("a.mrc") != number(tmp_path / "a.mrc")
    assert number(str(tmp_path / "a.mrc")) == number(tmp_path / "a.mrc")
    assert [r.path for r in session.micrographs.records()] == [None, None, None, tmp_path / "a.mrc"]


def test_a_replaced_file_of_another_shape_is_refused_and_its_marks_stay(session, micrograph, some):
    file = session.micrographs.records()[0].path
    found = session.micrographs.find_or_add(file, shape=(9, 9), pixel_size_angstrom=1.0)
    assert found == micrograph
    session.micrographs.find_or_add(file, shape=(512, 640), pixel_size_angstrom=1.0)
    session.marks.add(micrograph, some)
    with pytest.raises(ShapeMismatch, match=r"is 9 × 9 pixels now.*when it was 512 × 640"):
        session.micrographs.find_or_add(file, shape=(9, 9), pixel_size_angstrom=1.0)
    assert len(session.marks.particles(micrograph)) == 6
    session.micrographs.find_or_add(file, shape=(512, 640), pixel_size_angstrom=1.25)
    assert session.micrographs.records()[0].pixel_size_angstrom == 1.25


def test_examples_are_what_a_person_labelled_on_any_micrograph(session, some):
    values = np.random.default_rng(0).random((6, 5)).astype(np.float32)
    for name in ("1", "2"):
        m = session.micrographs.find_or_add(name, shape=(9, 9), pixel_size_angstrom=1.0)
        ids = session.marks.add(m, some).added
        session.marks.relabel(m, ids[:2], ["intact", "broken"])
        session.marks.relabel(m, ids[2:4], "intact", given_by="suggestion")
        session.marks.remember(ids, values, "radial-5")
    found, labels = session.marks.examples("radial-5")
    np.testing.assert_array_equal(found, values[[0, 1, 0, 1]])
    assert found.dtype == np.float32
    assert labels.tolist() == ["intact", "broken"] * 2
    assert session.marks.examples("other")[0].shape == (0, 0)
    with pytest.raises(BadValue, match="have 5 numbers, not 4"):
        session.marks.remember(ids, values[:, :4], "radial-5")
    with pytest.raises(BadValue):
        session.marks.remember(ids, values[:2], "radial-5")


def test_a_moved_particle_teaches_only_where_it_was_measured(session, micrograph, some):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids, "intact")
    session.marks.remember(ids, np.ones((6, 3)), "k")
    session.marks.move(micrograph, ids[:1], [[1, 1]])
    assert len(session.marks.examples("k")[1]) == 5
    session.marks.delete(micrograph, ids[1:3])
    assert len(session.marks.examples("k")[1]) == 3
    session.marks.undo(micrograph)
    session.marks.undo(micrograph)
    assert len(session.marks.examples("k")[1]) == 6
    session.marks.move(micrograph, ids[:1], [[1, 1]])
    session.marks.remember(ids[:1], np.zeros((1, 3)), "k", centres_px=some.centres_px[:1])
    assert len(session.marks.examples("k")[1]) == 5


def test_a_copy_is_a_session_of_its_own(session, micrograph, some, tmp_path):
    ids = session.marks.add(micrograph, some).added
    session.copy_to(tmp_path / "copy" / "night.sqlite")
    session.marks.delete(micrograph, ids)
    with Session.open(tmp_path / "copy" / "night.sqlite") as copy:
        assert same(copy.marks.particles(micrograph).particles, some)
        assert copy.marks.undo_text(micrograph) == "Add 6 particles"
