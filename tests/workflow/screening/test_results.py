"""Where the pictures of a screening lie."""

import shutil

import numpy as np
import pytest
from PIL import Image

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_micrograph
from napari_n2n.motion import Halves
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.screening import common_folder, read_pictures, results_of
from napari_n2n.workflow.screening.results import write_pictures, write_thumbnail


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


@pytest.mark.parametrize("is_movie", [True, False])
@pytest.mark.parametrize(("level", "contrast"), [(30_000.0, 1.0), (40.0, 0.1), (0.0, 1e-6)])
def test_pictures_take_half_the_space_and_keep_faint_specimens(tmp_path, is_movie, level, contrast):
    rng = np.random.default_rng(0)
    specimen = np.zeros((64, 64))
    specimen[20:40, 20:40] = contrast
    denoised = (level + specimen).astype(np.float32)
    raw = (level + specimen + rng.normal(0, 10 * contrast, (64, 64))).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", raw, 1.2)
    results = results_of(tmp_path / "s.sqlite", tmp_path / "a.mrc")
    halves = Halves(raw / 2, raw / 2, raw, 1.2, None, None, tmp_path / "a.mrc")
    seen = DenoisedMicrograph(denoised, 1.2, raw, halves if is_movie else None)
    list(write_pictures(results, seen))
    assert results.sum.exists() == is_movie
    assert results.denoised.stat().st_size == 1024 + 2 * 64 * 64
    seen = read_pictures(results)
    assert seen.pixel_size_angstrom == pytest.approx(1.2)
    faint = np.ptp(denoised) / raw.std()
    assert np.ptp(seen.pixels) == pytest.approx(faint, rel=0.01)
    # What is subtracted from what has one scale.
    expected = (raw - denoised).std() / raw.std()
    assert (seen.raw - seen.pixels).std() == pytest.approx(expected, rel=0.01)


def test_pictures_of_another_file_of_that_name_are_not_shown_with_it(tmp_path):
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", image, 1.2)
    results = results_of(tmp_path / "s.sqlite", tmp_path / "a.mrc")
    list(write_pictures(results, DenoisedMicrograph(image, 1.2, image)))
    write_micrograph(tmp_path / "a.mrc", image[:32], 1.2)
    with pytest.raises(UnreadableFile, match="changed since it was denoised"):
        read_pictures(results)


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
    assert common_folder([night]) == night
    assert common_folder([night / "one", night / "two"]) == night
