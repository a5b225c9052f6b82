"""Two sessions in one folder show each its own pictures."""

import numpy as np
import pytest

from napari_n2n.io import read_micrograph
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.screening import results_of
from napari_n2n.workflow.screening.results import write_pictures


def keep_pictures(session, file, size):
    pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    *_, last = write_pictures(results_of(session, file), DenoisedMicrograph(pixels, size, pixels))
    return last


@pytest.mark.parametrize("names", [("one.sqlite", "two.sqlite"), ("napari-n2n.sqlite", "b.db")])
def test_each_has_its_own(tmp_path, names):
    sessions = [tmp_path / name for name in names]
    file = tmp_path / "a.mrc"
    for session, size in zip(sessions, (1.0, 2.0), strict=True):
        session.touch()
        keep_pictures(session, file, size)
    for session, size in zip(sessions, (1.0, 2.0), strict=True):
        kept = read_micrograph(results_of(session, file).denoised)
        assert kept.pixel_size_angstrom == size


def test_what_was_kept_before_is_still_found_unless_it_may_be_of_another(tmp_path):
    old, file = tmp_path / "one.sqlite", tmp_path / "a.mrc"
    keep_pictures(tmp_path / "napari-n2n.sqlite", file, 1.0)  # where all had theirs
    old.touch()
    assert results_of(old, file).are_there
    other = tmp_path / "two.sqlite"
    other.touch()
    assert not results_of(old, file).are_there
    assert not results_of(other, file).are_there
    keep_pictures(other, file, 2.0)
    assert results_of(old, file).are_there
    assert read_micrograph(results_of(other, file).denoised).pixel_size_angstrom == 2.0
