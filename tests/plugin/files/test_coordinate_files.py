"""Coordinate files dropped on napari, and points layers saved from it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import starfile
import tifffile
from napari.layers import Points

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.io import (
    GIVERS,
    LABELS,
    MicrographParticles,
    Particles,
    read_coordinates,
    write_coordinates,
    write_micrograph,
    write_star_per_micrograph,
)
from napari_n2n.particles.palette import LABEL_COLOURS, label_rgba
from napari_n2n.plugin.files.coordinate_files import MOST_LAYERS, get_coordinate_reader, read_points
from napari_n2n.plugin.shared.layers import KEY, memory_of

SHAPE = (300, 400)


def table(name="m.mrc", n=12, seed=0, pixel_size=2.0):
    rng = np.random.default_rng(seed)
    particles = Particles(
        rng.random((n, 2)) * SHAPE, rng.choice(LABELS, n), rng.random(n), rng.choice(GIVERS, n)
    )
    return MicrographParticles(particles, name, pixel_size, SHAPE, 120.0)


@pytest.fixture
def opened(make_napari_viewer, tmp_path):
    """Open a window with a micrograph of 2 Å pixels."""
    viewer = make_napari_viewer()
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_micrograph(tmp_path / "m.mrc", image, 2.0)
    viewer.open(str(tmp_path / "m.mrc"), plugin="napari-n2n")
    return viewer


def test_a_list_of_relion_opens_as_the_particles_of_each_micrograph(tmp_path):
    tables = [table(name, seed=seed) for seed, name in enumerate(("m/a.mrc", "m/b.mrc"))]
    write_star_per_micrograph(tmp_path / "job", tables)
    path = str(tmp_path / "job" / "autopick.star")
    assert get_coordinate_reader(path) is not None
    layers = read_points(path)
    assert [options["name"] for _, options, _ in layers] == ["a particles", "b particles"]
    for (data, _, _), one in zip(layers, tables, strict=True):
        np.testing.assert_array_equal(data, one.particles.centres_px)


def test_a_star_opens_calibrated_and_coloured_and_saves_the_same(make_napari_viewer, tmp_path):
    wanted = table()
    write_coordinates(tmp_path / "a.star", [wanted])
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    (layer,) = viewer.layers
    assert isinstance(layer, Points)
    assert tuple(layer.scale) == (2, 2)
    assert [str(unit) for unit in layer.units] == ["angstrom", "angstrom"]
    np.testing.assert_array_equal(layer.data, wanted.particles.centres_px)
    np.testing.assert_allclose(
        layer.border_color, label_rgba(wanted.particles.labels), atol=1 / 255
    )
    assert memory_of(layer).kind == "particles"
    for extension in ("star", "csv", "cs"):
        out = tmp_path / f"b.{extension}"
        if extension == "cs":  # which needs the shape, that a STAR does not have
            layer.metadata[KEY] = replace(memory_of(layer), shape=SHAPE)
        layer.save(str(out), plugin="napari-n2n")
        (back,) = read_coordinates(out)
        np.testing.assert_allclose(
            back.particles.centres_px,
            wanted.particles.centres_px,
            atol=1e-4 if extension == "cs" else 0,
            rtol=0,
        )
        for column in ("labels", "given_by", "scores"):
            np.testing.assert_array_equal(
                getattr(back.particles, column), getattr(wanted.particles, column)
            )
        assert back.micrograph == "m.mrc"


def test_what_a_file_does_not_tell_comes_from_the_open_micrograph(opened, tmp_path):
    (tmp_path / "m.box").write_text("10 20 40 40\n")
    opened.open(str(tmp_path / "m.box"), plugin="napari-n2n")
    image, points = opened.layers
    assert tuple(points.scale) == tuple(image.scale) == (2, 2)
    assert points.units == image.units
    np.testing.assert_array_equal(points.data, [[40, 30]])
    points.save(str(tmp_path / "m.cs"), plugin="napari-n2n")
    (back,) = read_coordinates(tmp_path / "m.cs")
    assert (back.shape, back.pixel_size_angstrom) == (SHAPE, 2.0)


@pytest.mark.parametrize("scale", [2.0, 1.0])
def test_points_a_person_added_are_saved_in_pixels_of_the_micrograph(opened, tmp_path, scale):
    """In the layer's pixels, or, where its scale is 1, in ångström."""
    layer = opened.add_points(
        np.array([[40.0, 60.0]]) / scale, scale=(scale, scale), units=("angstrom", "angstrom")
    )
    layer.save(str(tmp_path / "p.star"), plugin="napari-n2n")
    (back,) = read_coordinates(tmp_path / "p.star")
    np.testing.assert_array_equal(back.particles.centres_px, [[20, 30]])
    assert back.pixel_size_angstrom == 2
    assert back.micrograph == "m.mrc"
    assert back.particles.labels.tolist() == ["unlabelled"]


def test_particles_on_a_tiff_are_saved_as_relion_reads_it(make_napari_viewer, tmp_path, told):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    per_cm = (1e8 / 2, 1e8 / 2)
    tifffile.imwrite(tmp_path / "t.tif", image, resolution=per_cm, resolutionunit="CENTIMETER")
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "t.tif"), plugin="napari-n2n")
    layer = viewer.add_points(
        np.array([[10.0, 20.0]]), scale=(2, 2), units=("angstrom", "angstrom")
    )
    layer.save(str(tmp_path / "p.star"), plugin="napari-n2n")
    block = starfile.read(tmp_path / "p.star", always_dict=True)["particles"]
    assert (block["rlnCoordinateX"][0], block["rlnCoordinateY"][0]) == (20, SHAPE[0] - 1 - 10)
    assert any("upside down" in message for message in told)
    # Another program's file has no height: that of the open micrograph is taken.
    (tmp_path / "theirs.star").write_text(
        f"data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n"
        f"20 {SHAPE[0] - 1 - 10} Movies/t.tif\n"
    )
    viewer.open(str(tmp_path / "theirs.star"), plugin="napari-n2n")
    np.testing.assert_array_equal(viewer.layers[-1].data, [[10, 20]])


def test_equal_layers_over_raw_and_denoised_are_saved_once(opened, tmp_path):
    write_coordinates(tmp_path / "a.star", [table()])
    opened.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    points = opened.layers[-1]
    opened.add_layer(Points(**{**points._get_state(), "name": "copy"}))
    opened.layers.selection = set(opened.layers[1:])
    opened.layers.save(str(tmp_path / "b.star"), selected=True, plugin="napari-n2n")
    (back,) = read_coordinates(tmp_path / "b.star")
    assert len(back.particles) == 12


def test_layers_of_several_micrographs_become_one_file(make_napari_viewer, tmp_path):
    tables = [table("a.mrc"), table("b.mrc", 5, 1)]
    write_coordinates(tmp_path / "a.star", tables)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    assert [layer.name for layer in viewer.layers] == ["a particles", "b particles"]
    viewer.layers.save(str(tmp_path / "b.csv"), plugin="napari-n2n")
    assert [len(one.particles) for one in read_coordinates(tmp_path / "b.csv")] == [12, 5]


def test_labels_edited_in_the_features_are_saved(make_napari_viewer, tmp_path):
    write_coordinates(tmp_path / "a.star", [table()])
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    (layer,) = viewer.layers
    layer.features = {**layer.features, "label": ["broken"] * 12}
    layer.save(str(tmp_path / "b.star"), plugin="napari-n2n")
    assert read_coordinates(tmp_path / "b.star")[0].particles.counts()["broken"] == 12
    layer.features = {**layer.features, "label": ["nice"] * 12}
    with pytest.raises(WriteProblem, match="'nice' is no label"):
        layer.save(str(tmp_path / "c.star"), plugin="napari-n2n")
    assert not (tmp_path / "c.star").exists()


RELION = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnMicrographPixelSize #6
west 1 200.000000 1.400000 0.070000 2.000000
east 2 200.000000 1.400000 0.070000 2.000000


# version 30001

data_particles

loop_
_rlnMicrographName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnDefocusU #4
_rlnClassNumber #5
_rlnOpticsGroup #6
a.mrc 10.000000 20.000000 11000.5 7 2
b.mrc 15.000000 25.000000 12000.5 8 1
a.mrc 30.000000 40.000000 13000.5 9 2
a.mrc 50.000000 60.000000 14000.5 7 2
"""


def saved(viewer, path):
    viewer.layers.save(str(path), plugin="napari-n2n")
    return starfile.read(path, always_dict=True)


def test_a_star_of_another_program_is_saved_with_all_that_stood_in_it(
    make_napari_viewer, tmp_path, told
):
    (tmp_path / "a.star").write_text(RELION)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    back = saved(viewer, tmp_path / "b.star")
    for name, block in starfile.read(tmp_path / "a.star", always_dict=True).items():
        assert back[name].equals(block)
    rows = [line for line in RELION.splitlines() if ".mrc" in line]
    assert [line for line in (tmp_path / "b.star").read_text().splitlines() if ".mrc" in line] == (
        rows
    )


def test_what_was_moved_removed_and_added_in_napari_is_so_in_the_star(
    make_napari_viewer, tmp_path, told
):
    (tmp_path / "a.star").write_text(RELION)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    layer = viewer.layers["a particles"]
    layer.selected_data = {0}
    layer.remove_selected()
    layer.add([[5.0, 6.0]])
    layer.data = np.add(layer.data, [[0, 1], [0, 0], [0, 0]])
    rows = saved(viewer, tmp_path / "b.star")["particles"]
    rows = rows[rows.rlnMicrographName == "a.mrc"]
    assert rows.rlnCoordinateX.tolist() == [31, 50, 6]
    assert rows.rlnCoordinateY.tolist() == [40, 60, 5]
    assert rows.rlnDefocusU.tolist() == [13000.5, 14000.5, 0]
    assert rows.rlnClassNumber.tolist() == [9, 7, -999]
    assert rows.rlnOpticsGroup.nunique() == 1
    assert any("nothing is known of rlnDefocusU" in message for message in told)
    assert not any("labels by now" in message for message in told)


def test_one_that_is_added_in_place_of_the_last_one_is_not_taken_for_it(
    make_napari_viewer, tmp_path, told
):
    (tmp_path / "a.star").write_text(RELION)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    layer = viewer.layers["a particles"]
    layer.selected_data = {2}
    layer.remove_selected()
    layer.add([[150.0, 160.0]])
    rows = saved(viewer, tmp_path / "b.star")["particles"]
    assert rows.rlnDefocusU.tolist() == [11000.5, 12000.5, 13000.5, 0]


def test_labels_given_in_napari_take_the_place_of_classes_which_is_said(
    make_napari_viewer, tmp_path, told
):
    (tmp_path / "a.star").write_text(RELION)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.star"), plugin="napari-n2n")
    layer = viewer.layers["a particles"]
    layer.features = {**layer.features, "label": ["intact", "broken", "intact"]}
    rows = saved(viewer, tmp_path / "b.star")["particles"]
    assert rows.rlnDefocusU.tolist() == [11000.5, 12000.5, 13000.5, 14000.5]
    assert [one.particles.labels.tolist() for one in read_coordinates(tmp_path / "b.star")] == [
        ["intact", "broken", "intact"],
        ["unlabelled"],
    ]
    assert any("labels by now" in message for message in told)


def test_of_many_micrographs_the_first_are_shown_and_the_rest_named(
    make_napari_viewer, tmp_path, told
):
    write_coordinates(tmp_path / "a.csv", [table(f"m{i:02d}.mrc", 1, i) for i in range(23)])
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "a.csv"), plugin="napari-n2n")
    assert len(viewer.layers) == MOST_LAYERS
    assert any("not m20, m21, m22" in message for message in told)
    assert any("pixel size is unknown" in message for message in told)


def test_particles_of_the_open_micrograph_come_first(opened, tmp_path):
    write_coordinates(
        tmp_path / "a.csv", [table(f"x{i:02d}.mrc", 1, i) for i in range(22)] + [table("m.mrc")]
    )
    opened.open(str(tmp_path / "a.csv"), plugin="napari-n2n")
    assert opened.layers[1].name == "m particles"
    assert tuple(opened.layers[1].scale) == (2, 2)


def test_files_that_are_no_coordinates_are_left_to_others(tmp_path):
    for name, text in {
        "a.csv": "index,axis-0,axis-1\n0,1,2\n",
        "b.txt": "hello\n",
        "c.star": "data_\n\nloop_\n_rlnVoltage #1\n300\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert get_coordinate_reader(str(tmp_path / name)) is None
    assert get_coordinate_reader(str(tmp_path)) is None


def test_a_broken_file_is_a_sentence(make_napari_viewer, tmp_path, told):
    path = tmp_path / "a.box"
    path.write_text("1 2 30\n")
    assert get_coordinate_reader(str(path)) is read_points
    with pytest.raises(UnreadableFile):  # a script gets the error
        read_points(str(path))
    viewer = make_napari_viewer()
    viewer.open(str(path), plugin="napari-n2n")
    assert not viewer.layers
    assert any("box 1 is '1 2 30'" in message for message in told)


def test_a_missing_pixel_size_is_asked_for_when_saving(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    layer = viewer.add_points(np.array([[1.0, 2.0]]))
    with pytest.raises(WriteProblem, match="pixel size"):
        layer.save(str(tmp_path / "a.star"), plugin="napari-n2n")
    layer.save(str(tmp_path / "a.csv"), plugin="napari-n2n")
    np.testing.assert_array_equal(
        read_coordinates(tmp_path / "a.csv")[0].particles.centres_px, [[1, 2]]
    )


def test_every_label_has_a_colour():
    assert set(LABEL_COLOURS) == set(LABELS)


def test_asking_whether_a_file_is_ours_loads_nothing_heavy(tmp_path):
    """Napari asks at every file that is dropped on it."""
    path = tmp_path / "m.star"
    write_coordinates(path, [table()])
    code = (
        "import sys; from napari_n2n.plugin.files.coordinate_files import get_coordinate_reader;"
        f"assert get_coordinate_reader({str(path)!r});"
        "print([m for m in ('torch', 'skimage', 'scipy', 'pandas', 'napari') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
