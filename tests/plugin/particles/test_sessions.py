"""Which session keeps the marks of a layer."""

import numpy as np
import pytest
from napari.layers import Image

from napari_n2n.errors import WriteProblem
from napari_n2n.plugin.particles.sessions import SessionHandles
from napari_n2n.session import database


@pytest.fixture
def sessions():
    sessions = SessionHandles()
    yield sessions
    sessions.close()


def test_a_session_of_the_user_that_may_not_be_written_is_told_until_it_may(
    sessions, data_folder, monkeypatch
):
    nameless = Image(np.zeros((8, 8), np.float32), name="drawn")
    session, number, _ = sessions.session_for(nameless)
    assert data_folder in session.path.parents
    sessions.close()
    with monkeypatch.context() as patching:
        patching.setattr(database, "_may_be_written", lambda path: False)
        for _ in range(2):
            with pytest.raises(WriteProblem, match="read-only"):
                sessions.session_for(nameless)
    session, again, _ = sessions.session_for(nameless)
    assert again == number
    assert not session.read_only
