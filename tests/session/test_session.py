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
        m = session.micrograph(tmp_path / "a.mrc", shape=(9, 9), pixel_size_angstrom=1.0)
        ids = session.add(m, given).added
    with Session.open(path) as session:
        assert session.micrograph(tmp_path / "a.mrc", shape=(9, 9), pixel_size_angstrom=None) == m
        stored = session.particles(m)
        assert same(stored.particles, given)
        assert stored.ids.tolist() == ids.tolist()
        assert session.micrographs()[0].pixel_size_angstrom == 1.0


def test_a_micrograph_may_be_named_by_a_number_of_numpys(session, micrograph, some):
    """SQLite takes such a number for something else: what is kept under it would not be found."""
    m = np.int64(micrograph)
    ids = session.add(m, some).added
    session.relabel(m, ids[:1], "intact")
    session.set_threshold(m, 0.5)
    assert session.undo_text(m) == session.undo_text(micrograph) == "Set the threshold to 0.5"
    assert session.undo(m)
    assert session.redo_text(m) == session.redo_text(micrograph) == "Set the threshold to 0.5"
    session.close()
    with Session.open(session.path) as again:
        assert len(again.particles(m)) == len(again.particles(micrograph)) == 6
        assert again.micrographs()[0].counts["intact"] == 1


def test_every_action_says_what_it_did(session, micrograph, some):
    added = session.add(micrograph, some)
    ids = added.added
    assert added.action == "Add 6 particles"
    assert len(ids) == 6
    marked = session.relabel(micrograph, ids[:3], "intact")
    assert marked.action == "Mark 3 particles intact"
    assert marked.altered.tolist() == ids[:3].tolist()
    assert session.relabel(micrograph, ids[:1], "unlabelled").action == "Unmark 1 particle"
    accepted = session.relabel(micrograph, ids[4:], ["broken", "intact"], given_by="suggestion")
    assert accepted.action == "Accept 2 suggestions"
    assert session.move(micrograph, ids[5:], [[7, 8]]).action == "Move 1 particle"
    deleted = session.delete(micrograph, ids[:2])
    assert deleted.action == "Delete 2 particles"
    assert deleted.removed.tolist() == ids[:2].tolist()
    assert session.set_threshold(micrograph, 0.5).action == "Set the threshold to 0.5"
    assert session.undo_text(micrograph) == "Set the threshold to 0.5"
    stored = session.particles(micrograph)
    assert stored.particles.labels.tolist() == ["intact", "unlabelled", "broken", "intact"]
    assert stored.particles.given_by.tolist() == ["person", "picker", "suggestion", "suggestion"]
    assert stored.particles.centres_px[-1].tolist() == [7, 8]


def test_undo_goes_back_to_the_start_and_redo_to_the_end_also_after_reopening(path, some):
    with Session.open(path) as session:
        m = session.micrograph("layer", shape=(9, 9), pixel_size_angstrom=None)
        states = [session.particles(m).particles]

        def did(change):
            assert change
            states.append(session.particles(m).particles)

        did(session.add(m, some))
        ids = session.particles(m).ids
        did(session.relabel(m, ids, "intact"))
        did(session.move(m, ids[2:4], [[1, 2], [3, 4]]))
        did(session.delete(m, ids[1:3]))
        did(session.replace_picks(m, some[::2]))
    with Session.open(path) as session:
        end = session.particles(m)
        for state in reversed(states[:-1]):
            assert session.undo(m)
            assert same(session.particles(m).particles, state)
        assert session.undo(m) is None
        assert session.undo_text(m) is None
        assert session.redo_text(m) == "Add 6 particles"
    with Session.open(path) as session:
        for state in states[1:]:
            assert session.redo(m)
            assert same(session.particles(m).particles, state)
        assert session.redo(m) is None
        assert session.particles(m).ids.tolist() == end.ids.tolist()


def test_a_deleted_particle_returns_under_its_id_and_no_id_is_given_twice(
    session, micrograph, some
):
    ids = session.add(micrograph, some).added
    session.delete(micrograph, ids[-2:])
    new = session.add(micrograph, some[:1]).added
    assert not set(new) & set(ids)
    session.undo(micrograph)
    session.undo(micrograph)
    assert session.particles(micrograph).ids.tolist() == ids.tolist()
    assert not set(session.add(micrograph, some[:1]).added) & {*ids, *new}


def test_a_new_action_drops_what_could_have_been_redone(session, micrograph, some):
    ids = session.add(micrograph, some).added
    session.relabel(micrograph, ids, "intact")
    session.undo(micrograph)
    session.relabel(micrograph, ids[:1], "broken")
    assert session.redo_text(micrograph) is None
    assert session.redo(micrograph) is None
    assert session.particles(micrograph).particles.counts()["broken"] == 1


def test_what_changes_nothing_is_no_step_of_the_history(session, micrograph, some):
    ids = session.add(micrograph, some).added
    session.relabel(micrograph, ids, "intact")
    session.undo(micrograph)
    assert not session.relabel(micrograph, [], "broken")
    assert not session.move(micrograph, [], np.empty((0, 2)))
    assert not session.set_threshold(micrograph, None)
    assert session.redo_text(micrograph) == "Mark 6 particles intact"


def test_each_micrograph_has_its_own_history(session, some):
    one, two = (
        session.micrograph(name, shape=(9, 9), pixel_size_angstrom=1.0) for name in ("1", "2")
    )
    session.add(one, some)
    session.add(two, some[:2])
    assert session.undo(one).action == "Add 6 particles"
    assert len(session.particles(two)) == 2
    assert session.undo(one) is None


def test_nothing_a_person_gave_is_changed_by_a_program(session, micrograph, some):
    ids = session.add(micrograph, some).added
    session.relabel(micrograph, ids[:1], "broken")
    change = session.relabel(micrograph, ids[:3], "intact", given_by="suggestion")
    assert change.action == "Accept 2 suggestions"
    assert change.skipped.tolist() == ids[:1].tolist()
    assert change.note == "1 particle was labelled by a person and keeps its label."
    assert session.particles(micrograph).particles.labels[:3].tolist() == [
        "broken", "intact", "intact",
    ]  # fmt: skip


def test_a_new_pick_replaces_the_old_one_and_leaves_what_is_a_persons(session, micrograph, some):
    ids = session.add(micrograph, some, "pick").added
    labelled, moved, accepted = ids[:3]
    session.relabel(micrograph, [labelled], "intact")
    session.move(micrograph, [moved], [[100, 200]])
    session.relabel(micrograph, [accepted], "intact", given_by="suggestion")
    clicked = session.add(micrograph, Particles([[300, 300]], given_by=["person"])).added[0]
    session.relabel(micrograph, [clicked], "broken", given_by="suggestion")
    change = session.replace_picks(
        micrograph,
        Particles([[100, 209.9], [100, 210], [300, 301], [400, 400], [0, 1]]),
        distance_px=10,
    )
    stored = session.particles(micrograph)
    assert set(stored.ids[:3]) == {labelled, moved, clicked}
    assert stored.particles.centres_px[3:].tolist() == [[100, 210], [400, 400]]
    assert change.action == "Pick 2 particles"
    assert accepted in change.removed
    assert len(change.removed) == 4
    session.undo(micrograph)
    assert len(session.particles(micrograph)) == 7


def test_a_crowded_pick_leaves_out_exactly_those_that_are_near(session, micrograph):
    rng = np.random.default_rng(3)
    kept, new = rng.random((400, 2)) * 500, rng.random((900, 2)) * 500
    session.add(micrograph, Particles(kept, given_by=["person"] * 400))
    session.replace_picks(micrograph, Particles(new), distance_px=12)
    distances = np.linalg.norm(new[:, None] - kept[None], axis=2).min(axis=1)
    found = session.particles(micrograph).particles.centres_px[400:]
    assert 100 < len(found) < 800
    np.testing.assert_array_equal(found, new[distances >= 12])


def test_the_threshold_is_kept_and_undone(session, micrograph):
    session.set_threshold(micrograph, 0.25)
    change = session.set_threshold(micrograph, None)
    assert change.threshold_altered
    assert change.action == "Remove the threshold"
    assert session.threshold(micrograph) is None
    session.undo(micrograph)
    assert session.threshold(micrograph) == 0.25
    assert session.micrographs()[0].threshold == 0.25
    session.undo(micrograph)
    assert session.threshold(micrograph) is None


def test_counts_follow_every_step(session, micrograph, some):
    def counts():
        (record,) = session.micrographs()
        assert record.counts == session.particles(micrograph).particles.counts()
        return record.counts

    ids = session.add(micrograph, some).added
    session.relabel(micrograph, ids[:2], "intact")
    session.delete(micrograph, ids[1:3])
    assert counts() == {"unlabelled": 3, "intact": 1, "broken": 0, "contaminant": 0}
    session.undo(micrograph)
    session.undo(micrograph)
    assert counts()["unlabelled"] == 6
    session.redo(micrograph)
    assert counts()["intact"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s, m: s.relabel(m, [1], "whole"),
        lambda s, m: s.relabel(m, [1, 1], "intact"),
        lambda s, m: s.relabel(m, [1, 2], ["intact"]),
        lambda s, m: s.relabel(m, [1], "intact", given_by="nobody"),
        lambda s, m: s.relabel(m, [1.5], "intact"),
        lambda s, m: s.move(m, [1], [[1, np.nan]]),
        lambda s, m: s.move(m, [1, 2], [[1, 2]]),
        lambda s, m: s.set_threshold(m, np.nan),
        lambda s, m: s.delete(m + 1, [1]),
        lambda s, m: s.particles(m + 1),
        lambda s, m: s.micrograph("x", shape=(0, 5), pixel_size_angstrom=1.0),
        lambda s, m: s.micrograph("x", shape=(5, 5), pixel_size_angstrom=-1.0),
        lambda s, m: s.micrograph("", shape=(5, 5), pixel_size_angstrom=1.0),
    ],
)
def test_impossible_wishes_are_refused_and_change_nothing(session, micrograph, some, wrong):
    session.add(micrograph, some)
    with pytest.raises(BadValue):
        wrong(session, micrograph)
    assert same(session.particles(micrograph).particles, some)
    assert session.undo_text(micrograph) == "Add 6 particles"


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
            m = session.micrograph(night / name, shape=(9, 9), pixel_size_angstrom=1.0)
            session.add(m, some[: len(name) + m])
    night.rename(tmp_path / "archive")
    with Session.open(tmp_path / "archive" / "session.sqlite") as session:
        records = session.micrographs()
        assert [r.path for r in records] == [tmp_path / "archive" / n / "x.mrc" for n in "ab"]
        found = session.micrograph(records[1].path, shape=(9, 9), pixel_size_angstrom=1.0)
        assert found == records[1].id != records[0].id
        assert len(session.micrographs()) == 2


def test_a_picture_without_a_file_is_known_by_its_name_and_shape(session, tmp_path):
    def number(name, shape=(5, 6)):
        return session.micrograph(name, shape=shape, pixel_size_angstrom=1.0)

    assert number("Image") == number("Image")
    assert number("Image") != number("Image", (5, 7))
    assert number("a.mrc") != number(tmp_path / "a.mrc")
    assert number(str(tmp_path / "a.mrc")) == number(tmp_path / "a.mrc")
    assert [r.path for r in session.micrographs()] == [None, None, None, tmp_path / "a.mrc"]


def test_a_replaced_file_of_another_shape_is_refused_and_its_marks_stay(session, micrograph, some):
    file = session.micrographs()[0].path
    assert session.micrograph(file, shape=(9, 9), pixel_size_angstrom=1.0) == micrograph
    session.micrograph(file, shape=(512, 640), pixel_size_angstrom=1.0)
    session.add(micrograph, some)
    with pytest.raises(ShapeMismatch, match=r"is 9 × 9 pixels now.*when it was 512 × 640"):
        session.micrograph(file, shape=(9, 9), pixel_size_angstrom=1.0)
    assert len(session.particles(micrograph)) == 6
    session.micrograph(file, shape=(512, 640), pixel_size_angstrom=1.25)
    assert session.micrographs()[0].pixel_size_angstrom == 1.25


def test_examples_are_what_a_person_labelled_on_any_micrograph(session, some):
    values = np.random.default_rng(0).random((6, 5)).astype(np.float32)
    for name in ("1", "2"):
        m = session.micrograph(name, shape=(9, 9), pixel_size_angstrom=1.0)
        ids = session.add(m, some).added
        session.relabel(m, ids[:2], ["intact", "broken"])
        session.relabel(m, ids[2:4], "intact", given_by="suggestion")
        session.remember(ids, values, "radial-5")
    found, labels = session.examples("radial-5")
    np.testing.assert_array_equal(found, values[[0, 1, 0, 1]])
    assert found.dtype == np.float32
    assert labels.tolist() == ["intact", "broken"] * 2
    assert session.examples("other")[0].shape == (0, 0)
    with pytest.raises(BadValue, match="have 5 numbers, not 4"):
        session.remember(ids, values[:, :4], "radial-5")
    with pytest.raises(BadValue):
        session.remember(ids, values[:2], "radial-5")


def test_a_moved_particle_teaches_only_where_it_was_measured(session, micrograph, some):
    ids = session.add(micrograph, some).added
    session.relabel(micrograph, ids, "intact")
    session.remember(ids, np.ones((6, 3)), "k")
    session.move(micrograph, ids[:1], [[1, 1]])
    assert len(session.examples("k")[1]) == 5
    session.delete(micrograph, ids[1:3])
    assert len(session.examples("k")[1]) == 3
    session.undo(micrograph)
    session.undo(micrograph)
    assert len(session.examples("k")[1]) == 6
    session.move(micrograph, ids[:1], [[1, 1]])
    session.remember(ids[:1], np.zeros((1, 3)), "k", centres_px=some.centres_px[:1])
    assert len(session.examples("k")[1]) == 5


def test_a_copy_is_a_session_of_its_own(session, micrograph, some, tmp_path):
    ids = session.add(micrograph, some).added
    session.copy_to(tmp_path / "copy" / "night.sqlite")
    session.delete(micrograph, ids)
    with Session.open(tmp_path / "copy" / "night.sqlite") as copy:
        assert same(copy.particles(micrograph).particles, some)
        assert copy.undo_text(micrograph) == "Add 6 particles"
