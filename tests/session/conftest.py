"""A fresh session with one micrograph, an older one, an almost full disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import Particles
from napari_n2n.session import Session, session_path_in


@pytest.fixture
def path(tmp_path):
    return session_path_in(tmp_path)


@pytest.fixture
def session(path):
    with Session.open(path) as session:
        yield session


@pytest.fixture
def micrograph(session, tmp_path):
    return session.micrographs.find_or_add(
        tmp_path / "a.mrc", shape=(512, 640), pixel_size_angstrom=1.5
    )


@pytest.fixture
def files(session, tmp_path):
    """Five files of the session, by their ids."""
    return session.micrographs.add_files([tmp_path / f"{name}.mrc" for name in "abcde"])


@pytest.fixture
def some():
    """Six picked particles."""
    return Particles(
        np.arange(12.0).reshape(6, 2) * 10.25, scores=np.linspace(0.9, 0.1, 6, dtype=np.float32)
    )


@pytest.fixture
def limited_pages():
    """Let a session's file grow by only so many pages, as on a disk that is almost full."""

    def limit(session, extra):
        with session._database.reading() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + extra}")

    return limit


@pytest.fixture
def version_1(path):
    """Lay a session of version 1 there, as an earlier napari-n2n wrote it."""
    connection = sqlite3.connect(path)
    connection.executescript(Path(__file__).with_name("version1.sql").read_text("utf-8"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path
