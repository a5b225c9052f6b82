"""What all tests share. With pytest-xdist (``-n 2``, as tox runs them) they are two processes."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs
import pytest

from .command_line import call
from .openings import Openings
from .screens import own_screen

_WITH_WINDOWS = Path(__file__).parent / "plugin"
_HAS_OWN_SCREEN = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes its share of the cores, and a screen where one can be made.

    napari's settings are of each process alone, and not those of whoever runs the tests.
    """
    folder = tempfile.mkdtemp(prefix="napari-n2n-settings-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
    worker = getattr(config, "workerinput", None)
    config.stash[_HAS_OWN_SCREEN] = worker is not None and own_screen()
    if worker is not None:
        # torch's threads wait for each other by spinning, which two processes do at the other's
        # expense. OpenMP reads this when torch is first imported.
        share = max(1, (os.cpu_count() or 1) // worker["workercount"])
        os.environ.setdefault("OMP_NUM_THREADS", str(share))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say which tests have to stay in one process."""
    for item in items:
        if not item.path.is_relative_to(_WITH_WINDOWS):
            # What a module makes once is made once.
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
        elif not config.stash[_HAS_OWN_SCREEN]:
            # A screen has one keyboard focus.
            item.add_marker(pytest.mark.xdist_group("windows"))


@pytest.fixture
def n2n():
    """Run the command line, return its exit code."""
    return call


@pytest.fixture(scope="module")
def threads():
    """Set how many threads torch has; a module's tests leave it as it was."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def openings(monkeypatch) -> Openings:
    """Count from here on how often each file is opened."""
    return Openings(monkeypatch)


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory, monkeypatch):
    """Nothing that a test makes goes to the home of whoever runs it."""
    folder = tmp_path_factory.mktemp("user") / "napari-n2n"
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: folder)
    return folder
