"""Positions come back from every format, and mean the same pixel in all of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import starfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import BadValue, WriteProblem
from napari_n2n.io import (
    GIVERS,
    LABELS,
    MicrographParticles,
    Optics,
    Particles,
    is_coordinates,
    read_coordinates,
    write_coordinates,
    write_star_per_micrograph,
)

SHAPE = (3000, 4000)


def micrograph(
    name="Movies/a_01.mrc", n=20, seed=0, pixel_size=1.35, **more
) -> MicrographParticles:
    rng = np.random.default_rng(seed)
    particles = Particles(
        rng.random((n, 2)) * SHAPE,
        rng.choice(LABELS, n),
        rng.random(n).astype(np.float32),
        rng.choice(GIVERS, n),
    )
    known = {"pixel_size_angstrom": pixel_size, "shape": SHAPE, "diameter_angstrom": 135.0}
    return MicrographParticles(particles, name, **{**known, **more})


def assert_same(found: Particles, wanted: Particles, atol: float = 0.0) -> None:
    np.testing.assert_allclose(found.centres_px, wanted.centres_px, rtol=0, atol=atol)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(found.given_by, wanted.given_by)


@pytest.fixture
def two() -> list[MicrographParticles]:
    return [micrograph(), micrograph("Movies/a_02.mrc", 7, 1)]


@pytest.mark.parametrize("extension", ["star", "csv", "cs"])
def test_everything_comes_back(tmp_path, two, extension):
    path = tmp_path / f"picks.{extension}"
    write_coordinates(path, two)
    back = read_coordinates(path)
    assert [one.micrograph for one in back] == ["Movies/a_01.mrc", "Movies/a_02.mrc"]
    for found, wanted in zip(back, two, strict=True):
        # cryoSPARC's shares of the micrograph are float32.
        assert_same(found.particles, wanted.particles, atol=5e-4 if extension == "cs" else 0)
    sizes = {one.pixel_size_angstrom for one in back}
    assert sizes == ({None} if extension == "csv" else {1.35})
    assert {one.shape for one in back} == ({SHAPE} if extension == "cs" else {None})
    assert is_coordinates(path)


def test_cryosparc_filters_by_what_it_expects(tmp_path, two):
    """*Inspect Picks* goes by score and power, extraction by the least distance."""
    write_coordinates(tmp_path / "picks.cs", two)
    rows = np.load(tmp_path / "picks.cs", allow_pickle=False)
    for field in ("location/min_dist_A", "pick_stats/ncc_score", "pick_stats/power"):
        assert rows.dtype[field] == np.float32
    np.testing.assert_array_equal(rows["pick_stats/power"], rows["pick_stats/ncc_score"])
    assert set(rows["location/min_dist_A"].tolist()) == {135.0}


def test_topaz_holds_whole_pixels_and_scores(tmp_path, two):
    path = tmp_path / "picks.txt"
    write_coordinates(path, two)
    back = read_coordinates(path)
    assert [one.micrograph for one in back] == ["a_01", "a_02"]
    for found, wanted in zip(back, two, strict=True):
        np.testing.assert_array_equal(
            found.particles.centres_px, np.rint(wanted.particles.centres_px)
        )
        np.testing.assert_array_equal(found.particles.scores, wanted.particles.scores)
        assert set(found.particles.labels) == {"unlabelled"}


def test_boxes_hold_the_centre_to_half_a_pixel_and_their_size(tmp_path):
    wanted = micrograph()
    path = tmp_path / "a_01.box"
    write_coordinates(path, [wanted])
    (found,) = read_coordinates(path, pixel_size_angstrom=1.35)
    np.testing.assert_allclose(
        found.particles.centres_px, wanted.particles.centres_px, rtol=0, atol=0.5
    )
    assert found.diameter_angstrom == pytest.approx(135.0)  # 100 px, an even number
    write_coordinates(path, [wanted], box_size_px=64)
    assert path.read_text().splitlines()[0].split()[2:] == ["64", "64"]


def test_one_file_a_micrograph_has_the_picks_first_as_relion_wants_them(tmp_path, two):
    paths = write_star_per_micrograph(tmp_path / "coords", two)
    assert [path.name for path in paths] == ["a_01_manualpick.star", "a_02_manualpick.star"]
    for path, wanted in zip(paths, two, strict=True):
        first = path.read_text().split("data_")[1]
        assert "_rlnCoordinateX" in first.split("loop_")[1]
        (found,) = read_coordinates(path)
        assert_same(found.particles, wanted.particles)
        assert found.pixel_size_angstrom == 1.35


def test_all_formats_mean_the_same_pixel(tmp_path):
    """One particle on the bright pixel of an image: each format's own arithmetic finds it."""
    image = np.zeros((40, 60), np.float32)
    image[10, 33] = 1
    one = MicrographParticles(Particles([[10.0, 33.0]]), "m.mrc", 2.0, (40, 60), 16.0)
    for extension in ("star", "box", "csv", "txt", "cs"):
        write_coordinates(tmp_path / f"m.{extension}", [one])
    star = starfile.read(tmp_path / "m.star")["particles"]
    x, y = int(star["rlnCoordinateX"][0]), int(star["rlnCoordinateY"][0])
    # RELION: a window of pixels x - size/2 … x + size/2 - 1, centred on its pixel size/2.
    assert image[y - 4 : y + 4, x - 4 : x + 4][4, 4] == 1
    corner_x, corner_y, width, height = map(int, (tmp_path / "m.box").read_text().split())
    assert image[corner_y + height // 2, corner_x + width // 2] == 1
    assert (tmp_path / "m.csv").read_text().splitlines()[1].split(",")[:3] == [
        "m.mrc",
        "33.0",
        "10.0",
    ]
    assert (tmp_path / "m.txt").read_text().splitlines()[1].split("\t") == ["m", "33", "10"]
    row = np.load(tmp_path / "m.cs", allow_pickle=False)[0]
    height, width = row["location/micrograph_shape"]
    assert row["location/center_x_frac"] * width == pytest.approx(33, abs=1e-4)
    assert row["location/center_y_frac"] * height == pytest.approx(10, abs=1e-4)
    assert row["location/micrograph_psize_A"] == 2


def test_mirrored_particles_lie_on_the_mirrored_image(tmp_path):
    image = np.arange(12.0).reshape(4, 3)
    one = MicrographParticles(Particles([[1.0, 2.0]]), "m.mrc", 1.0, (4, 3))
    write_coordinates(tmp_path / "m.star", [one], mirror_y=True)
    ((y, x),) = read_coordinates(tmp_path / "m.star")[0].particles.centres_px.astype(int)
    assert image[::-1][y, x] == image[1, 2]
    twice = one.mirrored().mirrored()
    np.testing.assert_array_equal(twice.particles.centres_px, one.particles.centres_px)
    with pytest.raises(BadValue, match="height is needed"):
        MicrographParticles(Particles([[1.0, 2.0]])).mirrored()


def test_scaling_keeps_the_place_in_angstrom():
    one = micrograph(pixel_size=8.0)
    finer = one.scaled(8)
    np.testing.assert_allclose(
        finer.particles.centres_px * finer.pixel_size_angstrom, one.particles.centres_px * 8.0
    )
    assert finer.shape == (24000, 32000)


def test_labels_are_chosen(tmp_path, two):
    write_coordinates(tmp_path / "a.star", two, labels=["intact", "broken"])
    for found, wanted in zip(read_coordinates(tmp_path / "a.star"), two, strict=True):
        counts = wanted.particles.counts()
        assert found.particles.counts() == {**counts, "unlabelled": 0, "contaminant": 0}


def test_optics_groups_follow_the_pixel_size(tmp_path):
    tables = [micrograph("a.mrc", pixel_size=1.35), micrograph("b.mrc", pixel_size=0.66)]
    write_coordinates(tmp_path / "a.star", tables, optics=Optics(200, 1.2, 0.07, "krios"))
    blocks = starfile.read(tmp_path / "a.star")
    assert list(blocks) == ["optics", "particles"]
    assert blocks["optics"]["rlnOpticsGroupName"].tolist() == ["krios", "krios-2"]
    assert blocks["optics"]["rlnVoltage"].tolist() == [200, 200]
    assert set(blocks["particles"]["rlnClassNumber"]) <= {1, 2, 3, 4}
    assert [one.pixel_size_angstrom for one in read_coordinates(tmp_path / "a.star")] == [
        1.35,
        0.66,
    ]


def test_a_micrograph_without_particles_is_a_file_that_says_so(tmp_path):
    none = micrograph(n=0)
    for extension in ("star", "csv", "txt", "cs"):
        write_coordinates(tmp_path / f"a.{extension}", [none])
        (back,) = read_coordinates(tmp_path / f"a.{extension}")
        assert len(back.particles) == 0
    (path,) = write_star_per_micrograph(tmp_path, [none])
    (back,) = read_coordinates(path)
    assert (len(back.particles), back.pixel_size_angstrom) == (0, 1.35)


@pytest.mark.parametrize(
    ("extension", "lacking", "needed"),
    [
        ("star", {"pixel_size": None}, "pixel size"),
        ("cs", {"pixel_size": None}, "pixel size"),
        ("cs", {"shape": None}, "shape"),
        ("cs", {"name": ""}, "name"),
        ("cs", {"shape": (30, 40)}, "lies outside its 40 × 30 px"),
        ("box", {"diameter_angstrom": None}, "box size"),
        ("box", {"n": 0}, "no particles"),
        ("txt", {"name": ""}, "name"),
        ("star", {"name": """it's' of" them.mrc"""}, "quotes"),
    ],
)
def test_what_a_format_needs_is_asked_for_and_nothing_is_written(
    tmp_path, extension, lacking, needed
):
    with pytest.raises(WriteProblem, match=needed):
        write_coordinates(tmp_path / f"a.{extension}", [micrograph(**lacking)])
    assert list(tmp_path.iterdir()) == []


def test_one_box_file_cannot_hold_two_micrographs(tmp_path, two):
    with pytest.raises(WriteProblem, match="one micrograph, and there are 2"):
        write_coordinates(tmp_path / "a.box", two)


def test_two_micrographs_of_one_name_do_not_overwrite_each_other(tmp_path):
    tables = [micrograph("day1/a.mrc"), micrograph("day2/a.mrc")]
    with pytest.raises(WriteProblem, match="have one name"):
        write_star_per_micrograph(tmp_path, tables)
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_lead_out_of_the_folder(tmp_path):
    (path,) = write_star_per_micrograph(tmp_path / "in", [micrograph("../../evil.mrc")])
    assert path.parent == tmp_path / "in"


def test_an_unknown_extension_names_the_known(tmp_path):
    with pytest.raises(BadValue, match=r"\.star, \.box, \.csv, \.txt, \.cs"):
        write_coordinates(tmp_path / "a.json", [micrograph()])


positions = st.floats(-1000, 1e6).map(float)
# -999 stands for "none" in STAR files.
scores = st.floats(width=32, allow_infinity=False).filter(lambda score: score != -999)
names = st.text("abz019_.-/ é#'", min_size=1, max_size=20).map(lambda s: f"{s.strip()}.mrc")


@given(
    st.dictionaries(
        names,
        st.lists(
            st.tuples(
                positions, positions, st.sampled_from(LABELS), scores, st.sampled_from(GIVERS)
            ),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["star", "csv"]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_particles_come_back_to_the_last_digit(tmp_path, content, extension):
    tables = []
    for name, rows in content.items():
        y, x, labels, merits, givers = zip(*rows, strict=True)
        particles = Particles(np.stack([y, x], 1), labels, np.float32(merits), givers)
        tables.append(MicrographParticles(particles, name, 1.1))
    write_coordinates(tmp_path / f"a.{extension}", tables)
    back = read_coordinates(tmp_path / f"a.{extension}")
    assert [one.micrograph for one in back] == [one.micrograph for one in tables]
    for found, wanted in zip(back, tables, strict=True):
        assert_same(found.particles, wanted.particles)


def test_a_hundred_thousand_particles_read_in_a_moment(tmp_path):
    tables = [micrograph(f"m_{i}.mrc", 2_000, i) for i in range(50)]
    write_coordinates(tmp_path / "a.star", tables)
    start = time.process_time()
    back = read_coordinates(tmp_path / "a.star")
    assert time.process_time() - start < 5  # about 0.7 s; a shared machine is forgiven
    assert sum(len(one.particles) for one in back) == 100_000


def test_optics_that_cannot_be_are_refused():
    right = {"voltage_kv": 300, "spherical_aberration_mm": 2.7, "amplitude_contrast": 0.1}
    for wrong in ({"voltage_kv": 0}, {"amplitude_contrast": 7}, {"group": "two words"}):
        with pytest.raises(BadValue):
            Optics(**{**right, **wrong})
