"""Alignments of AreTomo, IMOD and RELION: what is understood of them, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.tilt_series import TiltOptics
from napari_n2n.io.tilt_series.aretomo import read_aln, with_ctf
from napari_n2n.io.tilt_series.imod import optics_of, read_imod, settings_of, with_defocus
from napari_n2n.io.tilt_series.mdoc import with_mdoc
from napari_n2n.io.tilt_series.relion import lists_tilt_series, read_relion

ALN = """# AreTomo Alignment / Priims bprmMn
# RawSize = 400 300 4
# NumPatches = {patches}
# DarkFrame =     3    {dark}    60.00
# AlphaOffset =     1.50
# BetaOffset =     0.00
# Thickness = 500
# SEC     ROT         GMAG       TX          TY      SMEAN     SFIT    SCALE     BASE     TILT
{rows}
# Local Alignment
   0   0   1.00   2.00   0.10   0.20  1.0
"""


def aln(path, *, first=1, patches=0, turn=85.0):
    rows = "\n".join(
        f"{first + i}  {turn}  1.00000  {i + 0.5}  {-i}  1.00 1.00 1.00 0.00  {angle}"
        for i, angle in enumerate((-30.0, 0.0, 30.0))
    )
    path.write_text(ALN.format(rows=rows, dark=first + 3, patches=patches))
    return path


@pytest.mark.parametrize("first", [0, 1])
def test_aretomos_images_are_counted_from_0_or_1_and_dark_ones_are_left_out(tmp_path, first):
    alignment = read_aln(aln(tmp_path / "a.aln", first=first))
    assert [view.number for view in alignment.views] == [0, 1, 2]
    assert alignment.count == 4
    # Thicker by what AreTomo adds, and on its side.
    assert alignment.size_px == (800, 400, 300)
    assert alignment.views[2].shift_px == (2.5, -2.0)
    assert not alignment.notes


def test_local_shifts_are_told(tmp_path):
    assert "local shifts" in read_aln(aln(tmp_path / "a.aln", patches=4)).notes[0]


def test_aretomos_defoci_are_those_of_the_images_that_are_left(tmp_path):
    alignment = read_aln(aln(tmp_path / "a.aln"))
    table = tmp_path / "a_CTF.txt"
    lines = [f"{i} {30000 + 100 * i} {30200 + 100 * i} 45 0.5 0.1 8 1" for i in range(1, 5)]
    table.write_text("# Columns: #1 micrograph number\n" + "\n".join(lines) + "\n")
    told = with_ctf(alignment, table)
    assert [view.defocus_angstrom for view in told.views] == [30200, 30300, 30400]
    assert told.views[0].phase_shift_degree == pytest.approx(np.rad2deg(0.5))
    table.write_text("\n".join(lines[:2]))
    with pytest.raises(UnreadableFile, match="defoci of 2 images"):
        with_ctf(alignment, table)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: text.index("1.00 0.00  30.0")], "torn"),
        (lambda text: "\n".join(text.split("\n")[:-5]), "torn"),
        (lambda text: text.replace("RawSize", "Size"), "no alignment of AreTomo"),
        (lambda text: text.replace("85.0", "nan"), "damaged"),
        (lambda text: text.replace("85.0", "eighty"), "damaged"),
        (lambda _: "", "empty"),
    ],
)
def test_torn_alignments_are_named(tmp_path, change, said):
    path = aln(tmp_path / "a.aln")
    path.write_text(change(path.read_text()))
    with pytest.raises(UnreadableFile, match=said) as caught:
        read_aln(path)
    assert "a.aln" in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_ends_in_a_traceback(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("aln")
    path = aln(folder / "a.aln")
    text = path.read_text()
    at = data.draw(st.integers(0, len(text) - 1))
    path.write_text(text[:at] + data.draw(st.text("-.0 9#\nxé", max_size=4)) + text[at + 1 :])
    try:
        alignment = read_aln(path)
    except N2NError:
        return
    assert alignment.views
    assert all(np.isfinite(view.angle_degree) for view in alignment.views)


def imod(folder, count=3):
    (folder / "a.xf").write_text(
        "".join(f"0.0 1.0 -1.0 0.0 {i:.1f} {-i:.1f}\n" for i in range(count))
    )
    (folder / "a.tlt").write_text("".join(f"{10 * i - 10}\n" for i in range(count)))
    return folder / "a.xf", folder / "a.tlt"


def test_imods_settings_are_read(tmp_path):
    com = tmp_path / "tilt.com"
    com.write_text(
        "# a comment\n$tilt -StandardInput\nTHICKNESS\t 900\nFULLIMAGE 400 300\nIMAGEBINNED 4\n"
        "EXCLUDELIST 2\nOFFSET 1.5\nXAXISTILT -2\nEXCLUDELIST2 7-9\nLOCALFILE a.local\n"
    )
    (tmp_path / "a.local").write_text("local")
    alignment = read_imod(*imod(tmp_path), com)
    assert [view.number for view in alignment.views] == [0, 2]
    assert [view.angle_degree for view in alignment.views] == [-8.5, 11.5]
    assert {view.x_tilt_degree for view in alignment.views} == {2.0}
    assert alignment.size_px == (900, 400, 300)  # on its side
    assert "local shifts" in alignment.notes[0]
    assert settings_of(com)["EXCLUDELIST2"] == "2,7-9"
    newst = tmp_path / "newst.com"
    newst.write_text("$newstack\nSizeToOutputInXandY\t150,200\nBinByFactor 2\n")
    assert read_imod(*imod(tmp_path), com, newst).size_px == (900, 400, 300)


def test_imods_defoci_by_ranges_of_views(tmp_path):
    alignment = read_imod(*imod(tmp_path))
    table = tmp_path / "a.defocus"
    table.write_text("1 1 -10 -10 3000 2\n2 3 0 10 3200\n")
    com = tmp_path / "ctfplotter.com"
    com.write_text("$ctfplotter\nVoltage 200\nSphericalAberration\t2.0\nAmplitudeContrast 0.1\n")
    told = with_defocus(alignment, table, optics_of(com, TiltOptics()))
    assert [view.defocus_angstrom for view in told.views] == [30000, 32000, 32000]
    assert told.optics == TiltOptics(200.0, 2.0, 0.1)
    # With astigmatism and phase in radians.
    table.write_text("13 0 0 0 0 3\n1 1 -10 -10 3000 3100 40 0.2\n3 3 10 10 3200 3100 40 0.2\n")
    told = with_defocus(alignment, table, TiltOptics())
    assert [view.defocus_angstrom for view in told.views][::2] == [30500, 31500]
    assert told.views[0].phase_shift_degree == pytest.approx(np.rad2deg(0.2))
    table.write_text("one two\n")
    with pytest.raises(UnreadableFile, match=r"a\.defocus"):
        with_defocus(alignment, table, TiltOptics())


def test_imods_files_must_belong_together(tmp_path):
    xf, tlt = imod(tmp_path)
    tlt.write_text("1 2\n")
    with pytest.raises(UnreadableFile, match="3 transforms"):
        read_imod(xf, tlt)
    tlt.write_text("1 2 3\n")
    xf.write_text(xf.read_text()[:-20])
    with pytest.raises(UnreadableFile, match="torn: line 3"):
        read_imod(xf, tlt)


def test_what_an_mdoc_knows_is_believed_where_it_can_be_read(tmp_path):
    alignment = read_imod(*imod(tmp_path))
    mdoc = tmp_path / "a.mdoc"
    mdoc.write_text("PixelSpacing = 1.35\nVoltage = 200\n[ZValue = 0]\n")
    told = with_mdoc(alignment, mdoc)
    assert (told.likely_pixel_size_angstrom, told.optics.voltage_kv) == (1.35, 200)
    mdoc.write_text("PixelSpacing = x\n")
    assert with_mdoc(alignment, mdoc) == alignment
    assert with_mdoc(alignment, None) == alignment


def relion(folder, *, tilts, size="1.5"):
    (folder / "tilt_series.star").write_text(
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n"
        f"_rlnTomoTiltSeriesPixelSize #3\n_rlnVoltage #4\nT series/T.star {size} 200\n"
    )
    (folder / "series").mkdir(exist_ok=True)
    (folder / "series" / "T.star").write_text(tilts)
    return folder / "tilt_series.star"


TILTS = """data_T

loop_
_rlnMicrographName #1
_rlnMicrographNameEven #2
_rlnMicrographNameOdd #3
_rlnTomoYTilt #4
_rlnTomoZRot #5
_rlnTomoXShiftAngst #6
_rlnTomoYShiftAngst #7
_rlnDefocusU #8
_rlnDefocusV #9
a.mrc a_EVN.mrc 3@odd.mrcs -3 85 15 -3 20000 21000
b.mrc b_EVN.mrc 4@odd.mrcs 3 85 0 0 20000 21000
"""


def test_relions_columns_are_read(tmp_path):
    (series,), problems = read_relion(relion(tmp_path, tilts=TILTS))
    assert not problems
    view = series.alignment.views[0]
    assert (view.angle_degree, view.shift_px, view.defocus_angstrom) == (-3.0, (10, -2), 20500)
    assert series.alignment.optics.voltage_kv == 200
    assert series.odd[0] == f"3@{tmp_path / 'odd.mrcs'}"
    assert series.even[1] == str(tmp_path / "b_EVN.mrc")
    assert lists_tilt_series(tmp_path / "tilt_series.star")
    assert not lists_tilt_series(tmp_path / "series" / "T.star")
    assert not lists_tilt_series(tmp_path / "nothing.star")


@pytest.mark.parametrize(
    ("tilts", "size", "said"),
    [
        (TILTS.replace("_rlnTomoZRot #5", "_rlnTomoOther #5"), "1.5", "is not aligned"),
        (TILTS[:-30], "1.5", "torn"),
        (TILTS.replace(" -3 85 ", " -3 much "), "1.5", "damaged"),
        (TILTS, "0", "no pixel size"),
    ],
)
def test_a_torn_series_of_relion_is_a_problem_of_its_own(tmp_path, tilts, size, said):
    series, (problem,) = read_relion(relion(tmp_path, tilts=tilts, size=size))
    assert not series
    assert said in str(problem)
    assert "T.star" in str(problem)
