"""Folders of RELION 5, AreTomo, Warp and IMOD go through `train && denoise` with no option."""

import os

import mrcfile
import numpy as np
import pytest

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.io import open_volume, volume_halves
from napari_n2n.io.outputs import labels_of

from ..command_line import call
from ..tilt_series import SHAPE, VOXEL, aretomo, imod, relion, truth, warp

QUICKLY = [
    *("--set", "steps=3", "--set", "crop=16", "-q"),
    *("--set", 'network={"name":"tiny","ndim":3,"encoder":[[4],[4]],"decoder":[[4]]}'),
]
AS_FINE = ("--voxel-size", VOXEL, "--thickness", SHAPE[0] * VOXEL)


def said(capsys):
    return capsys.readouterr().err.replace("\n", " ")


@pytest.fixture
def aretomo_two(tmp_path):
    return aretomo(tmp_path / "AreTomo", ("TS_01", "TS_02"))


@pytest.mark.parametrize("layout", [aretomo, imod, relion, warp])
def test_each_layout_is_trained_on_and_denoised(tmp_path, layout, capsys):
    folder = layout(tmp_path / "data", ("TS_01", "TS_02"))
    model, out = tmp_path / "m.safetensors", tmp_path / "denoised"
    assert call("train", folder, "-o", model, *QUICKLY) == 0
    told = said(capsys)
    assert ("reconstructed here" in told) == (layout is not warp)
    assert load_denoiser(model).ndim == 3
    assert call("denoise", folder, "-m", model, "-o", out, "-q") == 0
    results = sorted(out.glob("*.mrc"))
    assert [path.name[:5] for path in results] == ["TS_01", "TS_02"]
    for path in results:
        made = open_volume(path)
        size = made.voxel_size_angstrom
        assert size == pytest.approx(VOXEL if layout is warp else 14, rel=0.01)
        assert np.isfinite(made[len(made) // 2]).all()
    # What is done is left as it is, after a run that was killed too.
    stamps = {path: path.stat().st_mtime_ns for path in results}
    results[1].unlink()
    assert call("denoise", folder, "-m", model, "-o", out, "-q") == 0
    assert results[0].stat().st_mtime_ns == stamps[results[0]]
    assert results[1].is_file()


def test_halves_are_written_as_aretomo_calls_them(tmp_path, aretomo_two, capsys):
    out = tmp_path / "halves"
    assert call("halves", aretomo_two, "-o", out, *AS_FINE, "-q") == 0
    pairs = volume_halves(out)
    assert [pair.name for pair in pairs] == ["TS_01_Vol", "TS_02_Vol"]
    odd, even = pairs[0].opened()
    assert odd.shape == SHAPE
    assert odd.voxel_size_angstrom == pytest.approx(VOXEL)
    assert np.corrcoef((odd[:] + even[:]).ravel(), truth().ravel())[0, 1] > 0.4
    # Once more: one is gone, the other is left.
    (out / "TS_02_EVN_Vol.mrc").unlink()
    before = pairs[0].odd.stat().st_mtime_ns
    capsys.readouterr()
    assert call("halves", aretomo_two, "-o", out, *AS_FINE, "-q") == 0
    assert "Was made before" in said(capsys)
    assert pairs[0].odd.stat().st_mtime_ns == before
    assert (out / "TS_02_EVN_Vol.mrc").is_file()
    # At another voxel size it is made anew, and so it is when the alignment is newer.
    assert call("halves", aretomo_two, "-o", out, "--voxel-size", 20, "-q") == 0
    assert open_volume(pairs[0].odd).voxel_size_angstrom == pytest.approx(20)
    later = pairs[0].odd.stat().st_mtime + 5
    os.utime(aretomo_two / "TS_01.aln", (later, later))
    capsys.readouterr()
    assert call("halves", aretomo_two, "-o", out, "--voxel-size", 20, "-q") == 0
    assert said(capsys).count("Was made before") == 1
    assert call("train", out, "-o", tmp_path / "m.safetensors", *QUICKLY) == 0


@pytest.mark.parametrize("command", ["halves", "train", "denoise"])
def test_one_torn_series_stops_nobody(tmp_path, aretomo_two, command, capsys):
    model = tmp_path / "m.safetensors"
    if command == "denoise":
        assert call("train", aretomo_two, "-o", model, *QUICKLY) == 0
    torn = aretomo_two / "TS_01_EVN.mrc"
    torn.write_bytes(torn.read_bytes()[:5000])
    out = tmp_path / "out"
    arguments = {
        "halves": ["-o", out, *AS_FINE, "-q"],
        "train": ["-o", model, *QUICKLY],
        "denoise": ["-o", out, "-m", model, "-q"],
    }[command]
    capsys.readouterr()
    assert call(command, aretomo_two, *arguments) == 1
    assert "TS_01_EVN.mrc" in said(capsys).replace(" ", "")
    if command == "train":
        assert load_denoiser(model).provenance.trained_on == ("TS_02",)
    else:
        assert [path.name[:5] for path in out.glob("TS_02*")]
        assert not [*out.glob("TS_01*")]


def test_relions_columns_survive(tmp_path):
    project = relion(tmp_path / "project")
    out = project / "halves"
    given = project / "aligned_tilt_series.star"
    assert call("halves", given, "-o", out, "--voxel-size", 2 * VOXEL, "-q") == 0
    text = (out / "tomograms.star").read_text()
    for column in ("OpticsGroupName", "TomoHand", "TomoTiltSeriesStarFile"):
        assert f"_rln{column} " in text
    for column in ("Half1", "Half2"):
        assert f"_rlnTomoReconstructedTomogram{column}" in text
    assert "_rlnTomoTomogramBinning" in text
    assert "\t2.000000" in text
    pairs = volume_halves(out)
    assert [pair.even.name for pair in pairs] == ["TS_01_EVN_Vol.mrc", "TS_02_EVN_Vol.mrc"]
    model, denoised = tmp_path / "m.safetensors", project / "denoised"
    assert call("train", out, "-o", model, *QUICKLY) == 0
    assert call("denoise", given, "-m", model, "-o", denoised, "-q") == 0
    text = (denoised / "tomograms.star").read_text()
    assert "denoised/TS_02.mrc" in text
    assert "_rlnTomoHand " in text


def test_origins_of_volumes_survive(tmp_path):
    folder = warp(tmp_path / "warp", ("TS_01",))
    for path in folder.rglob("*Apx.mrc"):
        with mrcfile.open(path, "r+") as volume:
            volume.header.origin = (10, 20, 30)
    model, out = tmp_path / "m.safetensors", tmp_path / "denoised"
    assert call("train", folder, "-o", model, *QUICKLY) == 0
    assert call("denoise", folder, "-m", model, "-o", out, "-q") == 0
    (result,) = out.glob("*.mrc")
    assert open_volume(result).origin_angstrom == (30, 20, 10)
    assert "napari-n2n: denoised" in labels_of(result)


def test_a_model_of_images_and_warps_tilt_series_are_refused_in_a_sentence(
    tmp_path, aretomo_two, capsys
):
    assert call("denoise", aretomo_two, "-M", "photographs", "-o", tmp_path / "d") == 1
    assert "the model is for images" in said(capsys)


def test_single_volumes_are_trained_on_by_themselves(tmp_path, capsys):
    folder = warp(tmp_path / "warp", ("TS_01", "TS_02")) / "reconstruction" / "odd"
    torn = folder / f"TS_03_{VOXEL:.2f}Apx.mrc"
    torn.write_bytes((folder / f"TS_01_{VOXEL:.2f}Apx.mrc").read_bytes()[:4000])
    model = tmp_path / "m.safetensors"
    alone = tmp_path / "alone"
    folder.rename(alone)
    assert call("train", alone, "-o", model, *QUICKLY) == 1
    told = said(capsys)
    assert "single tomograms, without halves" in told
    assert "TS_03" in told
    trained = load_denoiser(model)
    assert trained.ndim == 3
    assert len(trained.provenance.trained_on) == 2
    out = tmp_path / "out"
    given = alone / f"TS_01_{VOXEL:.2f}Apx.mrc"
    assert call("denoise", given, "-m", model, "-o", out, "-q") == 0
    (result,) = out.glob("*.mrc")
    assert open_volume(result).shape == SHAPE
