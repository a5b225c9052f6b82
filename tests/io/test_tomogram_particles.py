"""Positions in tomograms come back from every format, and mean the same voxel in all of them."""

from __future__ import annotations

import json
import struct
import time
from contextlib import suppress

import numpy as np
import pytest
import starfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import BadValue, N2NError, WriteProblem
from napari_n2n.io import (
    GIVERS,
    LABELS,
    KnownTomograms,
    Particles,
    TomogramParticles,
    holds_tomogram_particles,
    read_coordinates,
    read_tomogram_particles,
    write_tomogram_particles,
    write_volume,
)

SHAPE = (96, 320, 400)
VOXEL = 10.0


def table(name="TS_01", n=20, seed=0, **more) -> TomogramParticles:
    rng = np.random.default_rng(seed)
    particles = Particles(
        rng.random((n, 3)) * SHAPE,
        rng.choice(LABELS, n),
        rng.random(n).astype(np.float32),
        rng.choice(GIVERS, n),
    )
    known = {"voxel_size_angstrom": VOXEL, "shape": SHAPE}
    return TomogramParticles(particles, name, **{**known, **more})


def at(*zyx: float, **more) -> TomogramParticles:
    known = {"voxel_size_angstrom": VOXEL, "shape": SHAPE, **more}
    return TomogramParticles(Particles(np.array([zyx])), "TS_01", **known)


def assert_same(found: Particles, wanted: Particles, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(found.centres_px, wanted.centres_px, rtol=0, atol=atol)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(found.given_by, wanted.given_by)


@pytest.mark.parametrize("extension", ["star", "csv"])
def test_everything_comes_back(tmp_path, extension):
    two = [table(), table("TS_02", 7, 1)]
    path = tmp_path / f"particles.{extension}"
    assert write_tomogram_particles(path, two) == ()
    back = read_tomogram_particles(path)
    assert [one.tomogram for one in back] == ["TS_01", "TS_02"]
    for found, wanted in zip(back, two, strict=True):
        assert_same(found.particles, wanted.particles, 1e-9 if extension == "star" else 0)
    sizes = {(one.voxel_size_angstrom, one.shape) for one in back}
    assert sizes == ({(VOXEL, SHAPE)} if extension == "star" else {(None, None)})
    assert holds_tomogram_particles(path)


@pytest.mark.parametrize(
    ("extension", "atol", "scored", "named"),
    [
        ("mod", 2e-5, False, False),
        ("tbl", 1e-9, True, False),
        ("json", 1e-9, True, True),
        ("coords", 0, False, False),
    ],
)
def test_positions_come_back_from_what_holds_less(tmp_path, extension, atol, scored, named):
    wanted = table()
    path = tmp_path / f"particles.{extension}"
    notes = write_tomogram_particles(path, [wanted])
    assert any("labels" in note for note in notes) == (extension != "mod")
    assert any("scores" in note for note in notes) == (not scored)
    (found,) = read_tomogram_particles(path)
    order = np.lexsort(found.particles.centres_px.T)
    expected = np.lexsort(wanted.particles.centres_px.T)
    centres, were = found.particles.centres_px[order], wanted.particles.centres_px[expected]
    np.testing.assert_allclose(centres, were, rtol=0, atol=atol)
    if scored:
        np.testing.assert_array_equal(found.particles.scores, wanted.particles.scores)
    if extension == "mod":
        labels, were = found.particles.labels[order], wanted.particles.labels[expected]
        np.testing.assert_array_equal(labels, were)
    assert found.tomogram == ("TS_01" if named else "")


positions = st.lists(
    st.tuples(*[st.floats(-1e4, 1e4, allow_nan=False, allow_subnormal=False)] * 3),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize("extension", ["star", "csv", "tbl", "json", "coords", "mod"])
@given(
    where=positions,
    voxel=st.floats(0.5, 60),
    shape=st.tuples(*[st.integers(1, 5000)] * 3),
    score=st.floats(-1, 1, width=32) | st.just(float("nan")),
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_position_comes_back(tmp_path, extension, where, voxel, shape, score):
    particles = Particles(np.array(where), scores=np.full(len(where), score))
    wanted = TomogramParticles(particles, "TS_01", voxel, shape)
    path = tmp_path / f"particles.{extension}"
    write_tomogram_particles(path, [wanted])
    (found,) = read_tomogram_particles(path, voxel_size_angstrom=voxel)
    atol = 1e-3 if extension == "mod" else 1e-8
    np.testing.assert_allclose(
        found.particles.centres_px, wanted.particles.centres_px, rtol=0, atol=atol
    )
    if extension in ("star", "csv", "json"):
        np.testing.assert_array_equal(found.particles.scores, particles.scores)


class TestFilesMadeByHand:
    """The same voxel, (z, y, x) = (10, 20, 30) of 96 x 320 x 400 with 10 Å, in each program."""

    VOXEL_ZYX = ((10.0, 20.0, 30.0),)

    def read(self, tmp_path, name, content, **known):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (found,) = read_tomogram_particles(path, **known)
        return found

    def test_relion5(self, tmp_path):
        """(30 - 400 / 2) · 10 Å, and so on: `getParticleCoordDecenteredPixel`, backwards."""
        found = self.read(
            tmp_path,
            "particles.star",
            "# version 50001\n\ndata_particles\n\nloop_\n_rlnTomoName #1\n"
            "_rlnCenteredCoordinateXAngst #2\n_rlnCenteredCoordinateYAngst #3\n"
            "_rlnCenteredCoordinateZAngst #4\nTS_01 -1700.0 -1400.0 -380.0\n",
            voxel_size_angstrom=VOXEL,
            shape=SHAPE,
        )
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)
        assert found.tomogram == "TS_01"

    def test_relion5_as_its_refinement_writes_it(self, tmp_path):
        found = self.read(
            tmp_path,
            "run_data.star",
            "# version 50001\n\ndata_general\n\n_rlnTomoSubTomosAre2DStacks 1\n\n\n"
            "# version 50001\n\ndata_optics\n\nloop_\n_rlnVoltage #1\n"
            "_rlnTomoTiltSeriesPixelSize #2\n_rlnOpticsGroup #3\n300.0 2.5 1\n\n\n"
            "# version 50001\n\ndata_particles\n\nloop_\n_rlnTomoName #1\n_rlnOpticsGroup #2\n"
            "_rlnCenteredCoordinateXAngst #3\n_rlnCenteredCoordinateYAngst #4\n"
            "_rlnCenteredCoordinateZAngst #5\n_rlnClassNumber #6\nTS_01 1 -1700 -1400 -380 3\n",
        )
        assert found.tilt_series_pixel_size_angstrom == 2.5
        assert found.angstrom_from == "centre"
        assert found.particles.labels.tolist() == ["unlabelled"]
        placed = found.on(TomogramParticles(Particles.none(3), "", VOXEL, SHAPE))
        np.testing.assert_allclose(placed.particles.centres_px, self.VOXEL_ZYX)

    def test_relion4_counts_in_pixels_of_the_tilt_series(self, tmp_path):
        found = self.read(
            tmp_path,
            "particles.star",
            "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnTomoTiltSeriesPixelSize #2\n1 2.5\n\n"
            "data_particles\n\nloop_\n_rlnTomoName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
            "_rlnCoordinateZ #4\n_rlnOpticsGroup #5\nTS_01 120 80 40 1\n",
        )
        assert found.voxel_size_angstrom == 2.5
        placed = found.on(TomogramParticles(Particles.none(3), "", VOXEL, SHAPE))
        np.testing.assert_allclose(placed.particles.centres_px, self.VOXEL_ZYX)

    @pytest.mark.parametrize(
        ("labels", "values"),
        [
            (["rlnMagnification", "rlnDetectorPixelSize"], "10000 10"),  # Warp, M
            (["rlnDetectorPixelSize"], "10"),  # PyTom
        ],
    )
    def test_warp_and_pytom(self, tmp_path, labels, values):
        named = "".join(f"_{label} #{number}\n" for number, label in enumerate(labels, 5))
        found = self.read(
            tmp_path,
            "matching.star",
            "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnCoordinateZ #3\n"
            f"_rlnMicrographName #4\n{named}30 20 10 TS_01.tomostar {values}\n",
        )
        assert found.tomogram == "TS_01"
        assert found.voxel_size_angstrom == 10
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)

    def test_imod_has_the_first_voxel_at_a_half_in_x_and_y(self, tmp_path):
        model = struct.pack(">128s3i", b"by hand", 400, 320, 96)
        model += struct.pack(">iI4i", 1, 1 << 10, 1, 0, 0, 255)
        model += struct.pack(">3f3f5i", 0, 0, 0, 1, 1, 1, 0, 0, 0, 3, 128)
        model += struct.pack(">fii3f", 1.0, -9, 0, 0, 0, 0)
        thing = b"intact".ljust(64, b"\0") + bytes(64) + struct.pack(">iI", 1, 1 << 9) + bytes(40)
        points = struct.pack(">iI2i3f", 1, 0, 0, 0, 30.5, 20.5, 10.0)
        unknown = b"IMAT" + struct.pack(">i", 16) + bytes(16)
        assert (len(model), len(thing)) == (232, 176)
        content = b"IMODV1.2" + model + b"OBJT" + thing + b"CONT" + points + unknown + b"IEOF"
        found = self.read(tmp_path, "TS_01.mod", content)
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)
        assert found.voxel_size_angstrom == VOXEL
        assert found.shape == SHAPE
        assert found.particles.labels.tolist() == ["intact"]

    def test_dynamo_counts_from_one(self, tmp_path):
        words = ["0"] * 35
        words[0], words[9], words[19], words[23:26] = "1", "0.25", "3", ["31", "21", "11"]
        found = self.read(tmp_path, "t.tbl", " ".join(words) + "\n")
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)
        assert found.particles.scores.tolist() == [0.25]

    def test_copick_counts_angstrom_from_the_first_voxel(self, tmp_path):
        turned = [[0, 1, 0, 5], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        point = {"location": {"x": 295, "y": 200, "z": 100}, "transformation_": turned}
        picks = {"pickable_object_name": "ribosome", "user_id": "me", "session_id": "0"}
        picks |= {"run_name": "TS_01", "voxel_spacing": 10, "unit": "angstrom", "points": [point]}
        found = self.read(tmp_path, "me_0_ribosome.json", json.dumps(picks))
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)
        assert found.tomogram == "TS_01"

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("TS_01.coords", "30 20 10\n"),
            ("TS_01.coords", "# by hand\n30.0\t20.0\t10.0\t0.0\t90.0\t0.0\n"),
            ("picks.csv", "tomogram,x_px,y_px,z_px\nTS_01,30,20,10\n"),
            ("picks.txt", "image_name\tx_coord\ty_coord\tz_coord\tscore\nTS_01\t30\t20\t10\t1\n"),
        ],
    )
    def test_lists(self, tmp_path, name, content):
        found = self.read(tmp_path, name, content)
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)

    def test_truth_of_a_simulation(self, tmp_path):
        found = self.read(
            tmp_path,
            "particles.csv",
            "x_angstrom,y_angstrom,z_angstrom,kind,diameter_angstrom\n300,200,100,globule,260\n",
            voxel_size_angstrom=VOXEL,
        )
        np.testing.assert_allclose(found.particles.centres_px, self.VOXEL_ZYX)


class TestWhatIsWritten:
    def test_relion5_finds_what_it_wants(self, tmp_path):
        """Its own picker writes no optics groups; RELION then makes those of its tomograms."""
        path = tmp_path / "particles.star"
        write_tomogram_particles(path, [at(10, 20, 30)])
        found = starfile.read(path, always_dict=True)
        assert next(iter(found)) == "particles"
        assert "optics" not in found
        row = found["particles"].iloc[0]
        wanted = {"X": -1700.0, "Y": -1400.0, "Z": -380.0}
        for axis, value in wanted.items():
            assert row[f"rlnCenteredCoordinate{axis}Angst"] == value
        assert row["rlnTomoName"] == "TS_01"

    def test_relion4_and_warp(self, tmp_path):
        one = at(10, 20, 30, tilt_series_pixel_size_angstrom=2.5)
        write_tomogram_particles(tmp_path / "4.star", [one], program="relion4")
        row = starfile.read(tmp_path / "4.star", always_dict=True)["particles"].iloc[0]
        assert [row[f"rlnCoordinate{axis}"] for axis in "XYZ"] == [120, 80, 40]
        write_tomogram_particles(tmp_path / "w.star", [one], program="warp")
        row = starfile.read(tmp_path / "w.star", always_dict=True)["particles"].iloc[0]
        assert [row[f"rlnCoordinate{axis}"] for axis in "XYZ"] == [30, 20, 10]
        assert row["rlnMicrographName"] == "TS_01.tomostar"
        for name in ("4.star", "w.star"):
            (back,) = read_tomogram_particles(tmp_path / name)
            placed = back.on(one)
            np.testing.assert_allclose(placed.particles.centres_px, [[10, 20, 30]])

    def test_rows_of_relion_keep_their_columns(self, tmp_path):
        source, path = tmp_path / "run_data.star", tmp_path / "chosen.star"
        source.write_text(
            "# version 50001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n"
            "_rlnTomoTiltSeriesPixelSize #2\n_rlnVoltage #3\n1 2.5 300\n\n"
            "# version 50001\n\ndata_particles\n\nloop_\n_rlnTomoName #1\n_rlnAngleRot #2\n"
            "_rlnCenteredCoordinateXAngst #3\n_rlnCenteredCoordinateYAngst #4\n"
            "_rlnCenteredCoordinateZAngst #5\n_rlnOpticsGroup #6\n"
            "TS_01 12.5 -1700.50 -1400 -380 1\nTS_02 99 0 0 0 1\nTS_01 -3 5 6 7 1\n"
        )
        tables = read_tomogram_particles(source)
        assert [len(one.particles) for one in tables] == [2, 1]
        assert write_tomogram_particles(path, tables) == ()
        was, now = (starfile.read(one, always_dict=True) for one in (source, path))
        assert now["particles"].equals(was["particles"])
        assert now["optics"].equals(was["optics"])
        assert "-1700.50" in path.read_text()

    def test_moved_rows_say_so(self, tmp_path):
        path = tmp_path / "particles.star"
        write_tomogram_particles(path, [at(10, 20, 30)])
        (one,) = read_tomogram_particles(path)
        moved = TomogramParticles(
            Particles(np.array([[11.0, 20.0, 30.0]])), "TS_01", VOXEL, SHAPE, star=one.star
        )
        write_tomogram_particles(path, [moved])
        (back,) = read_tomogram_particles(path)
        np.testing.assert_allclose(back.particles.centres_px, [[11, 20, 30]])

    def test_copick_finds_what_it_wants(self, tmp_path):
        path = tmp_path / "napari-n2n_0_ribosome.json"
        write_tomogram_particles(path, [at(10, 20, 30)])
        told = json.loads(path.read_text())
        names = ("user_id", "session_id", "pickable_object_name", "run_name", "unit")
        assert [told[name] for name in names] == [
            "napari-n2n",
            "0",
            "ribosome",
            "TS_01",
            "angstrom",
        ]
        assert told["points"][0]["location"] == {"x": 300.0, "y": 200.0, "z": 100.0}
        assert told["points"][0]["score"] is None

    def test_dynamo_says_which_number_is_which_tomogram(self, tmp_path):
        notes = write_tomogram_particles(tmp_path / "t.tbl", [table(), table("TS_07", 3, 2)])
        assert any("1 is TS_01, 2 is TS_07" in note for note in notes)
        back = read_tomogram_particles(tmp_path / "t.tbl")
        assert [one.tomogram for one in back] == ["1", "2"]
        rows = np.loadtxt(tmp_path / "t.tbl")
        assert rows.shape == (23, 35)

    def test_one_sentence_asks_for_what_is_missing(self, tmp_path):
        unknown = at(1, 2, 3, voxel_size_angstrom=None, shape=None)
        for name in ("a.star", "a.json"):
            with pytest.raises(BadValue, match=r"(voxel size|shape) of TS_01 is not known"):
                write_tomogram_particles(tmp_path / name, [unknown])
            assert not (tmp_path / name).exists()
        with pytest.raises(BadValue, match=r"shape of TS_01 is not known.*tomograms\.star"):
            write_tomogram_particles(tmp_path / "a.star", [at(1, 2, 3, shape=None)])
        with pytest.raises(BadValue, match="tilt series"):
            write_tomogram_particles(tmp_path / "a.star", [at(1, 2, 3)], program="relion4")
        write_tomogram_particles(tmp_path / "a.coords", [unknown])

    def test_several_tomograms_in_a_file_for_one_are_refused(self, tmp_path):
        for name in ("a.mod", "a.json", "a.coords"):
            with pytest.raises(WriteProblem, match="can hold one tomogram"):
                write_tomogram_particles(tmp_path / name, [table(), table("TS_02")])

    def test_those_outside_are_counted(self, tmp_path):
        (note,) = write_tomogram_particles(tmp_path / "a.csv", [at(200, 20, 30)])
        assert "1 particle lies outside the tomogram" in note


def test_relions_list_tells_the_middle_that_counts(tmp_path):
    """Its sizes are pixels of the tilt series, and binned ones are rounded: 4092 / 10 is 409.2."""
    path = tmp_path / "tomograms.star"
    path.write_text(
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesPixelSize #2\n"
        "_rlnTomoTomogramBinning #3\n_rlnTomoSizeX #4\n_rlnTomoSizeY #5\n_rlnTomoSizeZ #6\n"
        "TS_01 1.5 10 4092 5760 2000\n"
    )
    known = KnownTomograms.of(path)
    picks = tmp_path / "TS_01.coords"
    picks.write_text("0 0 0\n")
    (one,) = read_tomogram_particles(picks)
    placed = known.placing(one)
    assert (placed.tomogram, placed.voxel_size_angstrom) == ("TS_01", 15.0)
    assert placed.shape == (200, 576, 409)
    np.testing.assert_allclose(
        placed.angstrom("centre"), [[-2000 / 2 * 1.5, -5760 / 2 * 1.5, -4092 / 2 * 1.5]]
    )


def test_a_volumes_header_tells_shape_and_voxel_size(tmp_path):
    volume = np.zeros((4, 6, 8), np.float32)
    write_volume(tmp_path / "TS_01_rec.mrc", [volume], shape=(4, 6, 8), voxel_size_angstrom=12.0)
    known = KnownTomograms.of(tmp_path / "TS_01_rec.mrc")
    placed = known.placing(at(10, 20, 30, shape=None, voxel_size_angstrom=6.0))
    np.testing.assert_allclose(placed.particles.centres_px, [[5, 10, 15]])
    assert placed.shape == (4, 6, 8)


def test_files_of_micrographs_are_none_of_tomograms(tmp_path):
    (tmp_path / "a.star").write_text(
        "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnCoordinateZ #3\n1 2 0\n3 4 0\n"
    )
    (tmp_path / "b.csv").write_text("x_px,y_px\n1,2\n")
    (tmp_path / "c.json").write_text('{"odd": [], "even": []}')
    for name in ("a.star", "b.csv", "c.json"):
        assert not holds_tomogram_particles(tmp_path / name)
    assert len(read_coordinates(tmp_path / "a.star")[0].particles) == 2


@pytest.mark.parametrize("extension", ["star", "csv", "tbl", "json", "coords", "mod"])
@given(cut=st.floats(0, 1), flip=st.integers(0, 10**6))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_torn_and_damaged_files_get_a_sentence(tmp_path, extension, cut, flip):
    path = tmp_path / f"a.{extension}"
    write_tomogram_particles(path, [table()])
    whole = bytearray(path.read_bytes())
    whole[flip % len(whole)] ^= 0xFF
    torn = tmp_path / f"torn.{extension}"
    for content in (whole, whole[: int(cut * len(whole))]):
        torn.write_bytes(content)
        with suppress(N2NError):  # and nothing else
            read_tomogram_particles(torn)
        holds_tomogram_particles(torn)


def test_a_model_that_promises_too_much_is_refused_at_once(tmp_path):
    path = tmp_path / "a.mod"
    write_tomogram_particles(path, [table()])
    content = path.read_bytes()
    place = content.index(b"CONT") + 4
    path.write_bytes(content[:place] + struct.pack(">i", 2**31 - 1) + content[place + 4 :])
    before = time.perf_counter()
    with pytest.raises(N2NError, match="torn or damaged"):
        read_tomogram_particles(path)
    assert time.perf_counter() - before < 1
