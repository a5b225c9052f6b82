"""OME-Zarr is read as copick, the CryoET Data Portal and others write it, and written for them."""

from __future__ import annotations

import json
import pickle
import shutil
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.errors import BadValue, N2NError, UnreadableFile
from napari_n2n.io import (
    Volume,
    expand_inputs,
    files_in,
    inspect_file,
    open_image,
    open_volume,
    overwriting,
    write_volume,
)

QUICK = settings(max_examples=25, deadline=None)


def write_theirs(
    path, levels, *, version="0.4", unit="angstrom", scale=10.0, axes="zyx", shards=None
):
    """Write levels of a volume as other programs do, halved from one to the next."""
    older = version == "0.4"
    group = zarr.open_group(path, mode="w", zarr_format=2 if older else 3)
    datasets = []
    for number, level in enumerate(levels):
        extra = {"shards": shards} if shards else {}
        array = group.create_array(
            f"s{number}", shape=level.shape, chunks=(*(1,) * (level.ndim - 3), 4, 8, 8),
            dtype=level.dtype, **extra,
        )  # fmt: skip
        array[...] = level
        sizes = [1.0] * (level.ndim - 3) + [scale * 2**number] * 3
        transformations = [{"type": "scale", "scale": sizes}]
        datasets.append({"path": f"s{number}", "coordinateTransformations": transformations})
    units = {} if unit is None else {"unit": unit}
    kinds = {"t": "time", "c": "channel"}
    described = [
        {"name": axis, "type": kinds.get(axis, "space"), **(units if axis in "zyx" else {})}
        for axis in axes
    ]
    image = {"version": version, "axes": described, "datasets": datasets}
    whole = {"multiscales": [image]}
    group.attrs.update(whole if older else {"ome": {"version": version, **whole}})
    return path


@pytest.mark.parametrize(
    ("version", "shards"), [("0.4", None), ("0.5", None), ("0.5", (8, 16, 24))]
)
def test_every_level_is_read_with_its_voxel_size(tmp_path, voxels, version, shards):
    levels = [voxels, voxels[::2, ::2, ::2]]
    path = write_theirs(tmp_path / "TS.zarr", levels, version=version, shards=shards)
    volume = open_volume(path)
    assert (volume.shape, volume.voxel_size_angstrom) == (voxels.shape, 10)
    assert volume.level_sizes_angstrom == (10, 20)
    assert volume.format == f"OME-Zarr {version}"
    assert not volume.notes
    for number in (1, -1):
        coarse = open_volume(path, number)
        assert coarse.voxel_size_angstrom == 20
        np.testing.assert_array_equal(coarse[:], levels[1])
    with pytest.raises(BadValue, match="has 2 levels"):
        open_volume(path, 2)


def test_it_is_a_file_to_people(tmp_path, voxels):
    path = write_theirs(tmp_path / "TS_01.ome.zarr", [voxels])
    assert type(open_image(path)) is Volume
    assert inspect_file(path).kind == "volume"
    assert expand_inputs(path) == [path]
    assert files_in(tmp_path) == expand_inputs(tmp_path) == [path]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(open_volume(path)))[3], voxels[3])


@pytest.mark.parametrize(
    ("unit", "scale", "size", "said"),
    [
        ("nanometer", 1.0, 10, None),
        ("micrometer", 0.001, 10, None),
        (None, 10.0, 10, "names no unit"),
        (None, 1.0, None, "gives no pixel size"),
        ("parsec", 1.0, None, "gives no pixel size"),
        ("meter", 1.0, None, "cannot be right"),
    ],
)
def test_lengths_have_units(tmp_path, voxels, unit, scale, size, said):
    volume = open_volume(write_theirs(tmp_path / "a.zarr", [voxels], unit=unit, scale=scale))
    assert volume.voxel_size_angstrom == (None if size is None else pytest.approx(size))
    assert all(said in note for note in volume.notes) if said else not volume.notes
    assert open_volume(volume.path, voxel_size_angstrom=7).notes == ()


def test_one_channel_and_one_time_do_no_harm_and_several_are_refused(tmp_path, voxels):
    path = write_theirs(tmp_path / "a.zarr", [voxels[None, None]], axes="tczyx")
    np.testing.assert_array_equal(open_volume(path)[2:4], voxels[2:4])
    path = write_theirs(tmp_path / "b.zarr", [np.stack([voxels, voxels])], axes="czyx")
    with pytest.raises(UnreadableFile, match=r"shape \(2, 9, 14, 21\), and not one volume"):
        open_volume(path)
    path = write_theirs(tmp_path / "c.zarr", [voxels], axes="xyz")
    with pytest.raises(UnreadableFile, match="has the axes x, y, z"):
        open_volume(path)


def test_what_is_written_reads_back_with_means_for_coarser_levels(tmp_path):
    rng = np.random.default_rng(1)
    voxels = rng.normal(100, 10, (34, 140, 261)).astype(np.float32)
    write_volume(tmp_path / "a.zarr", voxels, voxel_size_angstrom=12.5)
    fine, middle, coarse = (open_volume(tmp_path / "a.zarr", level) for level in range(3))
    assert [one.shape for one in (middle, coarse)] == [(17, 70, 131), (9, 35, 66)]
    assert fine.level_sizes_angstrom == (12.5, 25, 50)
    assert not fine.notes
    np.testing.assert_array_equal(fine[30:], voxels[30:])
    blocks = voxels[:, :, :260].reshape(17, 2, 70, 2, 130, 2)
    np.testing.assert_allclose(middle[:, :, :130], blocks.mean((1, 3, 5)), rtol=1e-5)
    np.testing.assert_allclose(middle[0, 0, 130], voxels[:2, :2, 260].mean(), rtol=1e-5)
    # A mean of 2³ voxels lies in the middle of them.
    assert middle.origin_angstrom == (6.25,) * 3
    assert coarse.origin_angstrom == (18.75,) * 3


def test_what_is_written_is_what_copick_and_the_data_portal_read(tmp_path, voxels, rec):
    """Copick reads Zarr 2 groups: ``multiscales`` in ``.zattrs``, the volume at ``0``."""
    write_volume(tmp_path / "a.zarr", voxels, like=open_volume(rec))
    told = json.loads((tmp_path / "a.zarr" / ".zattrs").read_text())["multiscales"][0]
    assert told["version"] == "0.4"
    assert [(axis["name"], axis["unit"]) for axis in told["axes"]] == [
        (axis, "angstrom") for axis in "zyx"
    ]
    (first, *_) = told["datasets"]
    assert first["path"] == "0"
    assert first["coordinateTransformations"][0]["scale"] == pytest.approx([13.48] * 3)
    assert json.loads((tmp_path / "a.zarr" / "0" / ".zarray").read_text())["zarr_format"] == 2
    assert open_volume(tmp_path / "a.zarr").origin_angstrom == pytest.approx((-70, 0.5, 1200))


def test_an_unknown_voxel_size_stays_unknown(tmp_path, voxels):
    write_volume(tmp_path / "a.zarr", voxels)
    assert open_volume(tmp_path / "a.zarr").voxel_size_angstrom is None


def test_zeros_are_written_so_that_a_missing_chunk_is_told(tmp_path):
    voxels = np.zeros((40, 20, 20), np.float32)
    write_volume(tmp_path / "a.zarr", voxels, voxel_size_angstrom=10)
    assert not open_volume(tmp_path / "a.zarr").notes
    (tmp_path / "a.zarr" / "0" / "1" / "0" / "0").unlink()
    (note,) = open_volume(tmp_path / "a.zarr").notes
    assert "Of its 2 chunks 1 are missing" in note


def test_a_damaged_chunk_is_told_where_it_is_used(tmp_path, voxels):
    write_volume(tmp_path / "a.zarr", voxels, voxel_size_angstrom=10)
    chunk = tmp_path / "a.zarr" / "0" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:40])
    with pytest.raises(UnreadableFile, match=r"a\.zarr is damaged"):
        open_volume(tmp_path / "a.zarr")[3]


def test_a_pickle_within_is_never_opened(tmp_path, voxels):
    """A filter of Zarr 2 that would run any program."""
    path = write_theirs(tmp_path / "a.zarr", [voxels])
    described = json.loads((path / "s0" / ".zarray").read_text())
    described["filters"] = [{"id": "pickle", "protocol": 5}]
    (path / "s0" / ".zarray").write_text(json.dumps(described))
    with pytest.raises(UnreadableFile, match="holds Python pickles"):
        open_volume(path)


def test_other_folders_of_zarr_are_refused_in_a_sentence(tmp_path, voxels):
    zarr.save_array(tmp_path / "array.zarr", voxels)
    zarr.open_group(tmp_path / "group.zarr", mode="w")
    for name in ("array", "group"):
        with pytest.raises(UnreadableFile, match="is a Zarr folder, but no OME-Zarr image"):
            open_image(tmp_path / f"{name}.zarr")
    absurd = write_theirs(tmp_path / "absurd.zarr", [voxels])
    described = json.loads((absurd / "s0" / ".zarray").read_text())
    described["shape"] = described["chunks"] = [10**6, 10**6, 10**6]
    (absurd / "s0" / ".zarray").write_text(json.dumps(described))
    with pytest.raises(UnreadableFile, match="absurd"):
        open_volume(absurd)


@pytest.fixture(scope="module")
def sound(tmp_path_factory, voxels):
    folder = tmp_path_factory.mktemp("sound")
    write_theirs(folder / "older.zarr", [voxels, voxels[::2, ::2, ::2]])
    write_theirs(folder / "newer.zarr", [voxels], version="0.5")
    return folder


DESCRIPTIONS = [
    ("older.zarr", ".zattrs"),
    ("older.zarr", "s0/.zarray"),
    ("newer.zarr", "zarr.json"),
    ("newer.zarr", "s0/zarr.json"),
]


@QUICK
@given(data=st.data())
def test_whatever_becomes_of_a_description_is_told_or_harmless(sound, tmp_path_factory, data):
    name, part = data.draw(st.sampled_from(DESCRIPTIONS))
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copytree(sound / name, folder / name)
    text = bytearray((folder / name / part).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(text) - 1), min_size=1, max_size=4)):
        text[place] = data.draw(st.sampled_from(b'0129"[]{},:nz\x00\xff- '))
    (folder / name / part).write_bytes(text[: data.draw(st.integers(0, len(text)))] or text)
    with suppress(N2NError):
        volume = open_volume(folder / name)
        assert volume[0].shape == volume.shape[1:]
    shutil.rmtree(folder)


@QUICK
@given(
    shape=st.tuples(*[st.integers(2, 12)] * 3),
    size=st.one_of(st.none(), st.floats(0.5, 50)),
    dtype=st.sampled_from(["float32", "float16", "int16", "uint8"]),
    cuts=st.lists(st.integers(0, 12), max_size=3),
)
def test_any_volume_comes_back(tmp_path_factory, shape, size, dtype, cuts):
    voxels = (np.arange(np.prod(shape)) % 200).reshape(shape)
    path = tmp_path_factory.getbasetemp() / "any.zarr"
    places = [0, *sorted(min(cut, shape[0]) for cut in cuts), shape[0]]
    slabs = [voxels[a:b] for a, b in pairwise(places)]
    with overwriting():
        write_volume(path, slabs, shape=shape, voxel_size_angstrom=size, dtype=dtype)
    volume = open_volume(path)
    assert (volume.dtype, volume.voxel_size_angstrom) == (dtype, size)
    np.testing.assert_array_equal(volume[:], voxels)
