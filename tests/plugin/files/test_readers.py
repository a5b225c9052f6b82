import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_micrograph, write_mrc_stack, write_tiff_stack, write_volume
from napari_n2n.plugin.files.readers import get_reader, read
from napari_n2n.plugin.shared.layers import memory_in, memory_of
from napari_n2n.simulation.eer_encoding import encode_eer


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def movie(tmp_path, rng):
    path = tmp_path / "movie.mrcs"
    frames = rng.poisson(1, (5, 48, 64)).astype(np.uint8)
    frames[0, 3, 3] = 250  # a hot pixel
    write_mrc_stack(path, iter(frames), 1.5)
    return path, frames


def test_a_movie_is_one_lazy_calibrated_layer(make_napari_viewer, movie):
    path, frames = movie
    viewer = make_napari_viewer()
    viewer.open(str(path), plugin="napari-n2n")
    (layer,) = viewer.layers
    assert isinstance(layer.data, da.Array)
    assert layer.data.chunksize == (1, 48, 64)
    np.testing.assert_array_equal(np.asarray(layer.data[3]), frames[3])
    assert tuple(layer.scale) == (1, 1.5, 1.5)
    assert [str(unit) for unit in layer.units] == ["pixel", "angstrom", "angstrom"]
    assert layer.axis_labels == ("frame", "y", "x")
    # Percentiles: the hot pixel does not make everything else black.
    assert layer.contrast_limits[1] < 10
    memory = memory_of(layer)
    assert memory.pixel_size_angstrom == 1.5
    assert memory.path == path
    assert memory.dose_per_frame > 0


def test_a_micrograph_of_unknown_pixel_size_is_in_pixels_and_says_so(
    make_napari_viewer, tmp_path, rng, told
):
    write_micrograph(tmp_path / "a.mrc", rng.normal(size=(40, 50)).astype(np.float32), None)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.mrc"), plugin="napari-n2n")
    assert tuple(viewer.layers[0].scale) == (1, 1)
    assert str(viewer.layers[0].units[0]) == "pixel"
    assert any("pixel size is unknown" in message for message in told)


def test_a_folder_of_halves_becomes_two_stacks_in_one_order(make_napari_viewer, tmp_path, rng):
    folder = tmp_path / "halves"
    folder.mkdir()
    for i in range(3):
        for which, offset in (("ODD", 0), ("EVN", 10)):
            pixels = rng.normal(i + offset, 0.1, (40, 40)).astype(np.float32)
            write_micrograph(folder / f"m{i}_{which}.mrc", pixels, 2.0)
    viewer = make_napari_viewer()
    viewer.open(str(folder), plugin="napari-n2n")
    odd, even = (viewer.layers[f"halves {kind}"] for kind in ("odd", "even"))
    means = [[float(np.asarray(layer.data[i]).mean()) for i in range(3)] for layer in (odd, even)]
    np.testing.assert_allclose(means, [[0, 1, 2], [10, 11, 12]], atol=0.05)
    assert tuple(odd.scale) == (1, 2, 2)


def test_a_bad_file_is_told_in_a_sentence_and_the_others_open(
    make_napari_viewer, tmp_path, movie, told
):
    bad = tmp_path / "torn.mrc"
    bad.write_bytes(b"not an MRC at all")
    viewer = make_napari_viewer()
    for path in (bad, movie[0]):
        viewer.open(str(path), plugin="napari-n2n")
    assert [layer.name for layer in viewer.layers] == ["movie"]
    sentences = [message for message in told if "torn.mrc" in message]
    assert len(sentences) == 1
    assert "Traceback" not in sentences[0]


def test_in_a_list_one_bad_file_does_not_hide_the_rest(tmp_path, movie):
    bad = tmp_path / "torn.mrc"
    bad.write_bytes(b"")
    layers = read([str(bad), str(movie[0])])
    assert [layer[1]["name"] for layer in layers] == ["movie"]


def test_without_a_window_a_bad_file_raises(tmp_path):
    bad = tmp_path / "torn.mrc"
    bad.write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"torn\.mrc"):
        read(str(bad))


def test_a_volume_has_three_lengths_and_is_no_movie(make_napari_viewer, tmp_path, rng):
    import mrcfile

    with mrcfile.new(tmp_path / "tomogram.mrc") as file:
        file.set_data(rng.normal(size=(6, 40, 50)).astype(np.float32))
        file.set_volume()
        file.voxel_size = 8.0
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "tomogram.mrc"), plugin="napari-n2n")
    (layer,) = viewer.layers
    assert tuple(layer.scale) == (8, 8, 8)
    assert layer.axis_labels == ("z", "y", "x")
    assert memory_of(layer).kind == "volume"


@pytest.mark.parametrize("name", ["TS_01.rec", "TS_01.ome.zarr"])
def test_a_tomogram_is_lazy_and_its_contrast_that_of_its_middle(
    make_napari_viewer, tmp_path, rng, name
):
    voxels = rng.normal(size=(20, 40, 50)).astype(np.float32)
    voxels[:5] *= 100  # gold or contamination above the slab
    write_volume(tmp_path / name, voxels, voxel_size_angstrom=13.5)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / name), plugin="napari-n2n")
    (layer,) = viewer.layers
    assert layer.name == "TS_01"
    assert isinstance(layer.data, da.Array)
    assert tuple(layer.scale) == (13.5, 13.5, 13.5)
    assert [str(unit) for unit in layer.units] == ["angstrom"] * 3
    assert layer.contrast_limits[1] < 5
    np.testing.assert_array_equal(np.asarray(layer.data[:, 7]), voxels[:, 7])
    assert memory_of(layer).kind == "volume"


@pytest.fixture
def halves(tmp_path, rng):
    """Two halves of a tomogram as AreTomo names them, and what is in them."""
    clean = ndimage.gaussian_filter(rng.normal(size=(24, 64, 64)), 1.5) * 5
    voxels = [(clean + rng.normal(size=clean.shape)).astype(np.float32) for _ in range(2)]
    folder = tmp_path / "AreTomo"
    folder.mkdir()
    paths = [folder / f"TS_01_{word}_Vol.mrc" for word in ("ODD", "EVN")]
    for path, one in zip(paths, voxels, strict=True):
        write_volume(path, one, voxel_size_angstrom=10)
    return paths, voxels


@pytest.mark.parametrize("given", ["both", "one", "folder", "list"])
def test_halves_of_a_tomogram_are_shown_as_one(make_napari_viewer, halves, told, given):
    (odd, even), voxels = halves
    listed = odd.parent / "tomograms.star"
    if given == "list":
        listed.write_text(
            "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoReconstructedTomogramHalf1 #2\n"
            f"_rlnTomoReconstructedTomogramHalf2 #3\nTS_01_Vol {even.name} {odd.name}\n"
        )
    wanted = {"both": [odd, even], "one": [even], "folder": [odd.parent], "list": [listed]}
    viewer = make_napari_viewer()
    for path in wanted[given]:  # as napari opens what is dropped
        viewer.open(str(path), plugin="napari-n2n")
    (layer,) = viewer.layers
    assert layer.name == "TS_01_Vol"
    assert tuple(layer.scale) == (10, 10, 10)
    assert isinstance(layer.data, da.Array)
    mean = (voxels[0] + voxels[1]) / 2
    np.testing.assert_allclose(np.asarray(layer.data[5]), mean[5], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.asarray(layer.data[:, 7]), mean[:, 7], rtol=1e-5, atol=1e-5)
    assert [half.path for half in memory_of(layer).halves] == [odd, even]
    assert viewer.dims.current_step[0] in (11, 12)  # the middle
    assert any("one tomogram, their mean" in message for message in told)


def test_a_whole_tomogram_knows_the_halves_beside_it(halves):
    (odd, _), voxels = halves
    whole = odd.with_name("TS_01_Vol.mrc")
    write_volume(whole, voxels[0] + voxels[1], voxel_size_angstrom=10)
    ((pixels, description, _),) = read(str(whole))
    np.testing.assert_allclose(np.asarray(pixels[3]), voxels[0][3] + voxels[1][3], rtol=1e-5)
    memory = memory_in(description["metadata"])
    assert memory.path == whole
    assert len(memory.halves) == 2


def test_a_half_whose_other_half_is_torn_opens_alone_and_says_so(halves):
    (odd, even), voxels = halves
    even.write_bytes(even.read_bytes()[:5000])
    ((pixels, description, _),) = read(str(odd))
    np.testing.assert_array_equal(np.asarray(pixels[3]), voxels[0][3])
    memory = memory_in(description["metadata"])
    assert memory.halves is None
    assert any(even.name in note for note in memory.notes)


def test_a_folder_of_zarr_that_is_no_image_is_told(tmp_path):
    import zarr

    zarr.open_group(tmp_path / "labels.zarr", mode="w")
    with pytest.raises(UnreadableFile, match="no OME-Zarr image"):
        read(str(tmp_path / "labels.zarr"))


def test_a_folder_of_photographs_is_not_opened_in_silence(tmp_path, rng):
    from PIL import Image

    for i in range(2):
        pixels = rng.integers(0, 255, (20, 20, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    with pytest.raises(UnreadableFile, match="photographs only"):
        read(str(tmp_path))


def test_what_is_not_ours_is_left_to_others(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    assert get_reader(str(other)) is None


@pytest.mark.parametrize("name", ["movie.tif", "movie.eer", "movie.mrc", "movie"])
def test_a_movie_is_sniffed_once_and_opened_for_its_header_and_a_frame(
    tmp_path, rng, openings, name
):
    path = tmp_path / name
    frames = rng.poisson(1, (6, 48, 64)).astype(np.uint8)
    if path.suffix == ".eer":
        encode_eer(frames, path, pixel_size_angstrom=1.0, dose_per_frame=0.5)
    elif path.suffix == ".mrc":
        write_mrc_stack(path, frames, 1.0)
    else:
        write_tiff_stack(path, frames, 1.0, compression="lzw")
    openings.opened.clear()
    layers = get_reader(str(path))(str(path))
    assert layers[0][1]["metadata"]["napari_n2n"].dose_per_frame > 0
    # A few frames are looked at, to tell that it is a movie; EER are nothing else.
    assert openings.of(path) == ((1, 2) if path.suffix == ".eer" else (1, 7))


def test_a_folder_is_opened_file_by_file_once(tmp_path, rng, openings):
    paths = [tmp_path / f"{i}.mrc" for i in range(3)]
    for path in paths:
        write_micrograph(path, rng.normal(size=(40, 40)).astype(np.float32), 2.0)
    openings.opened.clear()
    ((stack, _, _),) = read(str(tmp_path))
    np.asarray(stack[1])
    # The first is read for the contrast.
    assert [openings.of(path) for path in paths] == [(1, 2), (1, 2), (1, 1)]


def test_a_torn_tiff_is_ours_and_told(tmp_path, rng):
    path = tmp_path / "movie.tif"
    write_tiff_stack(path, rng.poisson(1, (6, 48, 64)).astype(np.uint8), 1.0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(UnreadableFile, match="torn"):
        get_reader(str(path))(str(path))


def test_opening_a_file_does_not_import_torch(movie):
    code = (
        "import sys; from napari_n2n.plugin.files.readers import get_reader;"
        f"layers = get_reader({str(movie[0])!r})({str(movie[0])!r});"
        "assert len(layers) == 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
