"""What other programs get: lists, tables, links, particles."""

import csv
from datetime import UTC, datetime

import numpy as np
import pytest
import starfile
import tifffile

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.export.kept import (
    header_of,
    write_figures,
    write_links,
    write_list,
    write_particles,
)
from napari_n2n.io import Particles, read_coordinates, write_micrograph
from napari_n2n.session import Session

from .night import Night


def in_relion(path):
    """Return x, y as RELION reads them."""
    particles = starfile.read(path, always_dict=True)["particles"]
    return list(zip(particles["rlnCoordinateX"], particles["rlnCoordinateY"], strict=True))


def test_the_list_names_exactly_the_kept_ones_in_their_order(night: Night, tmp_path):
    written = write_list(tmp_path / "kept.txt", night.session)
    lines = (tmp_path / "kept.txt").read_text().splitlines()
    assert lines == [str(night.files[i]) for i in night.kept]
    assert written.count == len(lines) == 4
    assert "4 paths" in written.sentence


def test_paths_can_be_given_from_a_folder(night: Night, tmp_path):
    write_list(tmp_path / "kept.txt", night.session, relative_to=tmp_path)
    assert (tmp_path / "kept.txt").read_text().splitlines()[0] == "project/Movies/m0.mrc"


def test_any_others_can_be_listed(night: Night, tmp_path):
    write_list(tmp_path / "l.txt", night.session, night.ids[[5, 1]])
    names = [line.rsplit("/")[-1] for line in (tmp_path / "l.txt").read_text().splitlines()]
    assert names == ["m1.mrc", "m5.mrc"]
    with pytest.raises(BadValue, match="no micrograph 999"):
        write_list(tmp_path / "l.txt", night.session, [999])


def test_a_list_of_nothing_is_not_written_over_what_was_there(night: Night, tmp_path):
    target = tmp_path / "kept.txt"
    target.write_text("yesterday's")
    night.session.verdicts.give(night.ids, "undecided")
    with pytest.raises(WriteProblem, match="no micrograph is kept"):
        write_list(target, night.session)
    assert target.read_text() == "yesterday's"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["kept.txt"]


def test_an_empty_session_says_so(tmp_path):
    with (
        Session.open(tmp_path / "s.sqlite") as session,
        pytest.raises(WriteProblem, match="has no micrographs"),
    ):
        write_figures(tmp_path / "figures.csv", session)
    assert not (tmp_path / "figures.csv").exists()


def test_pictures_without_a_file_are_left_out_and_counted(night: Night, tmp_path):
    picture = night.session.micrographs.find_or_add(
        "a picture", shape=(64, 64), pixel_size_angstrom=None
    )
    night.session.verdicts.give([picture], "keep")
    written = write_list(tmp_path / "kept.txt", night.session)
    assert written.count == 4
    assert "1 picture was left out" in written.notes[0]
    with pytest.raises(WriteProblem, match="none of the micrographs is a file"):
        write_list(tmp_path / "other.txt", night.session, [picture])


def test_the_table_tells_everything_of_everyone(night: Night, tmp_path):
    write_figures(tmp_path / "figures.csv", night.session)
    with (tmp_path / "figures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [file.name for file in night.files]
    assert [row["verdict"] for row in rows] == ["keep"] * 4 + ["reject", "undecided"]
    assert rows[4]["reason"] == "drift"
    assert rows[4]["given_by"] == "Ada"
    assert datetime.fromisoformat(rows[4]["judged_at"]).tzinfo is not None
    assert rows[5]["judged_at"] == ""
    # The very same numbers come back, and what is unknown is empty.
    drift = [float(row["drift_total_angstrom"]) for row in rows]
    assert drift == night.drift.tolist()
    assert [row["resolution_angstrom"] for row in rows][-1] == ""
    assert float(rows[0]["pixel_size_angstrom"]) == 0.885
    assert datetime.fromisoformat(rows[1]["acquired"]) == datetime.fromtimestamp(
        night.acquired[1], UTC
    )
    assert rows[0]["intact_particles"] == "2"


def test_a_file_that_could_not_be_read_is_in_the_table_with_the_reason(night: Night, tmp_path):
    (torn,) = night.session.micrographs.add_files([night.files[0].with_name("torn.mrc")])
    night.session.micrographs.set_state(int(torn), "failed", "It ends in the middle of its pixels.")
    write_figures(tmp_path / "figures.csv", night.session, [torn])
    with (tmp_path / "figures.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["state"], row["message"]) == ("failed", "It ends in the middle of its pixels.")
    assert row["height_px"] == row["pixel_size_angstrom"] == row["acquired"] == ""


def test_figures_come_in_the_order_in_which_they_are_shown_everywhere(night: Night, tmp_path):
    night.session.micrographs.set_figures(
        int(night.ids[0]), {"somebody_else_s": 1, "particles": 3, "snr": 0.1, "score": 5}
    )
    write_figures(tmp_path / "figures.csv", night.session)
    columns = (tmp_path / "figures.csv").read_text().splitlines()[0].split(",")
    wanted = ["score", "resolution_angstrom", "snr", "drift_total_angstrom", "particles"]
    assert [name for name in columns if name in wanted] == wanted
    assert columns[-1] == "somebody_else_s"


def test_a_chosen_few_can_be_tabled(night: Night, tmp_path):
    write_figures(tmp_path / "figures.csv", night.session, night.ids[4:])
    assert len((tmp_path / "figures.csv").read_text().splitlines()) == 1 + 2


def test_every_column_says_its_unit_once():
    assert header_of("drift_total_angstrom") == "drift_total_angstrom"
    assert header_of("contaminated_percent") == "contaminated_percent"
    assert header_of("brightness_gradient") == "brightness_gradient [%]"
    assert header_of("somebody_else_s") == "somebody_else_s"


def test_links_are_what_a_wildcard_finds(night: Night, tmp_path):
    for file in night.files:
        file.write_bytes(file.name.encode())
    written = write_links(tmp_path / "kept", night.session)
    links = sorted((tmp_path / "kept").glob("*.mrc"))
    assert [link.read_bytes().decode() for link in links] == [f"m{i}.mrc" for i in night.kept]
    assert all(link.is_symlink() for link in links)
    assert f"{tmp_path / 'kept'}/*.mrc" in written.sentence


def test_links_that_lead_nowhere_are_told(night: Night, tmp_path):
    night.files[0].write_bytes(b"here")
    written = write_links(tmp_path / "kept", night.session)
    assert written.notes == (
        "m1.mrc, m2.mrc, m3.mrc: not there now, so that their links lead nowhere.",
    )


def test_an_empty_folder_takes_the_links(night: Night, tmp_path):
    (tmp_path / "kept").mkdir()
    assert write_links(tmp_path / "kept", night.session).count == 4
    assert len(list((tmp_path / "kept").iterdir())) == 4


def test_links_never_go_among_other_files(night: Night, tmp_path):
    there = tmp_path / "kept"
    there.mkdir()
    (there / "mine.txt").write_text("keep")
    with pytest.raises(WriteProblem, match="is there already"):
        write_links(there, night.session)
    assert [path.name for path in there.iterdir()] == ["mine.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "project"}


def test_two_files_of_one_name_are_not_linked_into_one(night: Night, tmp_path):
    twin = night.session.micrographs.find_or_add(
        tmp_path / "other" / "m0.mrc", shape=(8, 8), pixel_size_angstrom=1.0
    )
    night.session.verdicts.give([twin], "keep")
    with pytest.raises(WriteProblem, match="cannot link both"):
        write_links(tmp_path / "kept", night.session)
    assert not (tmp_path / "kept").exists()


def test_particles_of_the_kept_ones_come_back_where_they_were(night: Night, tmp_path):
    written = write_particles(night.project / "particles.star", night.session)
    tables = read_coordinates(night.project / "particles.star")
    assert [table.micrograph for table in tables] == [f"Movies/m{i}.mrc" for i in range(4)]
    stored = night.session.marks.particles(int(night.ids[0])).particles
    np.testing.assert_array_equal(tables[0].particles.centres_px, stored.centres_px)
    assert tables[0].particles.labels.tolist() == ["intact", "intact", "broken"]
    assert written.count == 4 * 3
    assert len(written.notes) == 1
    assert "the shift of the first frame is not known" in written.notes[0]


def test_micrographs_without_particles_spoil_nothing_for_the_others(night: Night):
    """A kept file that nobody could open has neither shape nor pixel size."""
    nothing = night.session.micrographs.add_files([night.files[0].with_name("unread.mrc")])
    night.session.verdicts.give(nothing, "keep")
    write_particles(night.project / "p.star", night.session)
    tables = read_coordinates(night.project / "p.star")
    assert [table.micrograph for table in tables] == [f"Movies/m{i}.mrc" for i in range(4)]
    assert {table.pixel_size_angstrom for table in tables} == {0.885}


def test_a_single_kept_micrograph_is_named(night: Night):
    write_particles(night.project / "p.star", night.session, night.ids[:1])
    (table,) = read_coordinates(night.project / "p.star")
    assert table.micrograph == "Movies/m0.mrc"


def test_only_the_wanted_labels_are_written(night: Night, tmp_path):
    write_particles(tmp_path / "p.star", night.session, labels=["intact"])
    labels = np.concatenate([t.particles.labels for t in read_coordinates(tmp_path / "p.star")])
    assert labels.tolist() == ["intact"] * 8
    with pytest.raises(WriteProblem, match="no contaminant particles"):
        write_particles(tmp_path / "q.star", night.session, labels=["contaminant"])
    assert not (tmp_path / "q.star").exists()


def test_what_the_threshold_hides_is_not_exported(night: Night, tmp_path):
    first = int(night.ids[0])
    night.session.marks.add(first, Particles([(9, 9), (19, 19)], scores=[0.9, 0.1]))
    night.session.marks.set_threshold(first, 0.5)
    write_particles(tmp_path / "p.csv", night.session, [first])
    (table,) = read_coordinates(tmp_path / "p.csv")
    # What a person marked stays, whatever it scores.
    assert len(table.particles) == 3 + 1
    assert (9, 9) in {tuple(centre) for centre in table.particles.centres_px.tolist()}


def test_names_can_be_those_of_relions_motion_correction(night: Night, tmp_path):
    folder = "MotionCorr/job002/Movies"
    write_particles(tmp_path / "p.star", night.session, micrograph_folder=f"{folder}/")
    tables = read_coordinates(tmp_path / "p.star")
    assert [table.micrograph for table in tables] == [f"{folder}/m{i}.mrc" for i in range(4)]


def test_tiff_movies_without_a_drift_are_turned_as_well(night: Night, tmp_path):
    tifffile.imwrite(
        tmp_path / "aligned.tif", np.ones((3, 64, 64), np.uint8), photometric="minisblack"
    )
    movie = night.session.micrographs.find_or_add(
        tmp_path / "aligned.tif", shape=(64, 64), pixel_size_angstrom=0.885
    )
    night.session.marks.add(movie, Particles([(10.0, 20.0)]))
    write_particles(tmp_path / "p.star", night.session, [movie])
    assert in_relion(tmp_path / "p.star") == [(20.0, 63 - 10.0)]
    # This program reads its own positions back as they were.
    (table,) = read_coordinates(tmp_path / "p.star")
    assert table.particles.centres_px.tolist() == [[10.0, 20.0]]


def test_tiff_movies_are_turned_as_relion_turns_them(night: Night, tmp_path):
    session = night.session
    movie = session.micrographs.find_or_add(
        night.files[0].with_suffix(".tif"), shape=(512, 640), pixel_size_angstrom=0.885
    )
    session.marks.add(movie, Particles([(100.0, 50.0)]))
    session.micrographs.set_figures(movie, {"drift_total_angstrom": 3.0})
    session.micrographs.set_first_frame_shift(movie, (3.0, -2.0))
    written = write_particles(tmp_path / "p.star", session, [movie])
    assert in_relion(tmp_path / "p.star") == [(50.0 - 2, 511 - (100.0 + 3))]
    assert "turned upside down" in written.notes[0]
    assert "moved by 3.6 px to the first frame" in written.notes[1]
    (table,) = read_coordinates(tmp_path / "p.star")
    assert table.particles.centres_px.tolist() == [[100.0, 50.0]]
    write_particles(tmp_path / "p.star", session, [movie], micrograph_folder="MotionCorr/job002")
    assert in_relion(tmp_path / "p.star") == [(50.0 - 2, 511 - (100.0 + 3))]
    (table,) = read_coordinates(tmp_path / "p.star")  # on RELION's own micrograph, an MRC
    assert table.particles.centres_px.tolist() == [[511 - 103.0, 48.0]]
    write_particles(tmp_path / "p.star", session, [movie], mirror_y=False)
    assert in_relion(tmp_path / "p.star") == [(48.0, 103.0)]
    # cryoSPARC reads them as this program does.
    written = write_particles(tmp_path / "p.cs", session, [movie])
    (table,) = read_coordinates(tmp_path / "p.cs")
    np.testing.assert_allclose(table.particles.centres_px, [[100.0, 50.0]], atol=1e-3)
    assert written.notes == ()


def test_two_movies_of_one_name_are_not_one_micrograph_of_relion(tmp_path):
    with Session.open(tmp_path / "s.sqlite") as session:
        for folder in "xy":
            file = tmp_path / folder / "a.mrc"
            number = session.micrographs.find_or_add(file, shape=(64, 64), pixel_size_angstrom=2.0)
            write_micrograph(file, np.zeros((64, 64), np.float32), 2.0)
            session.marks.add(number, Particles([[30.0, 20.0]], ["intact"]))
            session.verdicts.give(number, "keep")
        with pytest.raises(WriteProblem, match=r"x/a\.mrc and .*y/a\.mrc would both be called M/a"):
            write_particles(tmp_path / "p.star", session, micrograph_folder="M")
        assert write_particles(tmp_path / "p.star", session).count == 2
