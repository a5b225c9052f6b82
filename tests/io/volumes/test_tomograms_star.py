"""RELION 5's list of tomograms gets the denoised ones, and keeps everything else."""

from __future__ import annotations

import pytest
import starfile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.io import overwriting, volume_halves, write_tomograms_star
from napari_n2n.io.outputs import made_by_us
from napari_n2n.io.star import blocks_of, quoted

from .layouts import isonet2, relion

COLUMN = "rlnTomoReconstructedTomogramDenoised"


def test_the_denoised_tomograms_are_added_and_the_rest_is_kept(tmp_path):
    star = relion(tmp_path)
    done = tmp_path / "Denoise" / "job020" / "tomograms" / "rec_TS_02.mrc"
    out = done.parents[1] / "tomograms.star"
    write_tomograms_star(out, star, {"TS_02": done})
    before, after = starfile.read(star), starfile.read(out)
    assert list(after.columns) == [*before.columns, COLUMN]
    for column in before.columns:
        assert list(after[column]) == list(before[column])
    # As RELION writes it, and named from the project's folder.
    assert [str(word) for word in after[COLUMN].fillna("N/A")] == [
        "N/A",
        "Denoise/job020/tomograms/rec_TS_02.mrc",
    ]
    assert "300.000000" in out.read_text()
    assert made_by_us(out)
    # A later one goes on with it, and it still lists the halves.
    more = out.with_name("more.star")
    write_tomograms_star(more, out, {"TS_01": tmp_path / "else" / "rec_TS_01.mrc"})
    assert list(starfile.read(more)[COLUMN]) == [
        "else/rec_TS_01.mrc",
        "Denoise/job020/tomograms/rec_TS_02.mrc",
    ]
    assert [pair.name for pair in volume_halves(more)] == ["TS_01", "TS_02"]


def test_what_lies_outside_of_the_project_is_named_in_full(tmp_path):
    star = relion(tmp_path / "project")
    write_tomograms_star(tmp_path / "out.star", star, {"TS_01": tmp_path / "rec.mrc"})
    assert starfile.read(tmp_path / "out.star")[COLUMN][0] == str(tmp_path / "rec.mrc")


def test_what_cannot_be_written_is_told_and_nothing_is_lost(tmp_path):
    star = relion(tmp_path)
    text = star.read_text()
    with pytest.raises(WriteProblem, match="is the input itself"):
        write_tomograms_star(star, star, {})
    with pytest.raises(WriteProblem, match="has no tomogram TS_09"):
        write_tomograms_star(tmp_path / "out.star", star, {"TS_09": tmp_path / "a.mrc"})
    with pytest.raises(WriteProblem, match="cannot hold the name"):
        write_tomograms_star(tmp_path / "out.star", star, {"TS_01": tmp_path / "a\nb.mrc"})
    (tmp_path / "other.star").write_text("data_optics\nloop_\n_rlnVoltage #1\n300\n")
    with pytest.raises(UnreadableFile, match="lists no tomograms"):
        write_tomograms_star(tmp_path / "out.star", tmp_path / "other.star", {})
    assert star.read_text() == text
    assert not (tmp_path / "out.star").exists()


WORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    lambda word: word.strip() == word and "'" not in word and '"' not in word
)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4, unique_by=lambda row: row[0]),
    chosen=st.integers(0, 3),
)
def test_every_word_stays_what_it_was(tmp_path_factory, rows, chosen):
    folder = tmp_path_factory.getbasetemp()
    lines = "".join(f"{quoted(a)}\t{quoted(b)} 1.50\n" for a, b in rows)
    text = f"# version 50001\n\ndata_global\n\nloop_\n_rlnTomoName #1\n_x #2\n_y #3\n{lines}\n"
    more = "data_more\n\n_rlnThing 7\n"
    (folder / "in.star").write_text(text + more)
    name = rows[chosen % len(rows)][0]
    with overwriting():
        write_tomograms_star(folder / "out.star", folder / "in.star", {name: folder / "d e.mrc"})
    blocks = blocks_of(folder / "out.star", (folder / "out.star").read_text())
    table = blocks["global"]
    assert list(zip(table.words("rlnTomoName"), table.words("x"), strict=True)) == rows
    assert table.words("y") == ["1.50"] * len(rows)
    assert table.words(COLUMN).count("N/A") == len(rows) - 1
    assert blocks["more"].words("rlnThing") == ["7"]


def test_a_list_of_isonet_is_taken_as_well(tmp_path):
    star = isonet2(tmp_path)
    write_tomograms_star(tmp_path / "out.star", star, {"full/TS_01.mrc": tmp_path / "d.mrc"})
    assert list(starfile.read(tmp_path / "out.star")[COLUMN].fillna("N/A")) == ["d.mrc", "N/A"]
