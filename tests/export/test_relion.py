"""STAR files of the kept ones, as RELION's import writes them."""

import numpy as np
import pytest
import starfile

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.export.relion import by_kind, project_of, write_relion, write_relion_lists
from napari_n2n.io import Optics, write_micrograph
from napari_n2n.session import Session

from .night import Night


def read(path):
    return starfile.read(path, always_dict=True)


def test_movies_star_holds_exactly_the_kept_ones(night: Night):
    written = write_relion(night.project / "movies.star", night.session)
    blocks = read(written.path)
    assert list(blocks) == ["optics", "movies"]
    assert list(blocks["movies"].columns) == ["rlnMicrographMovieName", "rlnOpticsGroup"]
    assert blocks["movies"]["rlnMicrographMovieName"].tolist() == [
        f"Movies/m{i}.mrc" for i in night.kept
    ]
    assert blocks["movies"]["rlnOpticsGroup"].tolist() == [1] * 4
    assert blocks["optics"].to_dict("records") == [
        {
            "rlnOpticsGroupName": "opticsGroup1",
            "rlnOpticsGroup": 1,
            "rlnMicrographOriginalPixelSize": 0.885,
        }
    ]
    assert written.sentence.startswith("4 movies listed")
    assert "give --voltage" in written.notes[0]


def test_micrographs_star_gives_both_pixel_sizes(night: Night, tmp_path):
    optics = Optics(200, 1.4, 0.07, "night-2")
    path = night.project / "Import" / "micrographs.star"
    (night.project / "default_pipeline.star").touch()
    written = write_relion(
        path, night.session, night.ids[:1], kind="micrographs", optics=optics,
        pixel_size_angstrom=1.1,
    )  # fmt: skip
    blocks = read(path)
    # Names are those from the project around the file, not from the file's own folder.
    assert blocks["micrographs"].to_dict("records") == [
        {"rlnMicrographName": "Movies/m0.mrc", "rlnOpticsGroup": 1}
    ]
    (group,) = blocks["optics"].to_dict("records")
    assert group["rlnMicrographPixelSize"] == group["rlnMicrographOriginalPixelSize"] == 1.1
    assert (group["rlnVoltage"], group["rlnSphericalAberration"]) == (200, 1.4)
    assert (group["rlnAmplitudeContrast"], group["rlnOpticsGroupName"]) == (0.07, "night-2")
    assert written.sentence.startswith("1 micrograph listed")


def test_each_pixel_size_has_its_optics_group(night: Night):
    night.session.micrographs.find_or_add(
        night.files[2], shape=(512, 640), pixel_size_angstrom=1.77
    )
    blocks = read(write_relion(night.project / "movies.star", night.session).path)
    assert blocks["movies"]["rlnOpticsGroup"].tolist() == [1, 1, 2, 1]
    assert blocks["optics"]["rlnOpticsGroupName"].tolist() == ["opticsGroup1", "opticsGroup1-2"]
    assert blocks["optics"]["rlnMicrographOriginalPixelSize"].tolist() == [0.885, 1.77]


def test_an_unknown_pixel_size_is_asked_for(night: Night, tmp_path):
    unknown = night.session.micrographs.find_or_add(
        night.files[0].with_name("u.mrc"), shape=(8, 8), pixel_size_angstrom=None
    )
    night.session.verdicts.give([unknown], "keep")
    target = night.project / "movies.star"
    with pytest.raises(WriteProblem, match=r"pixel size of u[.]mrc is unknown"):
        write_relion(target, night.session, kind="movies")
    assert not target.exists()
    write_relion(target, night.session, kind="movies", pixel_size_angstrom=0.9)
    assert read(target)["optics"]["rlnMicrographOriginalPixelSize"].tolist() == [0.9]
    with pytest.raises(BadValue, match="pixel size"):
        write_relion(target, night.session, pixel_size_angstrom=-1)


def test_a_link_within_the_project_is_the_way_to_data_elsewhere(night: Night, tmp_path):
    project = tmp_path / "relion"
    project.mkdir()
    (project / "night1").symlink_to(night.files[0].parent)
    written = write_relion(project / "movies.star", night.session, project=project)
    names = read(written.path)["movies"]["rlnMicrographMovieName"].tolist()
    assert names == [f"night1/m{i}.mrc" for i in night.kept]
    assert (project / names[0]).parent.samefile(night.files[0].parent)


def test_data_outside_a_given_project_are_refused_with_the_link_to_make(night: Night, tmp_path):
    project = tmp_path / "relion"
    project.mkdir()
    with pytest.raises(WriteProblem, match=r'ln -s ".*Movies" ".*relion/Movies"'):
        write_relion(project / "movies.star", night.session, project=project)
    assert not (project / "movies.star").exists()


def test_without_a_project_data_outside_are_named_in_full_and_that_is_said(night: Night, tmp_path):
    written = write_relion(tmp_path / "elsewhere" / "movies.star", night.session)
    names = read(written.path)["movies"]["rlnMicrographMovieName"].tolist()
    assert names == [str(night.files[i]) for i in night.kept]
    assert "absolute paths" in written.notes[0]
    assert "ln -s" in written.notes[0]


def test_the_project_is_the_folder_with_the_pipeline(tmp_path):
    (tmp_path / "p" / "a" / "b").mkdir(parents=True)
    assert project_of(tmp_path / "p" / "a" / "b" / "m.star") == tmp_path / "p" / "a" / "b"
    (tmp_path / "p" / "default_pipeline.star").touch()
    assert project_of(tmp_path / "p" / "a" / "b" / "m.star") == tmp_path / "p"


def test_what_the_files_are_is_found_out(tmp_path):
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    with Session.open(tmp_path / "s.sqlite") as session:
        ids = []
        for name in ("a.mrc", "b.mrc"):
            write_micrograph(tmp_path / name, image, 1.5)
            ids.append(
                session.micrographs.find_or_add(
                    tmp_path / name, shape=(64, 64), pixel_size_angstrom=1.5
                )
            )
        session.verdicts.give(ids, "keep")
        assert list(read(write_relion(tmp_path / "k.star", session).path)) == [
            "optics",
            "micrographs",
        ]
        # One that drifted was a movie; together they are not one list.
        session.micrographs.set_figures(ids[0], {"drift_total_angstrom": 4.0})
        with pytest.raises(WriteProblem, match=r"movies \(a.mrc\) and micrographs \(b.mrc\)"):
            write_relion(tmp_path / "mixed.star", session)
        apart = by_kind(session)
        assert {kind: some.tolist() for kind, some in apart.items()} == {
            "movies": ids[:1],
            "micrographs": ids[1:],
        }
        both = write_relion_lists(tmp_path / "any.star", session)
        assert both.count == 2
        assert both.sentence.count("listed in") == 2
        for kind in apart:
            assert list(read(tmp_path / f"any_{kind}.star")) == ["optics", kind]
        assert write_relion_lists(tmp_path / "one.star", session, ids[1:]).path.name == "one.star"
        (gone,) = session.micrographs.add_files([tmp_path / "gone.mrc"]).tolist()
        told = write_relion_lists(tmp_path / "any.star", session, [*ids, gone])
        assert told.count == 2
        assert "gone.mrc" in told.notes[0]
        for name in ("a.mrc", "b.mrc"):
            (tmp_path / name).unlink()
        with pytest.raises(WriteProblem, match="none of the files can be read"):
            write_relion(tmp_path / "gone.star", session, ids[1:])
        assert list(by_kind(session)) == ["movies"]
        session.verdicts.give(ids, "reject")
        assert by_kind(session) == {}
        with pytest.raises(BadValue, match="neither movies nor micrographs"):
            write_relion(tmp_path / "k.star", session, kind="tomograms")


def test_a_name_that_star_cannot_hold_is_refused(night: Night):
    odd = night.session.micrographs.find_or_add(
        night.files[0].with_name("""a' b" c.mrc"""), shape=(8, 8), pixel_size_angstrom=1.0
    )
    with pytest.raises(WriteProblem, match=r"cannot hold .*c[.]mrc"):
        write_relion(night.project / "movies.star", night.session, [odd], kind="movies")


def test_spaces_in_names_survive(night: Night):
    spaced = night.session.micrographs.find_or_add(
        night.files[0].with_name("square 1 hole 2.mrc"), shape=(8, 8), pixel_size_angstrom=1.0
    )
    written = write_relion(night.project / "movies.star", night.session, [spaced], kind="movies")
    names = read(written.path)["movies"]["rlnMicrographMovieName"].tolist()
    assert names == ["Movies/square 1 hole 2.mrc"]
