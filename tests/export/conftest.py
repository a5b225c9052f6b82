"""A judged night to hand on."""

import pytest

from .night import copied_night, make_night


@pytest.fixture(scope="session")
def made_night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    make_night(folder)
    return folder


@pytest.fixture
def night(made_night, tmp_path):
    copy = copied_night(made_night, tmp_path)
    yield copy
    copy.session.close()
