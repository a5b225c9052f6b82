"""Which tilt series a folder holds, and which files are their images."""

import numpy as np
import pytest

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import open_image, write_mrc_stack
from napari_n2n.io.stacks import TiltSeries
from napari_n2n.io.tilt_series import TiltImages, tilt_series_in

from .test_readers import aln, imod


def stack(path, count=4, shape=(30, 40), pixel=2.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    write_mrc_stack(
        path, (rng.integers(0, 99, shape).astype(np.int16) for _ in range(count)), pixel
    )
    return path


def test_aretomos_folder(tmp_path):
    for name in ("T.mrc", "T_ODD.mrc", "T_EVN.mrc", "other.mrc"):
        stack(tmp_path / name)
    stack(tmp_path / "T_Vol.mrc")
    aln(tmp_path / "T.aln")
    (series,) = tilt_series_in(tmp_path).series
    assert series.name == "T"
    assert series.has_halves
    assert series.volume == tmp_path / "T_Vol.mrc"
    odd, even = series.opened()
    assert (odd.path.name, even.path.name) == ("T_ODD.mrc", "T_EVN.mrc")
    assert (len(odd), odd.shape, odd.pixel_size_angstrom) == (4, (30, 40), 2.0)
    # Without an .mdoc, too, its stacks are tilt series and no volumes.
    assert isinstance(open_image(tmp_path / "T_ODD.mrc"), TiltSeries)


def test_imods_folders_one_a_series(tmp_path):
    for name in ("TS_1", "TS_2"):
        folder = tmp_path / name
        stack(folder / "a.st", 3)
        stack(folder / "a_odd.st", 3)
        stack(folder / "a_even.st", 3)
        stack(folder / "a.ali", 3)
        imod(folder)
        (folder / "tilt.com").write_text("$tilt\nTHICKNESS 100\n")
    found = tilt_series_in(tmp_path)
    # Both are called a, and get the names of their folders.
    assert [series.name for series in found.series] == ["TS_1_a", "TS_2_a"]
    assert all(series.has_halves for series in found.series)
    assert found.series[0].alignment.size_px[0] == 100


def test_one_torn_alignment_is_told_and_the_other_is_found(tmp_path):
    for name in ("A", "B"):
        stack(tmp_path / f"{name}.mrc")
        aln(tmp_path / f"{name}.aln")
    (tmp_path / "A.aln").write_text("# RawSize = 1")
    found = tilt_series_in(tmp_path)
    assert [series.name for series in found.series] == ["B"]
    assert "A.aln" in str(found.problems[0])
    (tmp_path / "B.aln").unlink()
    with pytest.raises(UnreadableFile, match=r"A\.aln"):
        tilt_series_in(tmp_path)


def test_nothing_that_is_known_is_said_with_what_is(tmp_path):
    stack(tmp_path / "T.mrc")
    with pytest.raises(UnreadableFile, match=r"AreTomo's \.aln"):
        tilt_series_in(tmp_path)
    (tmp_path / "T.tomostar").write_text("data_\n")
    with pytest.raises(UnreadableFile, match="WarpTools"):
        tilt_series_in(tmp_path)


def test_images_must_be_those_of_the_alignment(tmp_path):
    aln(tmp_path / "T.aln")
    stack(tmp_path / "T.mrc", 5)
    (series,) = tilt_series_in(tmp_path).series
    with pytest.raises(UnreadableFile, match=r"has 5 images, but T\.aln is of 4"):
        series.opened()
    stack(tmp_path / "T_ODD.mrc")
    stack(tmp_path / "T_EVN.mrc", shape=(30, 44))
    (series,) = tilt_series_in(tmp_path).series
    with pytest.raises(UnreadableFile, match="44 × 30"):
        series.opened()
    stack(tmp_path / "U.mrc", pixel=0)
    aln(tmp_path / "U.aln")
    unknown = next(one for one in tilt_series_in(tmp_path).series if one.name == "U")
    with pytest.raises(BadValue, match="--pixel-size"):
        unknown.opened()
    assert unknown.opened(1.5)[0].pixel_size_angstrom == 1.5
    # An .mdoc counts where the header does not know; images may have been binned since.
    for name, size in (("U", 0.7), ("T", 0.7)):
        (tmp_path / f"{name}.mdoc").write_text(f"PixelSpacing = {size}\n")
    stack(tmp_path / "T_EVN.mrc")
    sizes = {
        one.name: one.opened()[0].pixel_size_angstrom for one in tilt_series_in(tmp_path).series
    }
    assert sizes == {"T": 2.0, "U": pytest.approx(0.7)}


def test_images_in_files_of_their_own(tmp_path):
    one, other = stack(tmp_path / "a.mrc", 3), stack(tmp_path / "b.mrc", 1)
    images = TiltImages.of([f"3@{one}", str(other)])
    assert images.read(0).shape == (30, 40)
    assert images.files == (one, other)
    np.testing.assert_array_equal(images.read(1), TiltImages.of([other]).read(0))
    torn = TiltImages.of([f"3@{one}", f"2@{other}"])
    with pytest.raises(UnreadableFile, match=r"b\.mrc"):
        torn.read(1)
