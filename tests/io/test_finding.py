"""Halves are found by their names, inputs by file, folder or pattern."""

from __future__ import annotations

import numpy as np
import pytest

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    expand_inputs,
    files_in,
    find_halves,
    unpaired_halves,
    write_micrograph,
)


@pytest.fixture
def make(tmp_path):
    def make_files(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_micrograph(path, np.eye(4), 1.0)
        return tmp_path

    return make_files


@pytest.mark.parametrize(
    ("odd", "even"),
    [
        ("m_ODD.mrc", "m_EVN.mrc"),
        ("m_odd.mrc", "m_even.mrc"),
        ("m_Odd.mrc", "m_Even.mrc"),
        ("m-odd.mrc", "m-even.mrc"),
        ("m_ODD.mrc.gz", "m_EVN.tif"),
        ("odd/m.mrc", "even/m.mrc"),
        ("ODD/m_ODD.mrc", "EVN/m_EVN.mrc"),
        ("odd/m_odd.mrc", "even/m.mrc"),
    ],
)
def test_names_that_make_a_pair(make, odd, even):
    folder = make(odd, even, "m.mrc", "other.mrc")
    (pair,) = find_halves(folder)
    assert pair.name == "m"
    assert (pair.odd, pair.even) == (folder / odd, folder / even)
    assert pair.full == folder / "m.mrc"
    assert unpaired_halves(folder) == []


def test_pairs_are_sorted_and_lonely_halves_are_told(make):
    folder = make("b_ODD.mrc", "b_EVN.mrc", "a_ODD.mrc", "a_EVN.mrc", "c_ODD.mrc", "d_EVN.mrc")
    assert [pair.name for pair in find_halves(folder)] == ["a", "b"]
    assert find_halves(folder)[0].full is None
    assert unpaired_halves(folder) == [folder / "c_ODD.mrc", folder / "d_EVN.mrc"]


def test_words_within_names_and_unfinished_files_are_no_halves(make):
    folder = make("oddity.mrc", "evening.mrc", "m_even_more.mrc", ".m_ODD-1a2b.mrc", "m_EVN.mrc")
    (folder / "m_ODD.csv").write_text("x")
    assert find_halves(folder) == []


def test_the_real_simulated_halves(shared_data):
    pairs = find_halves(shared_data / "simulated_apoferritin")
    assert len(pairs) == 9
    assert pairs[0].name == "test_00"


@pytest.mark.parametrize("search", [find_halves, unpaired_halves, expand_inputs])
def test_a_folder_that_is_not_there_is_explained(tmp_path, search):
    with pytest.raises(UnreadableFile, match="does not exist"):
        search(tmp_path / "nowhere")


def test_a_file_is_no_folder_of_halves(make):
    with pytest.raises(UnreadableFile, match="is a file, not a folder"):
        find_halves(make("a.mrc") / "a.mrc")


def test_inputs_are_a_file_a_folder_or_a_pattern(make):
    folder = make("b.mrc", "a.mrc", "c.tif", "sub/d.mrc", ".a-tmp.mrc")
    (folder / "notes.txt").write_text("x")
    assert expand_inputs(folder / "b.mrc") == [folder / "b.mrc"]
    assert expand_inputs(folder) == [folder / "a.mrc", folder / "b.mrc", folder / "c.tif"]
    assert expand_inputs(f"{folder}/*.mrc") == [folder / "a.mrc", folder / "b.mrc"]
    assert expand_inputs(f"{folder}/**/*.mrc")[-1] == folder / "sub" / "d.mrc"


def test_a_name_with_brackets_is_that_file(make):
    folder = make("grid[1].mrc", "grid1.mrc")
    assert expand_inputs(folder / "grid[1].mrc") == [folder / "grid[1].mrc"]


def test_nothing_found_is_explained(make):
    folder = make("a.mrc")
    (folder / "empty").mkdir()
    for given, part in (("*.tif", "matches no file"), ("b.mrc", "does not exist")):
        with pytest.raises(UnreadableFile, match=part):
            expand_inputs(folder / given)
    with pytest.raises(UnreadableFile, match="without image files"):
        expand_inputs(folder / "empty")


BESIDE = ("a_ODD.mrc", "a_EVN.mrc", "b_noDW.mrc", "a_PS.mrc", "a_noDW_ODD.mrc", "b-even.tif")


@pytest.mark.parametrize("everything", [False, True])
def test_what_motion_correction_writes_beside_micrographs_is_none(make, everything):
    folder = make("a.mrc", "b_PSII.mrc", "c_odd_one.mrc", *BESIDE)
    found = {path.name for path in files_in(folder, everything=everything)}
    own = {"a.mrc", "b_PSII.mrc", "c_odd_one.mrc"}
    assert found == (own | set(BESIDE) if everything else own)
    assert {path.name for path in expand_inputs(folder)} == own
    # Named by themselves they are what is meant.
    assert expand_inputs(folder / "a_PS.mrc") == [folder / "a_PS.mrc"]
    assert [path.name for path in expand_inputs(f"{folder}/*_ODD.mrc")] == [
        "a_ODD.mrc",
        "a_noDW_ODD.mrc",
    ]


def test_where_there_is_nothing_else_they_are_what_a_folder_holds(make):
    folder = make(*BESIDE)
    assert {path.name for path in files_in(folder)} == set(BESIDE)
