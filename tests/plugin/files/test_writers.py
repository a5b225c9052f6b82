import numpy as np
import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.io import open_movie, open_volume, read_micrograph
from napari_n2n.plugin.files.writers import write_mrc


@pytest.fixture
def pixels():
    return np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)


@pytest.mark.parametrize(
    ("unit", "scale", "angstrom"), [("angstrom", 1.25, 1.25), ("nm", 0.2, 2.0), ("pixel", 1, None)]
)
def test_a_layer_is_saved_with_the_pixel_size_it_is_shown_at(
    make_napari_viewer, tmp_path, pixels, unit, scale, angstrom
):
    viewer = make_napari_viewer()
    layer = viewer.add_image(pixels, scale=(scale, scale), units=(unit, unit))
    layer.save(str(tmp_path / "out.mrc"), plugin="napari-n2n")
    back = read_micrograph(tmp_path / "out.mrc")
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.pixel_size_angstrom == (None if angstrom is None else pytest.approx(angstrom))


def test_a_movie_layer_is_saved_frame_by_frame(make_napari_viewer, tmp_path, pixels):
    frames = np.stack([pixels, pixels + 1, pixels + 2])
    viewer = make_napari_viewer()
    units = ("pixel", "angstrom", "angstrom")
    layer = viewer.add_image(frames, scale=(1, 1.5, 1.5), units=units)
    layer.save(str(tmp_path / "out.mrcs"), plugin="napari-n2n")
    back = open_movie(tmp_path / "out.mrcs")
    assert back.shape == frames.shape
    assert back.pixel_size_angstrom == pytest.approx(1.5)
    np.testing.assert_array_equal(back.frame(2), frames[2])


def test_a_tomogram_is_saved_with_the_header_it_was_read_with(make_napari_viewer, tmp_path):
    import mrcfile

    voxels = np.random.default_rng(0).normal(size=(6, 20, 30)).astype(np.float32)
    with mrcfile.new(tmp_path / "TS_01.rec", voxels) as file:
        file.set_volume()
        file.voxel_size = 13.48
        file.header.origin.z = -70
    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(tmp_path / "TS_01.rec"), plugin="napari-n2n")
    layer.save(str(tmp_path / "out.mrc"), plugin="napari-n2n")
    back = open_volume(tmp_path / "out.mrc")
    np.testing.assert_array_equal(back[:], voxels)
    assert back.voxel_size_angstrom == pytest.approx(13.48)
    assert back.origin_angstrom == (-70, 0, 0)
    with pytest.raises(WriteProblem, match="is the input itself"):
        write_mrc(str(tmp_path / "TS_01.rec"), *layer.as_layer_data_tuple()[:2])


def test_colours_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(WriteProblem, match=r"colours.*TIFF"):
        write_mrc(str(tmp_path / "out.mrc"), np.zeros((4, 4, 3)), {"rgb": True})
    assert not (tmp_path / "out.mrc").exists()
