"""Halves of tomograms are found as AreTomo, Warp, RELION, IMOD, cryoCARE and IsoNet leave them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.errors import N2NError, ShapeMismatch, UnreadableFile
from napari_n2n.io import (
    OtherKind,
    find_halves,
    half_of,
    halves_beside,
    volume_facts,
    volume_halves,
)
from napari_n2n.io.half_names import NAMINGS

from .layouts import (
    FOLDERS,
    LISTS,
    aretomo2,
    aretomo3,
    cryocare,
    imod,
    isonet2,
    relion,
    tilt_series,
    volume,
    warp,
)
from .making import write_rec


@pytest.mark.parametrize("program", FOLDERS)
def test_every_programs_folder_gives_its_pairs(tmp_path, program):
    FOLDERS[program](tmp_path)
    pairs = volume_halves(tmp_path)
    assert len(pairs) == 2
    assert not pairs.problems
    assert not pairs.lonely
    for pair, name in zip(pairs, ("TS_01", "TS_02"), strict=True):
        odd, even = pair.opened()
        assert odd.voxel_size_angstrom == even.voxel_size_angstrom == 10
        assert odd[0].min() >= 1
        assert even[0].max() <= -1
        assert name in pair.name
        if program != "RELION 5":  # which reconstructs either halves or the whole
            assert pair.full is not None
            assert pair.full.is_file()


@pytest.mark.parametrize("program", LISTS)
def test_every_programs_list_gives_its_pairs(tmp_path, program, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    listed = LISTS[program](tmp_path)
    monkeypatch.chdir(tmp_path / "elsewhere")
    pairs = volume_halves(listed)
    assert [pair.name for pair in pairs] == ["TS_01", "TS_02"]
    for pair in pairs:
        odd, even = pair.opened()
        assert odd[0].min() >= 1
        assert even[0].max() <= -1


def test_a_job_of_relion_is_known_by_its_list(tmp_path):
    star = relion(tmp_path)
    for given_ in (star.parent, star.parent.parent, tmp_path):
        assert [pair.name for pair in volume_halves(given_)] == ["TS_01", "TS_02"]
    # Without it, by the files' names.
    star.unlink()
    assert [pair.name for pair in volume_halves(star.parent)] == ["rec_TS_01", "rec_TS_02"]


def test_tilt_series_and_micrographs_are_not_taken_for_volumes(tmp_path):
    aretomo3(tmp_path / "a")
    pairs = volume_halves(tmp_path / "a")
    assert {one.name for one in pairs.others} == {"TS_01", "TS_02"}
    assert pairs.notes == ("Left out, as they are no volumes: TS_01_ODD.mrc, TS_02_ODD.mrc.",)
    for word in ("EVN", "ODD"):
        tilt_series(tmp_path / "b" / f"TS_{word}.mrc")
    with pytest.raises(OtherKind, match="is a tilt series by the angles in its header"):
        volume_halves(tmp_path / "b")
    warp(tmp_path / "c")
    with pytest.raises(OtherKind, match="holds a single image"):
        volume_halves(tmp_path / "c" / "warp_frameseries" / "average")


def test_one_torn_volume_stops_nobody_and_is_named(tmp_path):
    aretomo2(tmp_path, ("TS_01", "TS_02", "TS_03"))
    torn = tmp_path / "TS_02_ODD.mrc"
    torn.write_bytes(torn.read_bytes()[:-7])
    volume(tmp_path / "TS_04_EVN.mrc", -1)
    pairs = volume_halves(tmp_path)
    assert [pair.name for pair in pairs] == ["TS_01", "TS_03"]
    (problem,) = pairs.problems
    assert "TS_02_ODD.mrc is torn" in str(problem)
    assert pairs.lonely == (tmp_path / "TS_04_EVN.mrc",)
    assert any("want of their other half: TS_04_EVN.mrc" in note for note in pairs.notes)
    for path in tmp_path.glob("*_ODD.mrc"):
        path.write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"TS_01_ODD\.mrc is empty"):
        volume_halves(tmp_path)


@pytest.mark.parametrize(
    ("shape", "size", "said"),
    [((6, 8, 9), 10.0, "9 × 8 × 6 voxels, but .* is 10 × 8 × 6"), ((6, 8, 10), 12.0, "of 12 Å")],
)
def test_halves_that_do_not_fit_are_told(tmp_path, shape, size, said):
    aretomo2(tmp_path, ("TS_01",))
    write_rec(tmp_path / "TS_01_EVN.mrc", np.ones(shape, np.float32), size)
    with pytest.raises(ShapeMismatch, match=said):
        volume_halves(tmp_path)


def test_halves_that_are_called_nothing_else_are_those_of_their_folder(tmp_path):
    for name in ("TS_01", "TS_02"):
        for half, sign in (("even", -1), ("odd", 1), ("full", 3), ("clean", 3)):
            volume(tmp_path / name / f"{half}.rec", sign)
    pairs = volume_halves(tmp_path)
    assert [pair.name for pair in pairs] == ["TS_01", "TS_02"]
    assert pairs[1].full == tmp_path / "TS_02" / "full.rec"
    assert halves_beside(tmp_path / "TS_01" / "full.rec") is not None


def test_a_list_tells_the_voxel_size_where_the_header_does_not_know(tmp_path):
    for size, expected in ((0.0, 10), (12.0, 12)):
        for make in (relion, isonet2):
            folder = tmp_path / f"{make.__name__}{size}"
            (pair,) = volume_halves(make(folder, ("TS_01",), voxel_size=size))
            assert pair.opened()[0].voxel_size_angstrom == expected
            assert pair.opened(7)[1].voxel_size_angstrom == 7


def test_isonets_list_may_lack_the_whole(tmp_path):
    assert [pair.full for pair in volume_halves(isonet2(tmp_path, whole=False))] == [None, None]
    assert [pair.name for pair in volume_halves(tmp_path / "isonet.star")] == ["TS_01", "TS_02"]


def test_cryocares_settings_for_prediction_name_folders(tmp_path):
    warp(tmp_path)
    where = tmp_path / "warp_tiltseries" / "reconstruction"
    (where / "odd" / "TS_02_10.00Apx.mrc").unlink()
    settings_ = {"even": str(where / "even"), "odd": str(where / "odd"), "output": "denoised"}
    (tmp_path / "predict_config.json").write_text(json.dumps(settings_))
    pairs = volume_halves(tmp_path / "predict_config.json")
    assert [pair.name for pair in pairs] == ["TS_01_10.00Apx"]
    assert [path.name for path in pairs.lonely] == ["TS_02_10.00Apx.mrc"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.star", "data_global\nloop_\n_rlnTomoName #1\nTS_01\n", "lists no halves of tomograms"),
        ("a.star", "data_global\nloop_\n_rlnTomoName #1\nTS_01 2\n", "torn"),
        ("a.json", '{"even": ["a.mrc"], "odd": []}', 'has no "odd" and "even"'),
        ("a.json", '{"even": ["a", "b"], "odd": ["c"]}', "names 1 odd tomograms and 2 even ones"),
        ("a.json", '{"even": ["a.mrc"], "odd": ["b.mrc"]}', "b.mrc does not exist"),
        ("a.json", "[1, 2", "settings in JSON"),
    ],
)
def test_a_list_that_is_none_is_told(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableFile, match=said):
        volume_halves(tmp_path / name)


def test_a_folder_without_any_names_what_is_known(tmp_path):
    volume(tmp_path / "TS_01.rec", 1)
    with pytest.raises(UnreadableFile, match=r"no two halves of a volume.*_EVN_Vol"):
        volume_halves(tmp_path)
    with pytest.raises(UnreadableFile, match="does not exist"):
        volume_halves(tmp_path / "nowhere")


LETTERS = st.text(st.characters(codec="ascii", exclude_characters="/\\\0"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    naming=st.sampled_from(NAMINGS),
    name=st.text("abTS_-.019", min_size=1, max_size=8),
    mark=st.sampled_from("_-"),
    shout=st.booleans(),
    ending=st.sampled_from([".mrc", ".rec", ".map", ".mrc.gz", ".ome.zarr", ".tif"]),
)
def test_both_halves_have_one_name_whoever_named_them(naming, name, mark, shout, ending):
    from pathlib import Path

    found = {}
    for half, words in (("odd", naming.odd), ("even", naming.even)):
        for word in words.split("|"):
            start = "" if naming.is_all else name + mark
            file = f"{start}{word.upper() if shout else word}{naming.behind}{ending}"
            found[half_of(Path("folder") / file)] = half
    whole = "folder" if naming.is_all else name + naming.behind
    assert found == {(whole, "odd"): "odd", (whole, "even"): "even"}


JSON = st.recursive(
    LETTERS | st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["even", "odd", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None)
@given(text=st.text("ab_/ \t\n#\"'{[0é\0", max_size=60), json_=JSON)
def test_no_list_ends_in_a_traceback(tmp_path_factory, text, json_):
    folder = tmp_path_factory.getbasetemp()
    head = "data_global\nloop_\n_rlnTomoReconstructedTomogramHalf1\n_rlnTomoName\n"
    for name, content in (
        ("a.star", text),
        ("b.star", f"{head}_rlnTomoReconstructedTomogramHalf2\n{text}"),
        ("a.json", json.dumps(json_)),
        ("b.json", text),
    ):
        (folder / name).write_text(content, encoding="utf-8")
        with pytest.raises(N2NError):
            volume_halves(folder / name)


def test_what_lies_beside_a_volume_is_told(tmp_path):
    aretomo3(tmp_path / "a", ("TS_01",))
    whole = tmp_path / "a" / "TS_01_Vol.mrc"
    assert halves_beside(whole).odd.name == "TS_01_ODD_Vol.mrc"
    assert volume_facts(whole) == (
        "Its halves lie beside it: TS_01_ODD_Vol.mrc and TS_01_EVN_Vol.mrc.",
    )
    assert volume_facts(tmp_path / "a" / "TS_01_EVN_Vol.mrc") == (
        "By its name it is an even half; the odd one is TS_01_ODD_Vol.mrc.",
    )
    (tmp_path / "a" / "TS_01_ODD_Vol.mrc").unlink()
    assert "its odd half is not beside it" in volume_facts(tmp_path / "a" / "TS_01_EVN_Vol.mrc")[0]
    warp(tmp_path / "b", ("TS_01",))
    where = tmp_path / "b" / "warp_tiltseries" / "reconstruction"
    assert volume_facts(where / "TS_01_10.00Apx.mrc") == (
        "Its halves lie beside it: odd/TS_01_10.00Apx.mrc and even/TS_01_10.00Apx.mrc.",
    )
    assert "the even one is even/" in volume_facts(where / "odd" / "TS_01_10.00Apx.mrc")[0]


def test_micrographs_and_volumes_are_told_by_one_table(tmp_path):
    """What pairs files for training in two dimensions knows the names of tomograms."""
    imod(tmp_path)
    cryocare(tmp_path)
    assert [pair.name for pair in find_halves(tmp_path / "TS_01")] == ["TS_01_rec"]
    assert [pair.name for pair in find_halves(tmp_path / "recs")] == ["TS_01", "TS_02"]
