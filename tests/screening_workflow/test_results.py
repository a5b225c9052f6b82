"""Where the pictures of a screening lie."""

import shutil

import numpy as np
from PIL import Image

from napari_n2n.screening_workflow import default_session_folder, results_of
from napari_n2n.screening_workflow.results import write_thumbnail


def test_results_are_found_again_when_the_folder_has_moved(tmp_path):
    night = tmp_path / "night"
    before = results_of(night / "s.sqlite", night / "grid" / "a.mrc")
    before.thumbnail.parent.mkdir(parents=True)
    before.thumbnail.write_bytes(b"x")
    shutil.move(night, tmp_path / "moved")
    after = results_of(tmp_path / "moved" / "s.sqlite", tmp_path / "moved" / "grid" / "a.mrc")
    assert after.thumbnail.read_bytes() == b"x"


def test_files_of_one_name_have_results_of_their_own(tmp_path):
    names = ["a.mrc", "a.tif", "one/a.mrc", "two/a.mrc", f"{'x' * 245}.mrc", f"{'x' * 245}y.mrc"]
    session = tmp_path / "s.sqlite"
    found = {results_of(session, tmp_path / name).denoised for name in names}
    assert len(found) == len(names)
    for path in found:
        path.parent.mkdir(exist_ok=True)
        path.touch()  # no file system refuses the name


def test_raw_is_the_sum_where_there_is_one(tmp_path):
    results = results_of(tmp_path / "s.sqlite", tmp_path / "a.mrc")
    assert results.raw == tmp_path / "a.mrc"
    results.sum.parent.mkdir()
    results.sum.touch()
    assert results.raw == results.sum


def test_a_thumbnail_is_small_and_shows_what_the_image_shows(tmp_path):
    image = np.zeros((600, 900), np.float32)
    image[:, 450:] = 1000.0
    image[3, 3] = 1e9  # a hot pixel does not darken the rest
    write_thumbnail(tmp_path / "t.png", image)
    with Image.open(tmp_path / "t.png") as picture:
        assert picture.size == (256, 171)
        assert picture.mode == "L"
        grey = np.asarray(picture)
    assert grey[:, 20:120].max() < 10
    assert grey[:, 140:].min() > 245


def test_a_session_lies_where_all_its_files_are_below(tmp_path):
    night = tmp_path / "night"
    assert default_session_folder([night / "a.mrc"]) == night
    assert default_session_folder([night / "one" / "a.mrc", night / "two" / "b.mrc"]) == night
