"""What is written has what its input's header said, and is there whole or not at all."""

from __future__ import annotations

import errno
import os

import mrcfile
import numpy as np
import pytest

from napari_n2n.errors import BadPixels, WriteProblem
from napari_n2n.io import VolumeWriter, open_volume, overwriting, write_volume
from napari_n2n.io.outputs import DENOISED, made_by_us

from .making import EXTENDED, write_rec


def header_of(path):
    with mrcfile.open(path, header_only=True, permissive=True) as file:
        return file.header.copy(), bytes(file.extended_header)


def test_everything_in_the_header_but_what_tells_of_the_voxels_survives(tmp_path, rec, voxels):
    with mrcfile.open(rec, mode="r+") as file:
        file.header.nxstart, file.header.nzstart = -3, 7
        file.header.exttyp = b"SERI"
        file.header.extra2 = bytes(range(84))[: file.header.extra2.nbytes]
    volume = open_volume(rec)
    write_volume(tmp_path / "out.mrc", (volume[z] * 2 for z in range(9)), like=volume,
                 labels=[DENOISED])  # fmt: skip
    (before, theirs), (after, ours) = header_of(rec), header_of(tmp_path / "out.mrc")
    assert ours == theirs == EXTENDED
    names = set(before.dtype.names) - {"label"}
    changed = {name for name in names if before[name].tobytes() != after[name].tobytes()}
    assert changed <= {"dmin", "dmax", "dmean", "rms", "nlabl"}
    labels = [bytes(label).decode().split("  ")[0].rstrip("\0") for label in after.label]
    assert labels[1:5] == [
        "SerialEM: K3",
        "TILT: Tomographic reconstruction",
        DENOISED,
        "Created by napari-n2n",
    ]
    assert made_by_us(tmp_path / "out.mrc")
    with mrcfile.open(tmp_path / "out.mrc", permissive=True) as file:
        np.testing.assert_array_equal(file.data, voxels * 2)
        np.testing.assert_allclose(
            [after.dmin, after.dmax, after.dmean, after.rms],
            [file.data.min(), file.data.max(), file.data.mean(), file.data.std()],
            rtol=1e-5,
        )


def test_a_volume_of_another_shape_keeps_origin_and_labels(tmp_path, rec, voxels):
    volume = open_volume(rec)
    write_volume(tmp_path / "half.mrc", voxels[:4, :7, :10], like=volume, voxel_size_angstrom=26.96)
    after, extended = header_of(tmp_path / "half.mrc")
    assert extended == b""  # which tells of sections that are no more
    half = open_volume(tmp_path / "half.mrc")
    assert (half.shape, half.voxel_size_angstrom) == ((4, 7, 10), pytest.approx(26.96))
    assert half.origin_angstrom == volume.origin_angstrom
    assert half.labels[:3] == volume.labels
    assert after.mz == 4


def test_a_volume_made_of_nothing_is_valid_by_mrcfile(tmp_path, voxels):
    write_volume(tmp_path / "new.mrc", voxels, voxel_size_angstrom=7.5)
    assert mrcfile.validate(tmp_path / "new.mrc")
    with mrcfile.open(tmp_path / "new.mrc") as file:
        assert file.is_volume()
        assert file.voxel_size.z == file.voxel_size.x == 7.5
    write_volume(tmp_path / "unknown.mrc", voxels)
    assert open_volume(tmp_path / "unknown.mrc").voxel_size_angstrom is None


@pytest.mark.parametrize(
    ("dtype", "mode"), [("float32", 2), ("float16", 12), ("int16", 1), ("uint16", 6), ("int8", 0)]
)
def test_every_type_comes_back(tmp_path, rec, dtype, mode):
    values = np.arange(9 * 14 * 21).reshape(9, 14, 21) % 100 + 0.25
    write_volume(tmp_path / "a.mrc", values, like=open_volume(rec), dtype=dtype)
    stored = open_volume(tmp_path / "a.mrc")
    assert stored.dtype == dtype
    np.testing.assert_allclose(stored[:], values if "f" in dtype else np.rint(values), rtol=1e-3)
    assert header_of(tmp_path / "a.mrc")[0].mode == mode


def test_the_eleventh_label_pushes_out_the_second_and_ours_stands_once(tmp_path, voxels):
    labels = [f"label {number}" for number in range(9)]  # behind mrcfile's own
    volume = open_volume(write_rec(tmp_path / "a.mrc", voxels, labels=labels))
    for name in ("b.mrc", "c.mrc"):
        write_volume(tmp_path / name, voxels, like=volume, labels=[DENOISED])
        volume = open_volume(tmp_path / name)
        told = [label.split("  ")[0] for label in volume.labels]
        assert told[0].startswith("Created by mrcfile")
        assert told[-2:] == [DENOISED, "Created by napari-n2n"]
        assert [label for label in told if label.startswith("label")] == labels[2:]


def test_slabs_of_any_height_make_one_volume(tmp_path, voxels):
    for name in ("a.mrc", "a.zarr"):
        with VolumeWriter(tmp_path / name, shape=voxels.shape, voxel_size_angstrom=5) as writer:
            for slab in (voxels[:2], voxels[2], voxels[3:3], voxels[3:]):
                writer.write(slab)
        np.testing.assert_array_equal(open_volume(tmp_path / name)[:], voxels)


@pytest.mark.parametrize("name", ["a.mrc", "a.zarr"])
def test_what_fails_leaves_what_was_there(tmp_path, voxels, name, monkeypatch):
    path = tmp_path / name
    write_volume(path, voxels, voxel_size_angstrom=5)
    there = sorted(one.name for one in tmp_path.iterdir())

    def untouched():
        np.testing.assert_array_equal(open_volume(path)[:], voxels)
        assert sorted(one.name for one in tmp_path.iterdir()) == there

    def broken():
        yield voxels[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_volume(path, broken(), shape=voxels.shape)
    untouched()
    with pytest.raises(ValueError, match=r"Of 9 sections of a\.\w+ 8 were written"):
        write_volume(path, iter(voxels[:8]), shape=voxels.shape)
    untouched()
    with pytest.raises(ValueError, match="cannot go on"):
        write_volume(path, [voxels, voxels], shape=voxels.shape)
    untouched()
    for value, said in ((np.inf, "NaN or infinite voxels"), (1e30, "beyond float16")):
        with pytest.raises(BadPixels, match=f"section 1 .*{said}|section 1 are {said}"):
            write_volume(path, np.full_like(voxels, value), dtype="float16")
        untouched()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteProblem, match="No space left"):
        write_volume(path, voxels * 2)
    untouched()


@pytest.mark.parametrize("name", ["a.mrc", "a.zarr"])
def test_neither_inputs_nor_what_others_made_are_replaced(tmp_path, voxels, name):
    path = tmp_path / name
    write_volume(path, voxels, voxel_size_angstrom=5)
    volume = open_volume(path)
    with pytest.raises(WriteProblem, match="is the input itself"):
        write_volume(path, voxels, like=volume)
    write_volume(path, voxels + 1)  # ours
    if path.is_dir():
        (path / ".zattrs").write_text((path / ".zattrs").read_text().replace("napari-n2n", "them"))
    else:
        write_rec(path, voxels)
    with pytest.raises(WriteProblem, match="was not made by napari-n2n"):
        write_volume(path, voxels)
    with overwriting():
        write_volume(path, voxels + 2)
    np.testing.assert_array_equal(open_volume(path)[:], voxels + 2)


def test_a_folder_of_files_is_no_place_for_a_volume(tmp_path, voxels):
    for name in ("a.mrc", "a.zarr"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").write_text("x")
        with overwriting(), pytest.raises(WriteProblem, match="is a folder"):
            write_volume(tmp_path / name, voxels)
        assert (tmp_path / name / "precious").is_file()


def test_a_placeholder_of_a_voxel_size_stays_one(tmp_path, voxels):
    volume = open_volume(write_rec(tmp_path / "a.mrc", voxels, 1.0, labels=["cryoCARE  1-Jan-26"]))
    assert any("1 Å/px" in note for note in volume.notes)
    write_volume(tmp_path / "b.mrc", voxels, like=volume)
    assert any("1 Å/px" in note for note in open_volume(tmp_path / "b.mrc").notes)
