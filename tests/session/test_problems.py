"""Full, read-only, locked, foreign, damaged and newer: a sentence, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_n2n.errors import FileProblem, UnreadableFile, WriteProblem
from napari_n2n.io import Particles
from napari_n2n.session import Session, database, schema

MANY = Particles(np.random.default_rng(0).random((5000, 2)))


def test_a_full_disk_is_told_and_what_was_kept_stays(session, micrograph, some, limited_pages):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids, "intact")
    limited_pages(session, 2)
    for _ in range(2):
        with pytest.raises(WriteProblem, match=r"the disk is full\). Free some space"):
            session.marks.add(micrograph, MANY)
    assert session.marks.particles(micrograph).ids.tolist() == ids.tolist()
    session.marks.relabel(micrograph, ids[:1], "broken")
    assert session.marks.undo_text(micrograph) == "Mark 1 particle broken"
    limited_pages(session, 10**6)
    assert len(session.marks.add(micrograph, MANY).added) == 5000
    with Session.open(session.path) as again:
        assert len(again.marks.particles(micrograph)) == 5006


FULL_DISK = """
import sys
from pathlib import Path
import numpy as np
from napari_n2n.errors import WriteProblem
from napari_n2n.io import Particles
from napari_n2n.session import Session
disk = Path(sys.argv[1])
session = Session.open(disk / "s.sqlite")
m = session.micrographs.find_or_add("x", shape=(9, 9), pixel_size_angstrom=1.0)
files = session.micrographs.add_files([disk / f"{k}.mrc" for k in range(300)])
actions = {
    "mark": lambda kept: session.marks.add(m, Particles(np.random.rand(50, 2))),
    "judge": lambda kept: session.verdicts.give(files, "reject", reason=f"reason {kept}"),
}
def found(session):
    reasons = set(session.micrographs.overview(files).reasons)
    return {
        "mark": lambda: len(session.marks.particles(m)) // 50,
        "judge": lambda: 1 + max(int(it.split()[1]) for it in reasons),
    }[sys.argv[2]]()
act, kept = actions[sys.argv[2]], 0
try:
    while True:
        act(kept)
        kept += 1
except WriteProblem as error:
    assert "full" in str(error), error
assert kept > 5 and found(session) == kept
(disk / "ballast").unlink()
act(kept)
session.close()
with Session.open(disk / "s.sqlite") as session:
    assert found(session) == kept + 1
    for _ in range(2):
        session.verdicts.undo() if sys.argv[2] == "judge" else session.marks.undo(m)
    assert found(session) == kept - 1
print("kept", kept)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small disk")
@pytest.mark.parametrize("what", ["mark", "judge"])
def test_a_disk_that_really_fills_up(tmp_path, what):
    script = (
        f'mount -t tmpfs -o size=3m none "{tmp_path}" || exit 77\n'
        f'head -c 1000000 /dev/zero > "{tmp_path}/ballast"\n'
        f'exec "{sys.executable}" -c "$1" "{tmp_path}" {what}\n'
    )
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", FULL_DISK],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"may not mount a disk here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept")


def unwritable_folder(tmp_path):
    """Return a folder that may not be written, even by root."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/sys/kernel")
    if not folder.is_dir():
        pytest.skip("every folder can be written here")
    return folder


def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    folder = unwritable_folder(tmp_path)
    for path in (folder / "s.sqlite", folder / "new" / "s.sqlite"):
        with pytest.raises(WriteProblem, match="Keep the session in a folder"):
            Session.open(path)


def test_a_session_that_may_not_be_written_is_told(session, micrograph, some):
    session.marks.add(micrograph, some)
    with session._database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(WriteProblem, match="is read-only"):
        session.marks.add(micrograph, some)
    assert len(session.marks.particles(micrograph)) == 6


def test_a_session_on_a_disk_that_may_not_be_written_can_be_read(
    session, micrograph, some, monkeypatch
):
    session.marks.add(micrograph, some)  # it is in the log yet, not in the file itself
    before = {path: path.read_bytes() for path in session.path.parent.iterdir()}
    monkeypatch.setattr(database, "_may_be_written", lambda path: False)
    with Session.open(session.path) as other:
        assert other.read_only
        assert not session.read_only
        assert other.path == session.path
        assert len(other.marks.particles(micrograph)) == 6
        with pytest.raises(WriteProblem, match="is read-only"):
            other.marks.add(micrograph, some)
    assert before == {path: path.read_bytes() for path in session.path.parent.iterdir()}


def test_an_unfinished_transaction_is_undone_in_what_is_read_of_an_archive(
    session, micrograph, some, tmp_path, monkeypatch
):
    session.marks.add(micrograph, some)
    session.copy_to(tmp_path / "archive.sqlite")
    code = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA journal_mode = truncate")
c.execute("PRAGMA cache_size = 1")
c.execute("BEGIN IMMEDIATE")
c.execute("DELETE FROM particles")
c.execute("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
          "LIMIT 20000) SELECT i, hex(randomblob(50)) AS x FROM n")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "archive.sqlite")], check=True)
    assert (tmp_path / "archive.sqlite-journal").stat().st_size > 0
    monkeypatch.setattr(database, "_may_be_written", lambda path: False)
    with Session.open(tmp_path / "archive.sqlite") as archive:
        assert len(archive.marks.particles(micrograph)) == 6


def test_a_locked_file_is_told_and_can_be_used_again(session, micrograph, some, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Session.open(session.path) as other:
        blocker = sqlite3.connect(session.path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteProblem, match="is being written by another program"):
            other.marks.add(micrograph, some)
        assert len(other.marks.particles(micrograph)) == 0
        blocker.execute("ROLLBACK")
        blocker.close()
        assert other.marks.add(micrograph, some)


def test_a_session_moved_or_replaced_while_open_takes_no_more_marks(
    session, micrograph, some, tmp_path
):
    session.marks.add(micrograph, some)
    session.copy_to(tmp_path / "copy")
    (tmp_path / "copy").replace(session.path)
    with pytest.raises(WriteProblem, match="was moved, deleted or replaced while it was open"):
        session.marks.add(micrograph, some)
    session.path.unlink()
    with pytest.raises(WriteProblem, match="was moved, deleted or replaced"):
        session.marks.relabel(micrograph, session.marks.particles(micrograph).ids, "intact")


def test_a_closed_session_says_so(session, micrograph, some):
    session.close()
    session.close()
    with pytest.raises(WriteProblem, match="is closed"):
        session.marks.add(micrograph, some)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"micrograph,x,y\n1,2,3\n" * 100, "is no session file"),
        (b"SQLite format 3\0" + b"\xff" * 4080, "is no session file|is damaged"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_untouched(path, content, fault):
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=fault):
        Session.open(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_untouched(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE lab_book (entry)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UnreadableFile, match="is an SQLite file of another program"):
        Session.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("network", [False, True])
def test_a_mark_waits_for_the_disk(path, network, monkeypatch):
    monkeypatch.setattr(database, "on_network", lambda folder: network)
    with Session.open(path) as session, session._database.reading() as connection:
        # 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_folder_in_its_place_is_told(path):
    path.mkdir()
    with pytest.raises(UnreadableFile, match="is a folder"):
        Session.open(path)


def test_an_empty_file_becomes_a_session(path):
    path.touch()
    with Session.open(path) as session:
        assert session.micrographs.records() == []


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_torn_file_is_told(session, micrograph, keep):
    session.marks.add(micrograph, MANY)
    session.close()
    content = session.path.read_bytes()
    session.path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(UnreadableFile, match=r"is damaged\. Put back a copy"):
        Session.open(session.path)


@pytest.mark.parametrize("checked_bytes", [database._CHECKED_BYTES, 0])
def test_damage_anywhere_is_told_or_does_no_harm(session, micrograph, checked_bytes, monkeypatch):
    """Bytes are overwritten page by page, also in a file too large to be checked at opening."""
    monkeypatch.setattr(database, "_CHECKED_BYTES", checked_bytes)
    session.marks.add(micrograph, MANY)
    session.marks.relabel(micrograph, session.marks.particles(micrograph).ids[:3000], "intact")
    files = session.micrographs.add_files([session.path.with_name(f"{k}.mrc") for k in range(300)])
    for m in files[:60]:
        session.micrographs.set_figures(m, {"snr": m / 7, "score": 50.0})
    session.verdicts.give(files, "reject", reason="drift")
    session.verdicts.give(files[::2], "keep")
    session.close()
    content = session.path.read_bytes()
    dice = np.random.default_rng(1)
    refused = []
    for page in dice.choice(len(content) // 4096, 60, replace=False):
        damaged = bytearray(content)
        at = page * 4096 + int(dice.integers(3500))
        damaged[at : at + 500] = dice.bytes(500)
        session.path.write_bytes(damaged)
        try:
            with Session.open(session.path) as again:
                again.marks.particles(micrograph)
                again.marks.undo(micrograph)
                again.marks.undo(micrograph)
                again.micrographs.records()
                again.micrographs.overview()
                again.verdicts.undo()
                again.verdicts.undo()
                again.micrographs.overview()
        except FileProblem as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(str(session.path) in sentence for sentence in refused)


def later(connection):
    connection.execute("ALTER TABLE micrographs ADD COLUMN verdict TEXT")


def test_an_older_session_is_upgraded_and_keeps_its_marks(session, micrograph, some, monkeypatch):
    ids = session.marks.add(micrograph, some).added
    session.marks.relabel(micrograph, ids[:2], "intact")
    version = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, later))
    with Session.open(session.path) as newer:
        assert newer.marks.particles(micrograph).particles.counts()["intact"] == 2
        assert newer.marks.undo(micrograph)
        with newer._database.reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version + 1,)
            assert connection.execute("SELECT verdict FROM micrographs").fetchall() == [(None,)]
    monkeypatch.undo()
    with pytest.raises(WriteProblem, match="was upgraded by a newer napari-n2n while it was open"):
        session.marks.relabel(micrograph, ids, "broken")
    session.close()
    before = session.path.read_bytes()
    with pytest.raises(
        UnreadableFile, match=rf"newer napari-n2n \(session version {version + 1}, this"
    ):
        Session.open(session.path)
    assert session.path.read_bytes() == before


def test_an_upgrade_that_fails_leaves_the_older_session(session, micrograph, some, monkeypatch):
    session.marks.add(micrograph, some)

    def fails(connection):
        later(connection)
        connection.execute("DROP TABLE history")
        connection.execute("SELECT nothing FROM nowhere")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, fails))
        with pytest.raises(FileProblem):
            Session.open(session.path)
    with Session.open(session.path) as again:
        assert len(again.marks.particles(micrograph)) == 6
        assert again.marks.undo(micrograph)
