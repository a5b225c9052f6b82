"""What a report says it was made with."""

import platform

import numpy as np

from napari_n2n.version import __version__, versions_of


def test_versions_are_those_of_what_is_installed():
    found = versions_of(["numpy", "no-such-package"])
    assert list(found) == ["napari-n2n", "numpy", "Python"]
    assert found["napari-n2n"] == __version__
    assert found["numpy"] == np.__version__
    assert platform.python_version() in found["Python"]
