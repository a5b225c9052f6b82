"""STAR files are read as RELION reads them, and what is written comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.star import StarTable, blocks_of, is_name, quoted, version_of, words_of

PATH = Path("a.star")


def test_blank_lines_comments_and_empty_blocks_are_no_damage():
    text = (
        "# version 30001\n\ndata_optics\n\nloop_\n\n# of the labels\n_rlnA #1\n\n_rlnB #2\n"
        "g#1/a.mrc 1 # a comment\n\ndata_empty\n\n# version 30001\n\ndata_list\n"
        "_rlnC 3 # three\n_rlnD 'two words'\n"
    )
    blocks = blocks_of(PATH, text)
    assert list(blocks) == ["optics", "empty", "list"]
    assert blocks["optics"].row(0) == {"rlnA": "g#1/a.mrc", "rlnB": "1"}
    assert len(blocks["empty"]) == 0
    assert blocks["list"].row(0) == {"rlnC": "3", "rlnD": "two words"}
    assert version_of(text) == "# version 30001\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a#1 b", ["a#1", "b"]),
        ("a #1 b", ["a"]),
        ("it's\tfive", ["it's", "five"]),
        ("'it's five' 6", ["it's five", "6"]),
        ('"" 1', ["", "1"]),
    ],
)
def test_words_are_parted_as_relion_parts_them(line, words):
    assert words_of(line) == words


def test_a_name_that_begins_with_data_is_a_row():
    text = "data_\nloop_\n_rlnMicrographName\n_rlnX\ndata_01.mrc 1\ndata_02.mrc 2\n\ndata_b\n"
    blocks = blocks_of(PATH, text)
    assert blocks[""].words("rlnMicrographName") == ["data_01.mrc", "data_02.mrc"]
    assert "b" in blocks


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("1 2\n3\n4 5\n", "damaged: line 6 has 1 of 2 values"),
        ("1 2\n3 4 5\n6 7\n", "damaged: line 6 has 3 of 2 values"),
        ("1 2\n'3 4\n5 6\n", "a quote in line 6 does not end"),
        ("1 2\n3", "torn: its last line has 1 of 2 values"),
    ],
)
def test_the_line_that_is_wrong_is_named(rows, sentence):
    with pytest.raises(UnreadableFile, match=sentence):
        blocks_of(PATH, f"data_\nloop_\n_a\n_b\n{rows}")


printable = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" #'\"_"), max_size=30
)


@given(st.lists(st.tuples(printable.filter(is_name), printable.filter(is_name)), max_size=5))
def test_whatever_can_be_written_comes_back(rows):
    columns = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    text = StarTable.of(columns).text("x")
    table = blocks_of(PATH, text)["x"]
    assert table.words("a") == columns["a"]
    assert table.words("b") == columns["b"]


@given(printable)
def test_nearly_every_printable_name_can_be_held(name):
    held = is_name(name)
    assert held or ("' " in name and '" ' in name)
    if held:
        assert words_of(f"{quoted(name)} 1") == [name, "1"]
