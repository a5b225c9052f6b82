"""A volume is sliced from the disk as an array is, and needs the memory of what is sliced."""

from __future__ import annotations

import pickle
import subprocess
import sys

import mrcfile
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from napari_n2n.errors import BadPixels, BadValue, UnreadableFile
from napari_n2n.io import (
    OtherKind,
    Volume,
    open_image,
    open_volume,
    overwriting,
    write_mrc_stack,
    write_volume,
)

from .making import write_rec

QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, voxels):
    """Store the same volume in every way there is; by names."""
    folder = tmp_path_factory.mktemp("stored")
    import gzip

    write_rec(folder / "a.mrc", voxels)
    (folder / "a.mrc.gz").write_bytes(gzip.compress((folder / "a.mrc").read_bytes()))
    for name, dtype in (("int16", "i2"), ("uint16", "u2"), ("float16", "f2")):
        write_rec(folder / f"{name}.map", voxels.astype(dtype))
    write_mrc_stack(folder / "stack.st", voxels, 10.0)  # space group 0
    tifffile.imwrite(folder / "a.tif", voxels, photometric="minisblack")
    write_volume(folder / "a.zarr", voxels, voxel_size_angstrom=10.0)
    return {
        path.name: open_volume(path) for path in sorted(folder.iterdir()) if path.name[0] != "."
    }


@QUICK
@given(data=st.data())
def test_slices_are_those_of_the_array(stored, voxels, data):
    name = data.draw(st.sampled_from(sorted(stored)))
    volume = stored[name]
    index = data.draw(basic_indices(voxels.shape, allow_newaxis=False))
    expected = voxels.astype(np.float16) if name == "float16.map" else voxels
    result = volume[index]
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected[index])


def test_every_mode_is_told_as_it_is_stored(stored, tmp_path):
    assert {name: str(volume.dtype) for name, volume in stored.items()} == {
        "a.mrc": "float32",
        "a.mrc.gz": "float32",
        "a.tif": "float32",
        "a.zarr": "float32",
        "float16.map": "float16",
        "int16.map": "int16",
        "stack.st": "float32",
        "uint16.map": "uint16",
    }
    signed = write_rec(tmp_path / "a.rec", np.arange(-60, 60, dtype=np.int8).reshape(4, 5, 6))
    np.testing.assert_array_equal(open_volume(signed)[1, 0], np.arange(-30, -24))


def test_what_is_not_there_is_an_index_error(stored):
    volume = stored["a.mrc"]
    for index in (9, (0, 14), (0, 0, -22), (0, 0, 0, 0)):
        with pytest.raises(IndexError):
            volume[index]


def test_what_the_header_says_is_told(rec):
    volume = open_volume(rec)
    assert isinstance(volume, Volume)
    assert volume.shape == (9, 14, 21)
    assert volume.voxel_size_angstrom == pytest.approx(13.48)
    assert volume.origin_angstrom == pytest.approx((-70, 0.5, 1200))
    assert [label.split(":")[0] for label in volume.labels[1:]] == ["SerialEM", "TILT"]
    assert volume.level_sizes_angstrom == (volume.voxel_size_angstrom,)
    assert volume.why == "its header: IMOD reconstructed it"
    assert type(open_image(rec)) is Volume


def test_a_voxel_size_that_is_given_wins(rec):
    assert open_volume(rec, voxel_size_angstrom=8).voxel_size_angstrom == 8
    with pytest.raises(BadValue, match="cannot be right"):
        open_volume(rec, voxel_size_angstrom=1e6)
    with pytest.raises(BadValue, match="one level"):
        open_volume(rec, 3)


@pytest.mark.parametrize(("height", "is_told"), [(10.0, False), (10.05, False), (12.0, True)])
def test_sections_that_are_not_as_far_apart_as_voxels_are_wide(tmp_path, voxels, height, is_told):
    volume = open_volume(write_rec(tmp_path / "a.mrc", voxels, (10.0, 10.0, height)))
    assert volume.voxel_size_angstrom == 10
    assert [note for note in volume.notes if "12 Å apart" in note] == list(volume.notes)
    assert bool(volume.notes) == is_told
    assert not open_volume(volume.path, voxel_size_angstrom=10.0).notes


def test_a_plane_along_z_and_the_lazy_layer_are_the_same(stored, voxels):
    for name in ("a.mrc", "int16.map", "a.zarr"):
        lazy = stored[name].as_dask()
        assert lazy.dtype == np.float32
        np.testing.assert_array_equal(lazy[:, 3].compute(), voxels[:, 3])
        np.testing.assert_array_equal(lazy[2].compute(), voxels[2])


def test_a_volume_travels_to_another_process(stored, voxels):
    for volume in stored.values():
        again = pickle.loads(pickle.dumps(volume))
        np.testing.assert_array_equal(again[3, :2], volume[3, :2])


def test_voxels_that_are_no_numbers_are_told_where_they_are_used(tmp_path, voxels):
    bad = voxels.copy()
    bad[4, 5, 6] = np.nan
    write_mrc_stack(tmp_path / "a.mrc", bad, 10.0)
    volume = open_volume(tmp_path / "a.mrc")
    np.testing.assert_array_equal(volume[:4], voxels[:4])
    with pytest.raises(BadPixels, match=r"a\.mrc has 1 NaN .* in section 5"):
        volume[4]
    with pytest.raises(BadPixels, match="in sections 3 to 6"):
        volume[2:6, 5:, 6:]


def test_a_file_that_is_cut_after_it_was_opened_is_told(rec):
    volume = open_volume(rec)
    data = rec.read_bytes()
    rec.write_bytes(data[:-100])
    with pytest.raises(UnreadableFile, match="became shorter since it was opened"):
        volume[5:, 10:, :3]
    with pytest.raises(UnreadableFile, match="is torn"):
        open_volume(rec)


def test_what_is_no_volume_is_refused_in_a_sentence(tmp_path, voxels):
    rec = write_rec(tmp_path / "TS.mrc", voxels)
    (tmp_path / "TS.mrc.mdoc").write_text(
        "".join(f"[ZValue = {z}]\nTiltAngle = {3 * z}\n" for z in range(9))
    )
    with pytest.raises(OtherKind, match=r"a tilt series by TS\.mrc\.mdoc.*Reconstruct it"):
        open_volume(rec)
    assert open_volume(rec, kind="volume").why == "what was said of it"
    write_mrc_stack(tmp_path / "one.mrc", voxels[:1], 1.0)
    with pytest.raises(OtherKind, match="holds a single image"):
        open_volume(tmp_path / "one.mrc")
    (tmp_path / "eman.hdf").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000))
    with pytest.raises(UnreadableFile, match=r"is an HDF5 file.*e2proc3d\.py"):
        open_volume(tmp_path / "eman.hdf")
    for missing in (tmp_path / "none.rec", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(UnreadableFile):
            open_volume(missing)


def test_a_reconstruction_beside_the_mdoc_of_its_tilt_series_is_a_volume(tmp_path, voxels):
    labels = ["    Tilt axis angle = 85.3, binning = 1", "TILT: Tomographic reconstruction"]
    rec = write_rec(tmp_path / "TS.rec", voxels, labels=labels)
    (tmp_path / "TS.mdoc").write_text(
        "".join(f"[ZValue = {z}]\nTiltAngle = {3 * z}\n" for z in range(41))
    )
    assert type(open_image(rec)) is Volume
    series = write_rec(tmp_path / "TS.st", voxels, labels=labels[:1])
    with pytest.raises(OtherKind, match="tilt series by its header's label"):
        open_volume(series)


def test_forty_gigabytes_open_in_the_memory_of_a_slice(tmp_path):
    """The file is sparse: its disk holds a header and a hole."""
    code = f"""
import resource, sys
import numpy as np
from napari_n2n.io import open_volume
from napari_n2n.io.volumes.mrc_writing import MrcTemplate
shape = (600, 4096, 4096)
head = MrcTemplate.of(shape, np.dtype("f4"), None, 10.0, ()).header((0, 0, 0, 0))
with open({str(tmp_path / "big.rec")!r}, "wb") as file:
    file.write(head)
    file.truncate(1024 + 4 * 600 * 4096**2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
volume = open_volume(file.name)
assert volume[300, :, :512].shape == (4096, 512)
assert volume[100:148, 2000:2048, 2000:2048].shape == (48, 48, 48)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    section_mb = 64
    assert float(done.stdout) < 2.5 * section_mb


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(2, 9)] * 3),
    size=st.floats(0.5, 50),
    order=st.sampled_from("<>"),
    dtype=st.sampled_from(["i1", "i2", "u2", "f2", "f4"]),
    space_group=st.sampled_from([0, 1]),
    extended=st.integers(0, 300),
    data=st.data(),
)
def test_what_others_may_write_is_read(
    tmp_path_factory, shape, size, order, dtype, space_group, extended, data
):
    """Either byte order, space group 0 or 1, any mode, with an extended header of any length."""
    path = tmp_path_factory.getbasetemp() / "theirs.mrc"
    z, y, x = shape
    values = np.arange(z * y * x).reshape(shape) % 100
    head = np.zeros(1, mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
    head["nx"], head["ny"], head["nz"] = head["mx"], head["my"], head["mz"] = x, y, z
    head["mode"] = {"i1": 0, "i2": 1, "u2": 6, "f2": 12, "f4": 2}[dtype]
    head["cella"] = (x * size, y * size, z * size)
    head["map"], head["ispg"], head["nsymbt"] = b"MAP ", space_group, extended
    head["machst"] = [0x11, 0x11, 0, 0] if order == ">" else [0x44, 0x44, 0, 0]
    path.write_bytes(head.tobytes() + bytes(extended) + values.astype(order + dtype).tobytes())
    volume = open_volume(path)
    assert volume.voxel_size_angstrom == pytest.approx(size, rel=1e-5)
    np.testing.assert_array_equal(volume[:], values)
    again = path.with_name("ours.mrc")
    with overwriting():
        write_volume(again, (volume[number] for number in range(z)), like=volume)
    ours = open_volume(again)
    np.testing.assert_array_equal(ours[:], values)
    assert ours.source.extended_header().size == extended
    assert ours.source.header.byte_order == order
    assert np.frombuffer(ours.source.head, order + "i4")[22] == space_group
