"""Two windows on one session, and several threads in one window."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_n2n.io import Particles
from napari_n2n.session import Session, database


@pytest.fixture(params=["wal", "truncate"])
def path(request, tmp_path, monkeypatch):
    """Everything holds with the journal used on network disks as well."""
    monkeypatch.setattr(database, "on_network", lambda folder: request.param == "truncate")
    return tmp_path / "session.sqlite"


@pytest.fixture
def windows(path, some):
    """Two windows that were opened on six particles, one action."""
    with Session.open(path) as first:
        m = first.micrographs.find_or_add("layer", shape=(99, 99), pixel_size_angstrom=1.0)
        first.marks.add(m, some)
    with Session.open(path) as one, Session.open(path) as two:
        yield one, two, m


def labels(session, m):
    return session.marks.particles(m).particles.labels.tolist()


def test_each_window_sees_what_the_other_did_and_is_told(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    assert not one.changed_elsewhere()
    assert not two.changed_elsewhere()
    one.marks.relabel(m, ids[:1], "intact")
    assert not one.changed_elsewhere()
    assert two.changed_elsewhere()
    assert not two.changed_elsewhere()
    assert labels(two, m)[0] == "intact"
    two.marks.relabel(m, ids[1:2], "broken")
    assert labels(one, m)[:2] == ["intact", "broken"]
    assert one.micrographs.records()[0].counts["broken"] == 1


def test_an_edit_touches_only_its_own_particles_and_columns(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    one.marks.relabel(m, ids[:3], "intact")
    two.marks.relabel(m, ids[3:], "broken")
    one.marks.move(m, ids, np.ones((6, 2)))
    two.marks.relabel(m, ids[1:2], "contaminant")
    assert labels(one, m) == ["intact", "contaminant", "intact", "broken", "broken", "broken"]
    assert (two.marks.particles(m).particles.centres_px == 1).all()


def test_undo_takes_back_ones_own_and_leaves_the_others(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    one.marks.relabel(m, ids[:2], "intact")
    two.marks.relabel(m, ids[2:4], "broken")
    assert one.marks.undo_text(m) == "Mark 2 particles intact"
    change = one.marks.undo(m)
    assert change.action == "Mark 2 particles intact"
    assert change.altered.tolist() == ids[:2].tolist()
    assert not change.note
    assert labels(two, m) == ["unlabelled"] * 2 + ["broken"] * 2 + ["unlabelled"] * 2
    assert two.marks.redo_text(m) is None
    assert one.marks.redo(m)
    assert two.marks.undo(m).action == "Mark 2 particles broken"
    assert labels(one, m)[:4] == ["intact", "intact", "unlabelled", "unlabelled"]


def test_undo_skips_what_the_other_window_changed_since_and_says_so(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    one.marks.relabel(m, ids[:3], "intact")
    two.marks.relabel(m, ids[:1], "contaminant")
    two.marks.move(m, ids[1:2], [[5, 5]])
    change = one.marks.undo(m)
    assert change.skipped.tolist() == ids[:1].tolist()
    assert change.altered.tolist() == ids[1:3].tolist()
    assert change.note == ("1 particle was changed in another window since and was left as it is.")
    stored = one.marks.particles(m).particles
    assert stored.labels[:3].tolist() == ["contaminant", "unlabelled", "unlabelled"]
    assert stored.centres_px[1].tolist() == [5, 5]


def test_undoing_an_addition_leaves_what_the_other_window_has_marked(windows, some):
    one, two, m = windows
    ids = one.marks.add(m, some[:3]).added
    two.marks.relabel(m, ids[:1], "broken")
    two.marks.delete(m, ids[1:2])
    change = one.marks.undo(m)
    assert change.removed.tolist() == ids[2:].tolist()
    assert change.skipped.tolist() == ids[:1].tolist()
    assert ids[0] in one.marks.particles(m).ids
    assert two.marks.undo(m).added.tolist() == ids[1:2].tolist()


def test_the_threshold_of_the_other_window_is_left(windows):
    one, two, m = windows
    one.marks.set_threshold(m, 0.25)
    two.marks.set_threshold(m, 0.5)
    change = one.marks.undo(m)
    assert not change
    assert "threshold was changed in another window" in change.note
    assert one.marks.threshold(m) == 0.5


def test_marking_what_the_other_window_deleted_says_so(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    two.marks.delete(m, ids[:2])
    change = one.marks.relabel(m, ids[1:3], "intact")
    assert change.altered.tolist() == ids[2:3].tolist()
    assert change.skipped.tolist() == ids[1:2].tolist()
    assert change.note == "1 particle is no longer there: another window deleted it."
    two.marks.undo(m)
    assert labels(one, m) == ["unlabelled", "unlabelled", "intact", *["unlabelled"] * 3]


def test_what_was_there_at_opening_may_be_undone_by_either_once(windows):
    one, two, m = windows
    assert one.marks.undo_text(m) == two.marks.undo_text(m) == "Add 6 particles"
    assert two.marks.undo(m)
    assert one.marks.undo(m) is None
    assert one.marks.redo(m) is None
    assert len(two.marks.redo(m).added) == 6
    assert len(one.marks.particles(m)) == 6


def test_two_windows_may_make_one_session_at_the_same_time(path):
    failures = []
    opened = []

    def open_it():
        try:
            with Session.open(path) as session:
                opened.append(
                    session.micrographs.find_or_add("x", shape=(5, 5), pixel_size_angstrom=1.0)
                )
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert opened == [1] * 6


def test_a_worker_thread_may_read_and_write_while_the_window_marks(windows):
    one, two, m = windows
    ids = one.marks.particles(m).ids
    kept = []

    def work():
        for k in range(30):
            one.marks.remember(ids, np.full((6, 4), k), "k")
            kept.append(len(one.marks.examples("k")[1]))
            two.marks.add(m, Particles([[k, k]], given_by=["person"]))

    worker = threading.Thread(target=work)
    worker.start()
    for k in range(30):
        one.marks.relabel(m, ids, "intact" if k % 2 else "broken")
    worker.join()
    assert len(kept) == 30
    assert len(one.marks.particles(m)) == 36
    assert labels(one, m)[:6] == ["intact"] * 6
    assert (one.marks.examples("k")[0] == 29).all()
