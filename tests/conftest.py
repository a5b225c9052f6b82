"""What all tests share. With pytest-xdist (``-n 2``, as tox runs them) they are two processes."""

from pathlib import Path

import pytest

from .command_line import call
from .openings import Openings

_WITH_WINDOWS = Path(__file__).parent / "plugin"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests that open windows in one process: a screen has one keyboard focus."""
    for item in items:
        if item.path.is_relative_to(_WITH_WINDOWS):
            item.add_marker(pytest.mark.xdist_group("windows"))


@pytest.fixture
def n2n():
    """Run the command line, return its exit code."""
    return call


@pytest.fixture
def openings(monkeypatch) -> Openings:
    """Count from here on how often each file is opened."""
    return Openings(monkeypatch)
