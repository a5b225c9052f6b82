"""What several images in one file are: by what the file tells, by what lies beside it, by looks."""

from __future__ import annotations

import bz2
import gzip

import mrcfile
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_n2n.io import (
    Movie,
    SeparateImages,
    TiltSeries,
    Volume,
    inspect_file,
    open_image,
    open_movie,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.io.likeness import looks_like
from napari_n2n.io.outputs import overwriting
from napari_n2n.simulation import SimulationConfig, simulate


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Frames of one exposure, (frame, y, x)."""
    return simulate(SimulationConfig(shape=(256, 256), n_particles=2, n_frames=8)).frames


@pytest.fixture(scope="module")
def tomogram() -> np.ndarray:
    """(z, y, x) something that is like itself nearby and nowhere else."""
    noise = np.random.default_rng(3).normal(size=(24, 96, 96))
    return ndimage.gaussian_filter(noise, 1.5).astype(np.float32)


@pytest.fixture(scope="module")
def particles() -> np.ndarray:
    """(particle, y, x) unlike each other."""
    noise = np.random.default_rng(4).normal(size=(30, 96, 96))
    return (ndimage.gaussian_filter(noise, (0, 4, 4)) * 10 + noise).astype(np.float32)


def opened(path, images, **words):
    """Write an MRC stack, change words of its header (`w22=1`), and open it."""
    with overwriting():
        write_mrc_stack(path, images, 2.0)
    data = bytearray(path.read_bytes())
    for name, value in words.items():
        np.frombuffer(data, "<i4" if name[0] == "w" else "<f4", 256)[int(name[1:])] = value
    path.write_bytes(data)
    return open_image(path)


def with_header(path, images, kind, per_section, nint, nreal, label=b""):
    """Write an MRC stack with an extended header, as microscopes do, and open it."""
    with overwriting():
        write_mrc_stack(path, images, 2.0)
    data = bytearray(path.read_bytes())
    np.frombuffer(data, "<i4", 256)[23] = len(per_section)
    np.frombuffer(data, "<i2", 512)[64:66] = nint, nreal
    data[104:108] = kind
    data[224:304] = label.ljust(80)
    path.write_bytes(bytes(data[:1024]) + per_section + bytes(data[1024:]))
    return open_image(path)


@pytest.mark.parametrize("format", ["mrc", "mrc.gz", "tif", "float", "volume", "imod"])
def test_frames_of_one_exposure_are_a_movie_whatever_their_header_says(tmp_path, frames, format):
    path = tmp_path / f"a.{format}"
    if format == "tif":
        write_tiff_stack(path, frames, 1.0)
    elif format == "float":
        write_mrc_stack(path, frames - frames.mean((1, 2), keepdims=True, dtype=np.float32), 1.0)
    else:
        words = {"volume": {"w22": 1, "w9": 8}, "imod": {"w22": 0, "w9": 8}}.get(format, {})
        opened(path, frames, **words)
        if format == "mrc.gz":
            path.write_bytes(gzip.compress(path.read_bytes()))
    movie = open_image(path)
    assert isinstance(movie, Movie)
    assert inspect_file(path).kind == "movie"
    # Who says something else than the pixels is named.
    assert any("sections of a volume" in note for note in movie.notes) == (format == "volume")


@pytest.mark.parametrize(
    ("defocus", "dose"), [(0.5, 1.0), (2.5, 0.3), (1.5, 3.0)], ids=["close", "faint", "bright"]
)
@pytest.mark.parametrize("case", [{}, {"gain_pattern": 0.1}, {"n_particles": 0}])
def test_movies_of_all_sorts_look_like_movies(tmp_path, defocus, dose, case):
    config = SimulationConfig(
        shape=(256, 256), n_frames=8, defocus_micrometer=defocus, dose_per_frame=dose,
        global_drift_angstrom=25.0, **{"n_particles": 2} | case,
    )  # fmt: skip
    movie = opened(tmp_path / "a.mrc", simulate(config).frames, w22=1, w9=8)
    assert isinstance(movie, Movie)


@pytest.mark.parametrize("space_group", [0, 1])
@pytest.mark.parametrize("mz", [1, 24])
def test_sections_of_a_volume_are_no_movie_whatever_the_header_says(
    tmp_path, tomogram, space_group, mz
):
    volume = opened(tmp_path / "a.mrc", tomogram, w22=space_group, w9=mz)
    assert isinstance(volume, Volume)
    assert inspect_file(tmp_path / "a.mrc").kind == "volume"
    np.testing.assert_array_equal(volume.section(3), tomogram[3])


def test_a_map_of_relion_is_a_volume(tmp_path):
    y, x, z = np.mgrid[-32:32, -32:32, -32:32]
    radius = np.sqrt(x**2 + y**2 + z**2)
    noise = np.random.default_rng(0).normal(size=radius.shape)
    density = (2.0 * (radius < 22) + 0.3 * noise).astype(np.float32)
    for centred in (density, np.roll(density, 3, 0)):
        assert isinstance(opened(tmp_path / "run_class001.mrc", centred, w9=64), Volume)


@pytest.mark.parametrize(("name", "kind"), [("p.mrcs", SeparateImages), ("v.mrc", Volume)])
def test_what_relion_wrote_is_no_movie_even_if_it_looks_like_one(tmp_path, frames, name, kind):
    label = b"Relion    27-Nov-26  12:00:00"
    with_header(tmp_path / name, frames, b"\0" * 4, b"", 0, 0, label)
    data = bytearray((tmp_path / name).read_bytes())
    np.frombuffer(data, "<i4", 256)[9] = len(frames)
    (tmp_path / name).write_bytes(data)
    assert type(open_image(tmp_path / name)) is kind


def test_particles_are_separate_images(tmp_path, particles):
    assert isinstance(opened(tmp_path / "particles.mrcs", particles), SeparateImages)


ANGLES = np.linspace(-60, 60, 8)


@pytest.mark.parametrize("ending", ["st", "mrc"])
def test_the_angles_of_serialem_make_a_tilt_series(tmp_path, frames, ending):
    path = tmp_path / f"a.{ending}"
    for nreal, size in ((1, 2), (7, 12), (63, 20)):
        rows = np.zeros((8, size // 2), "<i2")
        rows[:, 0] = (ANGLES * 100).astype(int)
        kind = b"SERI" if nreal == 7 else b"\0\0\0\0"
        assert type(with_header(path, frames, kind, rows.tobytes(), size, nreal)) is TiltSeries
        rows[:, 0] = 0
        assert type(with_header(path, frames, kind, rows.tobytes(), size, nreal)) is Movie


@pytest.mark.parametrize(("kind", "step"), [(b"FEI1", 768), (b"FEI2", 888), (b"AGAR", 128)])
def test_the_angles_of_other_microscopes_make_a_tilt_series(tmp_path, frames, kind, step):
    for angles, wanted in ((ANGLES, TiltSeries), (np.full(8, 1.5), Movie)):
        rows = np.zeros((8, step), np.uint8)
        if kind == b"AGAR":
            rows.view("<f4")[:, 0] = angles
            nint, nreal = 0, 32
        else:
            rows.view("<i4")[:, 0] = step
            rows[:, 100:108] = angles.astype("<f8").view(np.uint8).reshape(8, 8)
            nint, nreal = 0, 0
        path = tmp_path / "a.mrc"
        assert type(with_header(path, frames, kind, rows.tobytes(), nint, nreal)) is wanted


def test_the_axis_in_serialems_label_makes_a_tilt_series(tmp_path, frames):
    label = b"    Tilt axis angle = 85.3, binning = 1  spot = 8  camera = 0"
    assert type(with_header(tmp_path / "a.st", frames, b"\0" * 4, b"", 0, 0, label)) is TiltSeries


@pytest.mark.parametrize(
    ("angles", "entry", "kind"),
    [
        (ANGLES, "ZValue", TiltSeries),
        (np.zeros(8), "ZValue", SeparateImages),
        (ANGLES[:1], "FrameSet", Movie),
    ],
)
@pytest.mark.parametrize("name", ["a.st.mdoc", "a.mdoc"])
def test_an_mdoc_beside_it_is_believed(tmp_path, frames, angles, entry, kind, name):
    rows = [f"[{entry} = {i}]\nTiltAngle = {angle}\nMag = 1" for i, angle in enumerate(angles)]
    (tmp_path / name).write_text("PixelSpacing = 2\n\n" + "\n\n".join(rows))
    assert type(opened(tmp_path / "a.st", frames)) is kind
    assert type(opened(tmp_path / "other.st", frames)) is Movie


@pytest.mark.parametrize("suffix", [".rawtlt", ".tlt"])
def test_a_list_of_as_many_angles_beside_it_is_believed(tmp_path, frames, suffix):
    (tmp_path / "a").with_suffix(suffix).write_text("\n".join(map(str, ANGLES)))
    assert type(opened(tmp_path / "a.mrc", frames)) is TiltSeries
    assert type(opened(tmp_path / "a.mrc", frames[:6])) is Movie


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"imagej": True, "metadata": {"axes": "TYX"}}, Movie),
        ({"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2.0}}, Volume),
        ({"imagej": True, "metadata": {"axes": "CYX"}}, SeparateImages),
        # ImageJ calls them slices if nobody says what they are.
        ({"imagej": True, "metadata": {"axes": "ZYX"}}, Movie),
        ({"ome": True, "metadata": {"axes": "TYX"}}, Movie),
        ({"ome": True, "metadata": {"axes": "ZYX"}}, Volume),
        ({"ome": True, "metadata": {"axes": "CYX"}}, SeparateImages),
        ({"metadata": {"axes": "ZYX"}}, Volume),
        ({"metadata": {"axes": "TYX"}}, Movie),
        ({}, Movie),
    ],
)
def test_the_axes_that_a_tiff_notes_are_believed(tmp_path, frames, options, kind):
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack", **options)
    assert type(open_image(tmp_path / "a.tif")) is kind


@pytest.mark.parametrize("axes", ["ZYX", "QYX"])
def test_sections_in_a_tiff_are_known_by_their_looks(tmp_path, tomogram, axes):
    options = {"imagej": True, "metadata": {"axes": axes}} if axes == "ZYX" else {}
    tifffile.imwrite(tmp_path / "a.tif", tomogram, photometric="minisblack", **options)
    assert type(open_image(tmp_path / "a.tif")) is Volume


def test_what_nothing_tells_is_a_movie_and_that_is_said(tmp_path):
    noise = np.random.default_rng(1).poisson(2, (6, 64, 64)).astype(np.uint8)
    movie = opened(tmp_path / "a.mrc", noise)
    assert type(movie) is Movie
    assert "say what they are: --kind" in movie.notes[-1]


def test_who_knows_better_says_what_it_is(tmp_path, frames, tomogram):
    opened(tmp_path / "movie.mrc", frames)
    opened(tmp_path / "volume.mrc", tomogram, w22=1, w9=24)
    assert type(open_image(tmp_path / "volume.mrc", kind="movie")) is Movie
    assert type(open_movie(tmp_path / "volume.mrc")) is Movie
    for kind, wanted in (
        ("volume", Volume),
        ("tilt series", TiltSeries),
        ("images", SeparateImages),
    ):
        assert type(open_image(tmp_path / "movie.mrc", kind=kind)) is wanted


@settings(max_examples=60, deadline=None)
@given(
    words=st.dictionaries(st.integers(7, 55), st.integers(-(2**31), 2**31 - 1), max_size=6),
    extended=st.binary(max_size=300),
    kind=st.sampled_from([b"SERI", b"FEI1", b"FEI2", b"AGAR", b"\0\0\0\0"]),
    nint=st.integers(-4, 40),
    nreal=st.integers(-4, 130),
)
def test_no_header_makes_an_error_of_what_can_be_read(
    tmp_path_factory, words, extended, kind, nint, nreal
):
    images = np.random.default_rng(2).poisson(2, (3, 12, 12)).astype(np.int16)
    path = tmp_path_factory.mktemp("headers") / "a.mrc"
    write_mrc_stack(path, images, 1.0)
    data = bytearray(path.read_bytes())
    for place, value in words.items():
        np.frombuffer(data, "<i4", 256)[place] = value
    np.frombuffer(data, "<i4", 256)[23] = len(extended)
    np.frombuffer(data, "<i2", 512)[64:66] = nint, nreal
    data[104:108] = kind
    path.write_bytes(bytes(data[:1024]) + extended + bytes(data[1024:]))
    assert open_image(path).shape == (3, 12, 12)


def test_the_real_tomograms_are_volumes(shared_data):
    for path in sorted((shared_data / "tomograms").glob("*.tif")):
        assert type(open_image(path)) is Volume


def test_mrcfiles_own_volume_of_frames_is_a_movie(tmp_path, frames):
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(frames.astype(np.int16))
    assert type(open_image(tmp_path / "a.mrc")) is Movie


@pytest.mark.parametrize("ending", ["mrc.gz", "mrc.bz2", "map.gz"])
def test_sections_of_a_compressed_volume_are_no_frames(tmp_path, ending):
    noise = np.random.default_rng(3).normal(size=(40, 96, 96))
    smooth = ndimage.gaussian_filter(noise, 4)
    volume = (smooth / smooth.std() + noise).astype(np.float32)
    opened(tmp_path / "a.mrc", volume)
    pack = bz2.compress if ending.endswith("bz2") else gzip.compress
    path = tmp_path / f"b.{ending}"
    path.write_bytes(pack((tmp_path / "a.mrc").read_bytes()))
    assert type(open_image(path)) is Volume


def test_of_a_compressed_file_the_first_sections_alone_do_not_make_a_movie(tomogram):
    smooth = ndimage.gaussian_filter(tomogram, (6, 0, 0))
    assert looks_like(lambda number: smooth[number], 4, is_all=False) is None


@pytest.mark.parametrize("name", ["a.st.MDOC", "a.MDOC", "a.TLT", "a.rawtlt"])
@pytest.mark.parametrize("ending", ["st", "st.gz"])
def test_what_lies_beside_is_found_by_any_of_its_names(tmp_path, frames, name, ending):
    rows = [f"[ZValue = {i}]\nTiltAngle = {angle}" for i, angle in enumerate(ANGLES)]
    angles = "\n".join(map(str, ANGLES))
    (tmp_path / name).write_text("\n\n".join(rows) if "MDOC" in name else angles)
    opened(tmp_path / "a.st", frames)
    if ending == "st.gz":
        (tmp_path / "a.st.gz").write_bytes(gzip.compress((tmp_path / "a.st").read_bytes()))
    assert type(open_image(tmp_path / f"a.{ending}")) is TiltSeries


def test_what_imod_calls_a_stack_is_a_tilt_series_if_it_is_no_movie(tmp_path, tomogram):
    assert type(opened(tmp_path / "a.st", tomogram)) is TiltSeries


@pytest.mark.parametrize("name", ["a.mrcs", "12_a_particles.mrc", "J3_class_averages.mrc"])
def test_particles_that_are_alike_are_separate_images_by_their_name(tmp_path, name):
    """As of apoferritin, which looks the same from everywhere."""
    y, x = np.mgrid[-32:32, -32:32]
    particle = np.exp(-(((np.hypot(y, x) - 12) / 4) ** 2))
    noise = np.random.default_rng(0).normal(size=(20, 64, 64))
    assert type(opened(tmp_path / name, (particle + noise).astype(np.float32))) is SeparateImages
    counts = np.random.default_rng(0).poisson(3 + particle, (20, 64, 64)).astype(np.uint8)
    assert type(opened(tmp_path / name, counts)) is Movie


def test_what_header_and_name_both_call_a_volume_is_not_looked_at(tmp_path, monkeypatch):
    from napari_n2n.io import stack_kinds

    def not_asked(*_args, **_how):
        raise AssertionError("sections were read")

    monkeypatch.setattr(stack_kinds, "looks_like", not_asked)
    voxels = np.random.default_rng(0).normal(size=(6, 64, 64)).astype(np.float32)
    path = tmp_path / "TS_01_Vol.mrc"
    with mrcfile.new(path) as file:
        file.set_data(voxels)
        file.set_volume()
    assert open_image(path).kind == "volume"
