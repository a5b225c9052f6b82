"""How files are named in a session, and which disks need another journal."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.session import Session, database, session_path_in
from napari_n2n.session.paths import found_path, on_network, stored_path

MOUNTS = """\
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /data rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2
24 23 0:22 / /data/scratch rw - xfs /dev/nvme0n1 rw
25 22 0:23 / /mnt/my\\040disk rw - fuse.sshfs me@there: rw
"""


def test_the_session_lies_beside_the_micrographs(tmp_path):
    path = session_path_in(tmp_path / "night")
    assert path == tmp_path / "night" / "napari-n2n.sqlite"
    assert session_path_in("night").is_absolute()


@pytest.mark.parametrize("name", ["a.mrc", "deeper/än der.mrc", "../beside/a.mrc"])
def test_a_file_is_named_from_the_folder(tmp_path, name):
    folder = tmp_path / "night"
    folder.mkdir()
    assert stored_path(folder / name, folder) == name
    assert found_path(name, str(folder)) == Path(os.path.normpath(folder / name))


def test_a_file_reached_by_a_link_has_one_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for one in ("real", "link"):
        for other in ("real", "link"):
            assert stored_path(tmp_path / one / "a.mrc", tmp_path / other) == "a.mrc"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names are Unicode elsewhere")
def test_a_name_that_is_no_unicode_can_be_kept(tmp_path):
    with Session.open(tmp_path / "s.sqlite") as session:
        file = tmp_path / os.fsdecode(b"m\xff.mrc")
        m = session.micrographs.find_or_add(file, shape=(5, 5), pixel_size_angstrom=1.0)
        assert session.micrographs.find_or_add(file, shape=(5, 5), pixel_size_angstrom=1.0) == m


@pytest.mark.skipif(sys.platform == "win32", reason="/data is no absolute path there")
@pytest.mark.parametrize(
    ("folder", "shared"),
    [
        ("/data", True),
        ("/data/night/1", True),
        ("/data/scratch/night", False),
        ("/database", False),
        ("/home/me", False),
        ("/mnt/my disk/night", True),
    ],
)
def test_network_disks_are_recognised(folder, shared):
    assert on_network(Path(folder), MOUNTS) is shared


def test_the_write_ahead_log_is_used_on_local_disks_only(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"

    def journal(network):
        monkeypatch.setattr(database, "on_network", lambda folder: network)
        with Session.open(path):
            reader = sqlite3.connect(path)
            (mode,) = reader.execute("PRAGMA journal_mode").fetchone()
            reader.close()
        return mode

    assert journal(network=False) == "wal"
    assert journal(network=False) == "wal"
    # "delete" is what anyone finds in a file whose log is not the write-ahead one.
    assert journal(network=True) == "delete"
    # Another computer may still use it over the network.
    assert journal(network=False) == "delete"


def test_a_log_in_use_on_the_disks_own_computer_keeps_the_network_out(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Session.open(tmp_path / "s.sqlite") as session:
        monkeypatch.setattr(database, "on_network", lambda folder: True)
        with pytest.raises(WriteProblem, match="another program"):
            Session.open(session.path)
