"""A fresh session with one micrograph; a judged night of six."""

from __future__ import annotations

import numpy as np
import pytest

from napari_n2n.io import Particles
from napari_n2n.screening import Session, default_session_path

from .night import make_night


@pytest.fixture
def path(tmp_path):
    return default_session_path(tmp_path / "a.mrc")


@pytest.fixture
def session(path):
    with Session.open(path) as session:
        yield session


@pytest.fixture
def micrograph(session, tmp_path):
    return session.micrograph(tmp_path / "a.mrc", shape=(512, 640), pixel_size_angstrom=1.5)


@pytest.fixture
def some():
    """Six picked particles."""
    return Particles(
        np.arange(12.0).reshape(6, 2) * 10.25, scores=np.linspace(0.9, 0.1, 6, dtype=np.float32)
    )


@pytest.fixture
def night(tmp_path):
    made = make_night(tmp_path)
    yield made
    made.session.close()
