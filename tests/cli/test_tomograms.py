"""Tomograms on the command line: `train FOLDER` and `denoise FOLDER`, with no other option."""

from dataclasses import replace

import numpy as np
import pytest

from napari_n2n.denoising.checkpoints import Provenance, load_denoiser, save_denoiser
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.io import open_volume, write_micrograph, write_volume
from napari_n2n.io.outputs import labels_of

from ..command_line import call

SHAPE = (16, 40, 36)
QUICKLY = [
    *("--set", "steps=3", "--set", "crop=16", "--set", "working_pixel_size_angstrom=12", "-q"),
    *("--set", 'network={"name":"tiny","ndim":3,"encoder":[[4],[4]],"decoder":[[4]]}'),
]


def halves(folder, name, *, odd="_ODD_Vol", even="_EVN_Vol"):
    rng = np.random.default_rng(len(name))
    specimen = rng.normal(size=SHAPE)
    for half in (odd, even):
        voxels = (specimen + rng.normal(0, 2, SHAPE)).astype(np.float32)
        write_volume(folder / f"{name}{half}.mrc", voxels, voxel_size_angstrom=10.0)


@pytest.fixture
def aretomo(tmp_path):
    folder = tmp_path / "AreTomo"
    folder.mkdir()
    halves(folder, "TS_01")
    halves(folder, "TS_002")
    return folder


@pytest.fixture
def model(aretomo, tmp_path):
    path = tmp_path / "model.safetensors"
    assert call("train", aretomo, "-o", path, *QUICKLY) == 0
    return path


def test_a_folder_is_trained_on_and_denoised(aretomo, model, tmp_path, capsys):
    trained = load_denoiser(model)
    assert (trained.ndim, trained.working_pixel_size_angstrom) == (3, 12.0)
    assert trained.provenance.trained_on == ("TS_002_Vol", "TS_01_Vol")
    capsys.readouterr()
    out = tmp_path / "denoised"
    assert call("denoise", aretomo, "-m", model, "-o", out, "-q") == 0
    said = capsys.readouterr()
    assert "nothing finer than 24 Å" in said.err
    for name in ("TS_01_Vol", "TS_002_Vol"):
        result = open_volume(out / f"{name}.mrc")
        assert result.shape == SHAPE
        assert result.voxel_size_angstrom == pytest.approx(10.0)
        assert "napari-n2n: denoised" in labels_of(out / f"{name}.mrc")


def test_what_is_done_is_left_and_what_is_missing_is_made(aretomo, model, tmp_path, capsys):
    out = tmp_path / "denoised"
    assert call("denoise", aretomo, "-m", model, "-o", out, "-q") == 0
    before = (out / "TS_01_Vol.mrc").stat().st_mtime_ns
    (out / "TS_002_Vol.mrc").unlink()
    capsys.readouterr()
    assert call("denoise", aretomo, "-m", model, "-o", out, "-q") == 0
    assert "TS_01_ODD_Vol.mrc: Was denoised before" in capsys.readouterr().err.replace("\n", " ")
    assert (out / "TS_01_Vol.mrc").stat().st_mtime_ns == before
    assert (out / "TS_002_Vol.mrc").is_file()


def test_a_torn_tomogram_stops_no_other(aretomo, model, tmp_path, capsys):
    torn = aretomo / "TS_01_ODD_Vol.mrc"
    torn.write_bytes(torn.read_bytes()[:5000])
    out = tmp_path / "denoised"
    assert call("denoise", aretomo, "-m", model, "-o", out, "-q") == 1
    assert "TS_01_ODD_Vol.mrc" in capsys.readouterr().err.replace("\n", "")
    assert (out / "TS_002_Vol.mrc").is_file()
    assert call("train", aretomo, "-o", tmp_path / "other.safetensors", *QUICKLY) == 1
    assert "TS_01_ODD_Vol.mrc" in capsys.readouterr().err.replace("\n", "")
    assert load_denoiser(tmp_path / "other.safetensors").provenance.trained_on == ("TS_002_Vol",)


def test_nan_in_one_tomogram_is_named_and_the_others_are_trained_on(aretomo, tmp_path, capsys):
    path = aretomo / "TS_01_EVN_Vol.mrc"
    data = bytearray(path.read_bytes())
    np.frombuffer(data, "<f4", offset=1024)[777] = np.nan
    path.write_bytes(data)
    assert call("train", aretomo, "-o", tmp_path / "m.safetensors", *QUICKLY) == 1
    said = capsys.readouterr().err.replace("\n", "")
    assert "TS_01_EVN_Vol.mrc" in said
    assert "NaN" in said


def test_relions_list_gets_the_denoised_tomograms(model, tmp_path, capsys):
    project = tmp_path / "project"
    (project / "tomograms").mkdir(parents=True)
    halves(project / "tomograms", "rec_TS_01", odd="_half2", even="_half1")
    (project / "tomograms.star").write_text(
        "# version 50001\n\ndata_global\n\nloop_\n_rlnTomoName #1\n"
        "_rlnTomoReconstructedTomogramHalf1 #2\n_rlnTomoReconstructedTomogramHalf2 #3\n"
        "TS_01 tomograms/rec_TS_01_half1.mrc tomograms/rec_TS_01_half2.mrc\n"
    )
    out = project / "denoised"
    assert call("denoise", project, "-m", model, "-o", out, "-q") == 0
    written = (out / "tomograms.star").read_text()
    assert "_rlnTomoReconstructedTomogramDenoised" in written
    assert "denoised/TS_01.mrc" in written
    assert (out / "TS_01.mrc").is_file()


def test_a_single_volume_is_denoised_by_itself(aretomo, model, tmp_path):
    out = tmp_path / "denoised"
    assert call("denoise", aretomo / "TS_01_ODD_Vol.mrc", "-m", model, "-o", out, "-q") == 0
    assert open_volume(out / "TS_01_ODD_Vol.mrc").shape == SHAPE


@pytest.mark.parametrize("given", ["AreTomo", "AreTomo/TS_01_ODD_Vol.mrc"])
def test_without_a_model_tomograms_are_denoised_by_the_general_one(given, aretomo, capsys):
    out = aretomo.parent / "denoised"
    assert call("denoise", aretomo.parent / given, "-o", out, "-q", "--device", "cpu") == 0
    assert "general-3d model" in capsys.readouterr().err.replace("\n", " ")
    assert {open_volume(path).shape for path in out.iterdir()} == {SHAPE}


def test_models_and_files_that_do_not_go_together_are_refused(aretomo, model, tmp_path, capsys):
    of_images = tmp_path / "images.safetensors"
    general = general_denoiser()
    save_denoiser(of_images, replace(general, provenance=Provenance()))
    assert call("denoise", aretomo, "-m", of_images, "-o", tmp_path / "d") == 1
    said = capsys.readouterr().err.replace("\n", " ")
    assert "holds tomograms, and the model is for images" in said
    assert "general-3d" in said
    assert "napari-n2n train" in said
    image = tmp_path / "image.mrc"
    write_micrograph(image, np.ones((64, 64), np.float32), 4.0)
    assert call("denoise", aretomo, image, "-o", tmp_path / "d") == 1
    assert "tomograms and micrographs apart" in capsys.readouterr().err.replace("\n", " ")
    assert call("denoise", image, "-m", model, "-o", tmp_path / "d") == 1
    assert "no volume" in capsys.readouterr().err.replace("\n", " ")
    for command, given in (("pick", image), ("screen", tmp_path)):
        where = ["-o", tmp_path / "p.star"] if command == "pick" else []
        assert call(command, given, "--model", model, *where) == 1
        assert "is for volumes, and this is an image" in capsys.readouterr().err.replace("\n", " ")
    assert call("train", aretomo, image, "-o", tmp_path / "m.safetensors", *QUICKLY) == 1
    assert "apart" in capsys.readouterr().err


def test_the_general_model_can_be_made_anew(tmp_path, capsys):
    made = tmp_path / "mine.safetensors"
    few = ("--fields", 4, "--max-time", "1s", "--device", "cpu", "-q")
    assert call("train-general", "--tomograms", "-o", made, *few) == 0
    assert "4 simulated tomograms" in capsys.readouterr().out
    loaded = load_denoiser(made)
    assert (loaded.ndim, loaded.working_pixel_size_angstrom, loaded.calibrate) == (3, 14.0, True)
