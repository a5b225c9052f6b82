"""Files of other programs, as they are found."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import is_coordinates, read_coordinates
from napari_n2n.simulation import SimulationConfig, simulate, write_simulated

PARTICLES = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMicrographPixelSize #3
opticsGroup1 1 0.885000
opticsGroup2 2 1.770000


# version 30001

data_particles

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnMicrographName #3
_rlnOpticsGroup #4
_rlnClassNumber #5
_rlnAutopickFigureOfMerit #6
  100.5   200.25 MotionCorr/a.mrc 1 2 0.5
  101.5   201.25 MotionCorr/b.mrc 2 1 -999
  102.5   202.25 MotionCorr/a.mrc 1 1 nan

"""


def read(tmp_path, text, name="a.star", **given):
    path = tmp_path / name
    path.write_text(text)
    return read_coordinates(path, **given)


def loop(*names_and_rows) -> str:
    """Write a STAR file of one nameless block."""
    names, rows = names_and_rows[0], names_and_rows[1:]
    return (
        "data_\n\nloop_\n"
        + "".join(f"_{n} #{i}\n" for i, n in enumerate(names, 1))
        + "\n".join(rows)
        + "\n"
    )


def test_relion_3_1_groups_by_micrograph_with_its_optics_group(tmp_path):
    a, b = read(tmp_path, PARTICLES)
    assert (a.micrograph, a.pixel_size_angstrom) == ("MotionCorr/a.mrc", 0.885)
    assert (b.micrograph, b.pixel_size_angstrom) == ("MotionCorr/b.mrc", 1.77)
    np.testing.assert_array_equal(a.particles.centres_px, [[200.25, 100.5], [202.25, 102.5]])
    np.testing.assert_array_equal(a.particles.scores, np.float32([0.5, np.nan]))
    assert np.isnan(b.particles.scores).all()  # -999 is RELION's "none"


def test_another_programs_class_numbers_are_no_labels(tmp_path):
    a, _ = read(tmp_path, PARTICLES)
    assert set(a.particles.labels) == {"unlabelled"}
    ours = "# napari-n2n: rlnClassNumber 1 intact, 2 broken, 3 contaminant, 4 unlabelled\n"
    a, _ = read(tmp_path, ours + PARTICLES)
    assert a.particles.labels.tolist() == ["broken", "intact"]
    # Nobody says who gave them: a person, so that no program changes them.
    assert set(a.particles.given_by) == {"person"}


def test_a_comment_on_givers_that_no_longer_fits_is_ignored(tmp_path):
    comment = "# napari-n2n: given by 2 suggestion\n"
    a, _ = read(tmp_path, PARTICLES + comment)
    assert set(a.particles.given_by) == {"picker"}


@pytest.mark.parametrize(
    ("columns", "values", "expected"),
    [
        (["rlnMicrographPixelSize"], "1.5", 1.5),
        (["rlnMicrographOriginalPixelSize"], "0.75", 0.75),
        (["rlnPixelSize"], "1.25", 1.25),
        # 5 µm pixels at 50,000-fold magnification
        (["rlnDetectorPixelSize", "rlnMagnification"], "5.0 50000", 1.0),
        # Extracted images may be rescaled: theirs is not the micrograph's.
        (["rlnImageName", "rlnPixelSize"], "1@a.mrcs 1.25", None),
        (["rlnImageName", "rlnImagePixelSize"], "1@a.mrcs 1.25", None),
        (["rlnImagePixelSize", "rlnMicrographOriginalPixelSize"], "3.0 0.75", None),
        (["rlnImagePixelSize", "rlnMicrographOriginalPixelSize"], "0.75 0.75", 0.75),
        (["rlnMicrographPixelSize"], "0", None),
        (["rlnMicrographPixelSize"], "none", None),
    ],
)
def test_the_pixel_size_is_that_of_the_micrograph(tmp_path, columns, values, expected):
    (one,) = read(tmp_path, loop(["rlnCoordinateX", "rlnCoordinateY", *columns], f"1 2 {values}"))
    assert one.pixel_size_angstrom == expected


def test_a_given_pixel_size_wins(tmp_path):
    assert {t.pixel_size_angstrom for t in read(tmp_path, PARTICLES, pixel_size_angstrom=2)} == {2}
    with pytest.raises(BadValue, match="cannot be right"):
        read(tmp_path, PARTICLES, pixel_size_angstrom=-1)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    columns = ["rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"]
    tables = read(tmp_path, loop(columns, "007 1 2", "1e3 3 4"))
    assert [one.micrograph for one in tables] == ["007", "1e3"]


def test_a_single_particle_may_be_a_list(tmp_path):
    (one,) = read(tmp_path, "data_\n\n_rlnCoordinateX 12.5\n_rlnCoordinateY 7\n")
    np.testing.assert_array_equal(one.particles.centres_px, [[7, 12.5]])


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "a.star"
    path.write_bytes(b"\xef\xbb\xbf" + PARTICLES.replace("\n", "\r\n").encode())
    assert len(read_coordinates(path)) == 2


CBOX = """data_global

_cbox_format_version 1.0

data_cryolo

loop_
_CoordinateX #1
_CoordinateY #2
_CoordinateZ #3
_Width #4
_Height #5
_Depth #6
_EstWidth #7
_EstHeight #8
_Confidence #9
_NumBoxes #10
_Angle #11
100.0 40.0 <NA> 60.0 60.0 1.0 55.1 54.2 0.91 <NA> <NA>
10.5 20.5 <NA> 60.0 60.0 1.0 55.1 54.2 0.31 <NA> <NA>

data_cryolo_include

loop_
_slice_index #1
"""


def test_cryolo_cbox_corners_become_centres(tmp_path):
    (one,) = read(tmp_path, CBOX, "a.cbox", pixel_size_angstrom=2.0)
    np.testing.assert_array_equal(one.particles.centres_px, [[70, 130], [50.5, 40.5]])
    np.testing.assert_array_equal(one.particles.scores, np.float32([0.91, 0.31]))
    assert one.diameter_angstrom == 120
    assert is_coordinates(tmp_path / "a.cbox")


def test_eman_boxes_with_a_mode_and_cryolos_with_a_confidence(tmp_path):
    (eman,) = read(tmp_path, "5341\t8216\t256\t256\t-3\n3269\t1876\t256\t256\t-3\n", "a.box")
    np.testing.assert_array_equal(eman.particles.centres_px, [[8344, 5469], [2004, 3397]])
    assert np.isnan(eman.particles.scores).all()
    (cryolo,) = read(tmp_path, "10 20 30 40 0.75\n", "a.box")
    np.testing.assert_array_equal(cryolo.particles.centres_px, [[40, 25]])
    assert cryolo.particles.scores.tolist() == [0.75]


@pytest.mark.parametrize(
    "text",
    ["x_px,y_px\n3,4\n", "x,y\n3,4\n", "x;y\n3;4\n", "y_px,frame,x_px\n4,0,3\n"],
)
def test_csvs_of_others(tmp_path, text):
    (one,) = read(tmp_path, text, "a.csv")
    np.testing.assert_array_equal(one.particles.centres_px, [[4, 3]])


def test_the_truth_of_a_simulation_is_read(tmp_path):
    movie = simulate(SimulationConfig(shape=(512, 512), n_frames=2, seed=3))
    files = write_simulated(movie, tmp_path, "m")
    (one,) = read_coordinates(files.particles)
    np.testing.assert_allclose(one.particles.centres_px, movie.truth.centres_px, atol=0.051)
    np.testing.assert_array_equal(one.particles.labels, movie.truth.labels)
    assert not is_coordinates(files.drift)


CS_FIELDS = [
    ("uid", "<u8"),
    ("location/micrograph_path", "S20"),
    ("location/micrograph_shape", "<u4", (2,)),
    ("location/center_x_frac", "<f4"),
    ("location/center_y_frac", "<f4"),
]


def cs_rows(fields=CS_FIELDS, n=2):
    rows = np.zeros(n, fields)
    rows["location/center_x_frac"], rows["location/center_y_frac"] = 0.5, 0.25
    if "location/micrograph_shape" in rows.dtype.names:
        rows["location/micrograph_shape"] = (3000, 4000)
    return rows


def save_cs(path, rows, **how):
    with path.open("wb") as handle:
        np.save(handle, rows, **how)
    return path


def test_cryosparc_locations_are_shares_of_width_and_height(tmp_path):
    rows = cs_rows()
    rows["location/micrograph_path"] = [b"J1/a.mrc", b"J1/b.mrc"]
    a, b = read_coordinates(save_cs(tmp_path / "a.cs", rows))
    np.testing.assert_array_equal(a.particles.centres_px, [[750, 2000]])
    assert (b.micrograph, b.shape, b.pixel_size_angstrom) == ("J1/b.mrc", (3000, 4000), None)


def test_cryosparcs_mark_is_no_part_of_a_name(tmp_path):
    rows = cs_rows()
    rows["location/micrograph_path"] = [b">J1/a.mrc", b"J1/a.mrc"]
    (one,) = read_coordinates(save_cs(tmp_path / "a.cs", rows))
    assert one.micrograph == "J1/a.mrc"
    assert len(one.particles) == 2


def test_a_cs_file_without_shapes_asks_for_one(tmp_path):
    fields = [field for field in CS_FIELDS if "shape" not in field[0]]
    path = save_cs(tmp_path / "a.cs", cs_rows(fields))
    with pytest.raises(UnreadableFile, match="Give the micrographs' shape"):
        read_coordinates(path)
    (one,) = read_coordinates(path, shape=(1000, 100))
    np.testing.assert_array_equal(one.particles.centres_px, [[250, 50], [250, 50]])


class Bomb:
    def __reduce__(self):
        return exec, ("raise __import__('builtins').SystemExit('it ran')",)


def test_no_pickle_is_ever_opened(tmp_path):
    objects = np.empty(1, [("location/center_x_frac", "O"), ("location/center_y_frac", "O")])
    objects["location/center_x_frac"] = Bomb()
    save_cs(tmp_path / "a.cs", objects, allow_pickle=True)
    (tmp_path / "b.cs").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.cs", "b.cs"):
        with pytest.raises(UnreadableFile, match="never opened"):
            read_coordinates(tmp_path / name)


def bad_cs(**changes):
    rows = cs_rows()
    for name, value in changes.items():
        rows[f"location/{name}"] = value
    return rows


def npy(rows) -> bytes:
    import io

    out = io.BytesIO()
    np.save(out, rows)
    return out.getvalue()


XY = ["rlnCoordinateX", "rlnCoordinateY"]
BROKEN = {
    "empty.star": (b"", "is empty"),
    "blank.star": (b"\n \n", "is empty"),
    "garbage.star": (bytes(range(256)) * 8, "is not a plain text file"),
    "prose.star": (b"Dear Bob,\nhere are the picks.\n", "holds no data block"),
    "torn.star": (PARTICLES[:-40].encode(), "is torn"),
    "nan.star": (loop(XY, "1 2", "nan 4").encode(), "particle 2 the position x = nan"),
    "inf.star": (loop(XY, "1 inf").encode(), "y = inf"),
    "far.star": (loop(XY, "1 1e30").encode(), r"y = 1e\+30"),
    "word.star": (loop(XY, "1 here").encode(), "'here' as rlnCoordinateY of particle 1"),
    "ragged.star": (loop(XY, "1 2", "3 4 5 6", "7 8").encode(), "line 7 has 4 of 2 values"),
    "short.star": (
        loop([*XY, "rlnMicrographName"], "1 2 a.mrc", "3 4", "5 6 a.mrc").encode(),
        "line 8 has 2 of 3 values",
    ),
    "quote.star": (
        loop(["rlnMicrographName", *XY], "a.mrc 1 2", "'b c.mrc 1 2").encode(),
        "a quote in line 8 does not end",
    ),
    "motion.star": (
        b"data_general\n\n_rlnMicrographMovieName Movies/a.tif\n\n"
        + loop([*XY], "1 2", "3 4").replace("data_", "data_hot_pixels").encode(),
        "tells how one movie was aligned",
    ),
    "loops.star": (b"data_\n" + b"loop_\n" * 10, "cannot be read as a STAR file"),
    "underscore.star": (loop(XY, "1_0 2").encode(), "'1_0' as rlnCoordinateX"),
    "twice.star": (loop([*XY, XY[0]], "1 2 3").encode(), "names a column twice"),
    "half.star": (loop(XY[:1], "1").encode(), "it has no rlnCoordinateY"),
    "3d.star": (loop([*XY, "rlnCoordinateZ"], "1 2 3", "1 2 4").encode(), "in a tomogram"),
    "list.star": (
        loop(["rlnMicrographName", "rlnMicrographCoordinates"], "a.mrc a.star").encode(),
        "names a.star for a.mrc",
    ),
    "class.star": (
        b"# napari-n2n: rlnClassNumber 1 intact, 2 broken, 3 contaminant, 4 unlabelled\n"
        + loop([*XY, "rlnClassNumber"], "1 2 7").encode(),
        "has class 7",
    ),
    "torn.cbox": (CBOX[: CBOX.index("0.31")].encode(), "is torn"),
    "negative.cbox": (CBOX.replace("60.0 60.0", "-60.0 60.0", 1).encode(), "size of -60 × 60"),
    "torn.box": (b"1 2 30 30\n4 5 3", "box 2 is '4 5 3'"),
    "negative.box": (b"1 2 -30 30\n", "size of -30 × 30 px"),
    "helices.box": (b"1 2 30 30 -1\n8 9 30 30 -2\n", "holds helices"),
    "nan.box": (b"1 2 30 30\nnan 2 30 30\n", "box 2 is"),
    "random.csv": (b"time,value\n1,2\n", "has no columns of positions"),
    "torn.csv": (b"x_px,y_px,label\n1,2,intact\n3,", "its last line has 2 values"),
    "label.csv": (b"x_px,y_px,label\n1,2,good\n", "the label 'good'"),
    "nan.csv": (b"x_px,y_px\n1,nan\n", "y = nan"),
    "missing.csv": (b"x_px,y_px\n1,\n", "y = nan"),
    "score.csv": (b"x_px,y_px,score\n1,2,1e300\n", "an infinite score"),
    "utf16.csv": ("x_px,y_px\n1,2\n".encode("utf-16"), "is not a plain text file"),
    "volume.txt": (b"image_name\tx_coord\ty_coord\tz_coord\na\t1\t2\t3\n", "in a tomogram"),
    "notes.txt": (b"bring milk\n", "has no columns of positions"),
    "torn.cs": (npy(cs_rows())[:-8], "is torn or damaged"),
    "header.cs": (npy(cs_rows())[:40], "is torn or damaged"),
    "garbage.cs": (b"\x93NUMPY" + bytes(range(250)), "is torn or damaged"),
    "promise.cs": (
        npy(cs_rows()).replace(b"'shape': (2,)", b"'shape': (9999999999,)"),
        "is torn or damaged",
    ),
    "plain.cs": (npy(np.zeros((3, 3))), "is a NumPy array"),
    "fields.cs": (npy(np.zeros(2, [("uid", "<u8")])), "has no location/center_x_frac"),
    "nan.cs": (npy(bad_cs(center_x_frac=np.nan)), "x = nan"),
    "shape.cs": (npy(bad_cs(micrograph_shape=0)), "a shape that cannot be right"),
    "name.cs": (npy(bad_cs(micrograph_path=b"a\nb.mrc")), "calls a micrograph"),
    "compressed.cs": (b"\x95CSDAT" + bytes(20), "Save it as .cs with cryosparc-tools"),
    "gzip.star": (b"\x1f\x8b" + bytes(20), "Unpack it first"),
    "a.json": (b"{}", "is no coordinate file this program knows"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_right_is_one_sentence(tmp_path, name):
    content, sentence = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=sentence) as caught:
        read_coordinates(path)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


def test_a_mended_file_is_read_anew(tmp_path):
    """Starfile keeps the lines of a file it failed on."""
    with pytest.raises(UnreadableFile):
        read(tmp_path, loop(XY, "1 2", "3 4 5 6"))
    (one,) = read(tmp_path, loop(XY, "1 2", "3 4"))
    assert len(one.particles) == 2


def test_missing_files_and_folders_are_said(tmp_path):
    with pytest.raises(UnreadableFile, match="does not exist"):
        read_coordinates(tmp_path / "a.star")
    with pytest.raises(UnreadableFile, match="is a folder"):
        read_coordinates(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "index,axis-0,axis-1\n0,1,2\n"),  # napari's own
        ("b.csv", "time,x,y,speed\n0,1,2,3\n"),
        ("c.txt", "x marks the spot\n"),
        ("d.txt", "1 2 3 4\n"),
        ("e.star", loop(["rlnMicrographName", "rlnVoltage"], "a.mrc 300")),
        ("f.csv", ""),
    ],
)
def test_files_that_are_not_coordinates_are_left_to_others(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert not is_coordinates(path)


@given(
    st.sampled_from([PARTICLES, CBOX, "1 2 30 30\n3 4 30 30\n", "x_px,y_px,label\n1,2,intact\n"]),
    st.sampled_from(["star", "cbox", "box", "csv", "txt", "cs"]),
    st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=6)), max_size=6),
    st.integers(0, 700),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damage_is_read_or_told_and_never_a_crash(tmp_path, text, extension, edits, end):
    content = bytearray(text.encode()[:end])
    for place, piece in edits:
        content[place : place + len(piece)] = piece
    path = tmp_path / f"a.{extension}"
    path.write_bytes(content)
    try:
        tables = read_coordinates(path)
    except UnreadableFile:
        return
    for one in tables:
        assert np.isfinite(one.particles.centres_px).all()


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(max_size=4))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_cs_files_are_told(tmp_path, tail, place, piece):
    content = bytearray(npy(cs_rows()))
    content[place : place + len(piece)] = piece
    path = tmp_path / "a.cs"
    path.write_bytes(bytes(content) + tail)
    try:
        tables = read_coordinates(path)
    except UnreadableFile:
        return
    assert sum(len(one.particles) for one in tables) <= 2


def test_relion_and_topaz_agree_on_the_same_picks(shared_data):
    folder = shared_data / "coordinates"
    relion = read_coordinates(folder / "empiar10025_particles.star")
    topaz = read_coordinates(folder / "empiar10025_particles_topaz.txt")
    assert len(relion) == len(topaz) == 30
    for a, b in zip(relion, topaz, strict=True):
        assert a.stem == b.micrograph
        np.testing.assert_array_equal(a.particles.centres_px, b.particles.centres_px)
    assert sum(len(one.particles) for one in relion) == 1500
    # The file's magnification is that of the extracted images (0.98 Å); the micrographs had
    # 0.66 Å, and positions go up to 7042 px, beyond what a field at 0.98 Å would have.
    assert {one.pixel_size_angstrom for one in relion} == {None}


def test_relions_autopick_lies_on_its_micrograph(shared_data):
    from napari_n2n.io import read_micrograph

    (picks,) = read_coordinates(shared_data / "coordinates" / "carbon_edge_autopick.star")
    image = read_micrograph(shared_data / "micrographs" / "carbon_edge.mrc").pixels
    assert len(picks.particles) == 45
    assert (picks.particles.centres_px < image.shape).all()
    assert picks.particles.scores[0] == np.float32(0.624705)
    assert set(picks.particles.labels) == {"unlabelled"}  # its class 0 is a template


def test_the_hand_marked_fields_are_read(shared_data):
    for path in sorted((shared_data / "apoferritin" / "coordinates").glob("*.csv")):
        (one,) = read_coordinates(path)
        assert (one.particles.centres_px >= 0).all()
        assert (one.particles.centres_px < (1200, 1240)).all()
