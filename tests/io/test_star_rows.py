"""From STAR to STAR: rows, columns and optics groups go out as they came in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import BadValue
from napari_n2n.io import (
    MicrographParticles,
    Particles,
    read_coordinates,
    write_coordinates,
    write_star_per_micrograph,
)
from napari_n2n.io.star import StarTable, blocks_of, is_name

OPTICS = """\
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMtfFileName #3
_rlnMicrographPixelSize #4
_rlnVoltage #5
_rlnSphericalAberration #6
_rlnAmplitudeContrast #7
night-1 1 mtf_k3.star 0.885000 200.000000 1.400000 0.070000
night-2 2 mtf_k3.star 1.770000 200.000000 1.400000 0.070000

"""
PARTICLES = (
    OPTICS
    + """\
# version 30001

data_particles

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnMicrographName #3
_rlnOpticsGroup #4
_rlnClassNumber #5
_rlnDefocusU #6
_rlnGroupName #7
  100.500000   200.250000 MotionCorr/a#1.mrc 1 17 10000.5 "group 1"
  101.500000   201.250000 MotionCorr/b.mrc   2 3  10001.5 group_2
  102.500000   202.250000 MotionCorr/a#1.mrc 1 1  10002.5 "group 1"

"""
)


def blocks(path):
    return blocks_of(path, path.read_text())


def rows_of(table):
    return [table.row(number) for number in range(len(table))]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.star"
    path.write_text(PARTICLES)
    return path


def test_everything_that_came_in_goes_out(tmp_path, source):
    out = tmp_path / "out.star"
    write_coordinates(out, read_coordinates(source))
    before, after = blocks(source), blocks(out)
    assert list(after) == ["optics", "particles"]
    for name in after:
        assert after[name].labels == before[name].labels
        assert rows_of(after[name]) == rows_of(before[name])
    assert "napari-n2n" not in out.read_text()  # the class numbers are another program's


def test_only_positions_change_when_they_are_scaled(tmp_path, source):
    out = tmp_path / "out.star"
    write_coordinates(out, [one.scaled(2) for one in read_coordinates(source)])
    after = blocks(out)
    assert after["particles"].words("rlnCoordinateX") == ["201.0", "203.0", "205.0"]
    assert after["particles"].words("rlnDefocusU") == ["10000.5", "10001.5", "10002.5"]
    assert after["optics"].words("rlnMicrographPixelSize") == ["0.4425", "0.885"]
    assert after["optics"].words("rlnVoltage") == ["200.000000"] * 2


def test_positions_alone_name_no_optics_group_and_come_first(tmp_path, source):
    paths = write_star_per_micrograph(tmp_path / "coords", read_coordinates(source))
    for path in paths:
        name, first = next(iter(blocks(path).items()))
        assert name == ""
        assert "rlnOpticsGroup" not in first
        assert "rlnDefocusU" in first
    own = MicrographParticles(Particles([[3.0, 4.0]]), "a.mrc", 1.5)
    for one in (*write_star_per_micrograph(tmp_path / "own", [own]), tmp_path / "one.star"):
        write_coordinates(tmp_path / "one.star", [own])
        assert "rlnOpticsGroup" not in one.read_text()
        assert "rlnVoltage" not in one.read_text()
        assert "rlnCoordinateX" in next(iter(blocks(one).values()))
        assert read_coordinates(one)[0].pixel_size_angstrom == 1.5


def test_groups_of_two_files_are_joined_by_what_they_say(tmp_path, source):
    other = tmp_path / "other.star"
    other.write_text(PARTICLES.replace("night-2", "night-3").replace("/b.mrc", "/c.mrc"))
    out = tmp_path / "out.star"
    write_coordinates(out, [*read_coordinates(source), *read_coordinates(other)])
    after = blocks(out)
    groups = dict(
        zip(
            after["optics"].words("rlnOpticsGroup"),
            after["optics"].words("rlnOpticsGroupName"),
            strict=True,
        )
    )
    assert sorted(groups.values()) == ["night-1", "night-2", "night-3"]
    table = after["particles"]
    of = {
        name: groups[number]
        for name, number in zip(
            table.words("rlnMicrographName"), table.words("rlnOpticsGroup"), strict=True
        )
    }
    assert of == {
        "MotionCorr/a#1.mrc": "night-1",
        "MotionCorr/b.mrc": "night-2",
        "MotionCorr/c.mrc": "night-3",
    }
    other.write_text(PARTICLES.replace("200.000000", "300.000000"))
    with pytest.raises(BadValue, match="night-1 is described in two ways"):
        write_coordinates(out, [*read_coordinates(source), *read_coordinates(other)])


words = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" #'\""), min_size=1, max_size=9
).filter(lambda word: is_name(word) and word[0] != ">")
columns = st.dictionaries(
    st.sampled_from(["rlnDefocusU", "rlnGroupName", "rlnImageName", "anythingElse"]), st.just(0)
)


@given(
    st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), words, words), min_size=1),
    columns,
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_all_rows_and_columns_of_any_table_survive(tmp_path, rows, more):
    x, y, names, others = zip(*rows, strict=True)
    table = StarTable.of(
        {
            "rlnCoordinateX": [repr(one) for one in x],
            "rlnCoordinateY": [repr(one) for one in y],
            "rlnMicrographName": names,
            **dict.fromkeys(more, others),
        }
    )
    path, out = tmp_path / "in.star", tmp_path / "out.star"
    path.write_text(table.text("particles"))
    write_coordinates(out, read_coordinates(path))
    after = blocks(out)["particles"]
    assert after.labels == table.labels
    assert rows_of(after) == rows_of(table)


def test_a_tiff_is_counted_from_the_other_end_and_comes_back(tmp_path):
    one = MicrographParticles(Particles([[10.0, 20.0]]), "m/t.tif", 1.0, (64, 80))
    out = tmp_path / "t.star"
    (note,) = write_coordinates(out, [one])
    assert note == "m/t.tif: turned upside down, as RELION reads every TIFF."
    assert blocks(out)["particles"].words("rlnCoordinateY") == ["53.0"]
    (back,) = read_coordinates(out)
    assert back.particles.centres_px.tolist() == [[10, 20]]
    # From STAR to STAR nothing is turned twice.
    write_coordinates(tmp_path / "again.star", [replace(back, shape=(64, 80))])
    assert blocks(tmp_path / "again.star")["particles"].words("rlnCoordinateY") == ["53.0"]
    write_coordinates(tmp_path / "t.csv", [back])
    assert read_coordinates(tmp_path / "t.csv")[0].particles.centres_px.tolist() == [[10, 20]]


def test_another_programs_positions_on_a_tiff_need_its_height(tmp_path):
    path = tmp_path / "relion.star"
    path.write_text(
        "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n20 53 t.tiff\n"
    )
    (one,) = read_coordinates(path)
    assert one.rows_reversed
    with pytest.raises(BadValue, match="height is needed"):
        write_coordinates(tmp_path / "a.csv", [one])
    write_coordinates(tmp_path / "a.csv", [replace(one, shape=(64, 80))])
    assert read_coordinates(tmp_path / "a.csv")[0].particles.centres_px.tolist() == [[10, 20]]
    write_coordinates(tmp_path / "b.star", [one])
    assert blocks(tmp_path / "b.star")["particles"].words("rlnCoordinateY") == ["53"]


def test_positions_are_moved_to_the_first_frame_for_relion_only(tmp_path):
    one = MicrographParticles(
        Particles([[10.0, 20.0]]), "m.mrc", 1.0, (64, 80), first_frame_shift_px=(7.5, -4.0)
    )
    (note,) = write_coordinates(tmp_path / "m.star", [one])
    assert "moved by 8.5 px to the first frame" in note
    table = blocks(tmp_path / "m.star")["particles"]
    assert (table.words("rlnCoordinateX"), table.words("rlnCoordinateY")) == (["16.0"], ["17.5"])
    (back,) = read_coordinates(tmp_path / "m.star")
    assert back.particles.centres_px.tolist() == [[10, 20]]
    assert back.first_frame_shift_px == (7.5, -4.0)
    for extension in ("csv", "cs"):
        assert write_coordinates(tmp_path / f"m.{extension}", [one]) == ()
        (found,) = read_coordinates(tmp_path / f"m.{extension}")
        np.testing.assert_allclose(found.particles.centres_px, [[10, 20]], atol=1e-4)


def test_positions_outside_the_micrograph_are_noticed(tmp_path):
    one = MicrographParticles(Particles([[10.0, 20.0], [70.0, 20.0]]), "m.mrc", 1.0, (64, 80))
    (note,) = write_coordinates(tmp_path / "m.star", [one])
    assert note.startswith("m.mrc: 1 particle lies outside the micrograph.")


def test_the_pixel_size_of_the_movie_is_not_that_of_the_micrograph(tmp_path, source):
    with_movie = PARTICLES.replace("_rlnMtfFileName", "_rlnMicrographOriginalPixelSize")
    source.write_text(with_movie.replace("mtf_k3.star", "0.442500"))
    for out, scale in ((tmp_path / "half.star", 0.5), (tmp_path / "same.star", 1.0)):
        write_coordinates(out, [one.scaled(scale) for one in read_coordinates(source)])
        optics = blocks(out)["optics"]
        assert optics.words("rlnMicrographOriginalPixelSize") == ["0.442500"] * 2
        sizes = [float(word) for word in optics.words("rlnMicrographPixelSize")]
        np.testing.assert_allclose(sizes, np.array([0.885, 1.77]) / scale)


@pytest.mark.parametrize(
    ("labels", "words", "wanted"),
    [
        (["rlnMicrographPixelSize"], ["1.5"], [3.0]),
        (["rlnPixelSize"], ["1.5"], [3.0]),
        (["rlnDetectorPixelSize", "rlnMagnification"], ["5.0", "33333.333333333336"],
         [10.0, 33333.333333333336]),
    ],
)  # fmt: skip
def test_rows_that_tell_their_pixel_size_tell_the_new_one(tmp_path, labels, words, wanted):
    path = tmp_path / "old.star"
    table = {"rlnCoordinateX": ["10"], "rlnCoordinateY": ["20"], "rlnMicrographName": ["a.mrc"]}
    table |= {label: [word] for label, word in zip(labels, words, strict=True)}
    path.write_text(StarTable.of(table).text(""))
    (one,) = read_coordinates(path)
    assert one.pixel_size_angstrom == pytest.approx(1.5)
    write_coordinates(tmp_path / "new.star", [one.scaled(0.5)])
    row = blocks(tmp_path / "new.star")["particles"].row(0)
    assert [float(row[label]) for label in labels] == pytest.approx(wanted)
    assert (row["rlnCoordinateX"], row["rlnCoordinateY"]) == ("5.0", "10.0")
    assert read_coordinates(tmp_path / "new.star")[0].pixel_size_angstrom == pytest.approx(3.0)


@pytest.mark.parametrize("format", ["csv", "star", "txt"])
def test_cryosparcs_sign_of_a_path_is_no_part_of_a_name(tmp_path, format):
    texts = {
        "csv": "micrograph,x,y\n>J1/a.mrc,1,2\nJ1/a.mrc,3,4\n",
        "txt": "image_name\tx_coord\ty_coord\n>J1/a.mrc\t1\t2\nJ1/a.mrc\t3\t4\n",
        "star": "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n"
        "1 2 >J1/a.mrc\n3 4 J1/a.mrc\n",
    }
    path = tmp_path / f"p.{format}"
    path.write_text(texts[format])
    (one,) = read_coordinates(path)
    assert one.micrograph == "J1/a.mrc"
    assert len(one.particles) == 2
