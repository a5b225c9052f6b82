import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from napari_n2n.cli import app
from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.io import read_micrograph, write_micrograph, write_volume

from ..command_line import call


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two simulated movies, their halves, and a model trained on them for a moment."""
    folder = tmp_path_factory.mktemp("sample")
    assert call("simulate", folder / "movies", "--size", 256, "--frames", 8, "--movies", 2) == 0
    movies = [folder / "movies" / f"apoferritin_{i:02d}.mrc" for i in range(2)]
    assert call("halves", *movies, "-o", folder / "halves", "--dose-per-frame", 1) == 0
    model = folder / "model.safetensors"
    assert call("train", folder / "halves", "-o", model, "--max-time", "2s") == 0
    return folder


def test_simulated_movies_come_with_their_truth(sample):
    names = {path.name for path in (sample / "movies").iterdir()}
    assert {
        "apoferritin_00.mrc",
        "apoferritin_00_clean.mrc",
        "apoferritin_00_particles.csv",
    } <= names


def test_halves_add_up_to_the_full_sum(sample):
    odd, even, full = (
        read_micrograph(sample / "halves" / f"apoferritin_00{half}.mrc").pixels
        for half in ("_ODD", "_EVN", "")
    )
    np.testing.assert_allclose(odd + even, full, atol=1e-3)


def test_train_says_what_it_made(sample, capsys):
    changes = ("--set", "working_pixel_size_angstrom=2", "--set", "crop=64")
    model = sample / "t.safetensors"
    assert call("train", sample / "halves", "-o", model, "--max-time", "1s", *changes, "-q") == 0
    out = capsys.readouterr().out
    assert "light U-Net, 2 Å/px" in out
    assert load_denoiser(sample / "t.safetensors").training.crop == 64


def test_pairs_can_be_given_as_patterns(sample):
    halves = sample / "halves"
    assert call("train", "--odd", f"{halves}/*_ODD.mrc", "--even", f"{halves}/*_EVN.mrc",
                "-o", sample / "p.safetensors", "--max-time", "1s", "-q") == 0  # fmt: skip
    assert load_denoiser(sample / "p.safetensors").provenance.trained_on == (
        "apoferritin_00_ODD.mrc",
        "apoferritin_01_ODD.mrc",
    )


def test_denoise_keeps_name_shape_and_pixel_size(sample, tmp_path):
    source = sample / "halves" / "apoferritin_00.mrc"
    model = sample / "model.safetensors"
    assert call("denoise", source, "-M", model, "-o", tmp_path / "out", "-q") == 0
    raw, result = read_micrograph(source), read_micrograph(tmp_path / "out" / "apoferritin_00.mrc")
    assert result.pixels.shape == raw.pixels.shape
    assert result.pixel_size_angstrom == pytest.approx(raw.pixel_size_angstrom)
    assert result.pixels.std() < raw.pixels.std()


def test_denoise_needs_no_model_and_says_which_it_took(sample, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = sample / "halves" / "apoferritin_00.mrc"
    assert call("denoise", source, "-q") == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(Path("denoised") / "apoferritin_00.mrc")
    assert f"Model: {general_denoiser().summary}." in said.err
    unasked = read_micrograph(tmp_path / "denoised" / "apoferritin_00.mrc").pixels
    assert call("denoise", source, "-M", "general", "-o", "asked", "-q") == 0
    asked = read_micrograph(tmp_path / "asked" / "apoferritin_00.mrc").pixels
    np.testing.assert_array_equal(asked, unasked)


def test_training_can_start_from_nothing(sample, tmp_path):
    for name, arguments in (("started", ()), ("scratch", ("--from-scratch",))):
        model = tmp_path / f"{name}.safetensors"
        arguments = (sample / "halves", "-o", model, "--max-time", "1s", "-q", *arguments)
        assert call("train", *arguments) == 0
        assert load_denoiser(model).training.from_scratch == (name == "scratch")


def test_ctrl_c_while_denoising_leaves_whole_files_only(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        pixels = rng.normal(size=(512, 512)).astype(np.float32)
        write_micrograph(tmp_path / f"{number:02d}.mrc", pixels, 1.0)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "napari_n2n.cli", "denoise", str(tmp_path), "-o", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(out.glob("*.mrc")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "of 40 files are done" in said
    assert 0 < len(list(out.iterdir())) < 40
    for path in out.iterdir():
        assert read_micrograph(path).pixels.shape == (512, 512)


def test_a_movie_is_aligned_and_its_halves_are_denoised(sample, tmp_path, capsys):
    movie = sample / "movies" / "apoferritin_01.mrc"
    assert call("denoise", movie, "-M", sample / "model.safetensors", "-o", tmp_path, "-q") == 0
    result = read_micrograph(tmp_path / "apoferritin_01.mrc").pixels
    full = read_micrograph(sample / "halves" / "apoferritin_01.mrc").pixels
    assert result.shape == full.shape
    assert result.mean() == pytest.approx(full.mean(), rel=0.05)
    assert "The halves agree" in capsys.readouterr().err


def test_a_gain_reference_is_laid_on_movies_that_are_denoised(sample, tmp_path, capsys):
    movie = sample / "movies" / "apoferritin_01.mrc"
    with mrcfile.open(movie) as opened:
        frames = opened.data.astype(np.float32)
    gain = np.ones(frames.shape[1:], np.float32)
    # Too bright as no fault of a camera is that could be found and taken off: by and by.
    gain[:] = 1 / (1 + 0.2 * np.cos(np.arange(gain.shape[1]) * 2 * np.pi / 64))
    with mrcfile.new(tmp_path / "raw.mrc") as raw:
        raw.set_data(frames / gain)
        raw.set_image_stack()
        raw.voxel_size = 1.0
    write_micrograph(tmp_path / "gain.mrc", gain, 1.0)
    gain_given = ["--gain", tmp_path / "gain.mrc"]
    results = []
    for path, more in ((movie, []), (tmp_path / "raw.mrc", []), (tmp_path / "raw.mrc", gain_given)):
        assert call("denoise", path, *more, "--aligned", "-o", tmp_path / "out", "-q") == 0
        results.append(read_micrograph(tmp_path / "out" / path.name).pixels)
    plain, wrong, right = results
    assert np.abs(wrong - plain).mean() > 0.5 * plain.std()
    np.testing.assert_allclose(right, plain, atol=0.01 * plain.std())
    write_micrograph(tmp_path / "small.mrc", gain[:9, :9], 1.0)
    more = ["--gain", tmp_path / "small.mrc", "-o", tmp_path / "none", "-q"]
    assert call("denoise", tmp_path / "raw.mrc", *more) == 1
    assert "9 × 9" in capsys.readouterr().err


def test_one_torn_file_is_named_and_the_rest_are_done(sample, tmp_path, capsys):
    good = sample / "halves" / "apoferritin_00.mrc"
    torn = tmp_path / "torn.mrc"
    torn.write_bytes(good.read_bytes()[:5000])
    code = call("denoise", torn, good, "-M", sample / "model.safetensors", "-o", tmp_path / "out")
    said = capsys.readouterr().err
    assert code == 1
    assert "torn.mrc" in said
    assert "1 of 2 files failed" in said
    assert "Traceback" not in said
    assert (tmp_path / "out" / "apoferritin_00.mrc").is_file()


def test_an_input_is_never_overwritten(sample, tmp_path, capsys):
    source = tmp_path / "a.mrc"
    source.write_bytes((sample / "halves" / "apoferritin_00.mrc").read_bytes())
    before = source.read_bytes()
    assert call("denoise", source, "-M", sample / "model.safetensors", "-o", tmp_path) == 1
    assert source.read_bytes() == before
    assert "is the input itself" in capsys.readouterr().err


def test_a_compressed_movie_leaves_its_name_without_extensions(sample, tmp_path):
    packed = tmp_path / "a.mrc.gz"
    packed.write_bytes(gzip.compress((sample / "movies" / "apoferritin_00.mrc").read_bytes()))
    assert call("halves", packed, "-o", tmp_path / "halves", "--aligned", "-q") == 0
    assert {"a.mrc", "a_ODD.mrc", "a_EVN.mrc"} <= {p.name for p in (tmp_path / "halves").iterdir()}


def test_a_half_without_its_other_half_is_named(sample, tmp_path, capsys):
    for path in (sample / "halves").glob("*_00_*.mrc"):
        shutil.copy(path, tmp_path)
    shutil.copy(sample / "halves" / "apoferritin_01_ODD.mrc", tmp_path)
    assert call("train", tmp_path, "-o", tmp_path / "m.safetensors", "--max-time", "1s") == 0
    assert "apoferritin_01_ODD.mrc" in capsys.readouterr().err


def test_a_volume_is_refused_with_a_way_out(sample, tmp_path, capsys):
    with mrcfile.new(tmp_path / "v.mrc", np.ones((4, 64, 64), np.float32)) as volume:
        volume.set_volume()
    out = tmp_path / "out"
    code = call("denoise", tmp_path / "v.mrc", "-M", sample / "model.safetensors", "-o", out)
    assert code == 1
    assert "holds tomograms, and the model is for images" in (said := capsys.readouterr().err)
    assert "--kind movie" in said
    assert call("halves", tmp_path / "v.mrc", "-o", out) == 1
    assert "--kind movie" in capsys.readouterr().err


def test_two_inputs_of_one_name_are_refused(sample, tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_micrograph(tmp_path / folder / "x.mrc", np.eye(64, dtype=np.float32), 1.0)
    inputs = (tmp_path / "a" / "x.mrc", tmp_path / "b" / "x.mrc")
    assert call("denoise", *inputs, "-M", sample / "model.safetensors", "-o", tmp_path) == 1
    assert "result of both" in capsys.readouterr().err


def test_evaluate_speaks_json(sample, capsys):
    clean = sample / "movies" / "apoferritin_00_clean.mrc"
    assert call("evaluate", clean, "--reference", clean, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["correlation"] == pytest.approx(1)
    assert figures["frc_resolution_angstrom"] == pytest.approx(2.0)


def test_evaluate_can_keep_to_a_band(sample, capsys):
    noisy = sample / "halves" / "apoferritin_00.mrc"
    clean = sample / "movies" / "apoferritin_00_clean.mrc"
    found = []
    for band in ((), ("--band", 0.003, 0.05)):
        assert call("evaluate", noisy, "--reference", clean, "--json", *band) == 0
        found.append(json.loads(capsys.readouterr().out)["correlation"])
    assert found[1] > 1.5 * found[0]


def test_info_says_what_a_file_holds(sample, tmp_path, capsys):
    assert call("info", sample / "movies" / "apoferritin_00.mrc") == 0
    out = capsys.readouterr().out
    assert "movie" in out
    assert "256 × 256 px, 8 frames" in out
    assert "1 Å/px" in out
    (tmp_path / "text.mrc").write_text("no image")
    assert call("info", tmp_path / "text.mrc") == 1
    assert "text.mrc" in capsys.readouterr().err


def test_what_info_notes_of_many_files_names_them(tmp_path, capsys):
    for name in "ab":
        write_micrograph(tmp_path / f"{name}.mrc", np.ones((32, 32), np.float32), None)
    assert call("info", tmp_path) == 0
    notes = capsys.readouterr().err.splitlines()
    assert [note.split(": ")[1] for note in notes] == ["a.mrc", "b.mrc"]
    assert all("gives no pixel size" in note for note in notes)


def test_info_tells_of_a_tomogram_its_voxels_and_its_halves(tmp_path, capsys):
    voxels = np.random.default_rng(0).normal(size=(8, 40, 50)).astype(np.float32)
    for name in ("TS_01_Vol.mrc", "TS_01_EVN_Vol.mrc", "TS_01_ODD_Vol.mrc", "TS_02.ome.zarr"):
        write_volume(tmp_path / name, voxels, voxel_size_angstrom=10.7)
    assert call("info", tmp_path) == 0
    said = capsys.readouterr()
    assert said.out.count(": volume, ") == len(said.out.splitlines()) == 4
    assert said.out.count("50 × 40 px, 8 sections, float32, 10.7 Å/voxel") == 4
    assert "volume, OME-Zarr 0.4" in said.out
    assert "Its halves lie beside it: TS_01_ODD_Vol.mrc and TS_01_EVN_Vol.mrc." in said.err
    assert "it is an even half; the odd one is TS_01_ODD_Vol.mrc" in said.err


def test_info_tells_in_one_line_where_a_header_departs_from_mrc2014(tmp_path, capsys):
    path = tmp_path / "stack.mrc"
    write_micrograph(path, np.ones((32, 32), np.float32), 1.0)
    assert call("info", path) == 0
    assert "MRC2014" not in capsys.readouterr().err
    data = bytearray(path.read_bytes())
    words = np.frombuffer(data, "<i4", 256)
    words[27], words[55] = 0, 3  # version, number of labels
    path.write_bytes(data)
    assert call("info", path) == 0
    said = capsys.readouterr()
    assert "32 × 32 px, float32" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("Note: stack.mrc: MRC2014: ")
    assert "nlabl is 3 but 1 labels contain text; File does not declare" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train",), "folder of halves"),
        (("train", "nowhere"), "nowhere"),
        (("train", ".", "--max-time", "soon"), "no time"),
        (("train", ".", "--set", "crops=7"), "no setting 'crops'"),
        (("train", ".", "--set", "crop"), "field=value"),
        (("denoise", "nothing.mrc", "-M", "m", "-o", "."), "nothing.mrc"),
        (("simulate", ".", "--size", "1"), "--size"),
        (("halves", "here.mrc", "-o", ".", "--pixel-size", "nan"), "--pixel-size"),
        (("halves", "here.mrc", "-o", ".", "--eer-upsampling", "3"), "upsampling"),
    ],
)
def test_a_wrong_command_is_answered_in_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write_micrograph("here.mrc", np.eye(64, dtype=np.float32), 1.0)
    assert call(*arguments) in (1, 2)
    captured = capsys.readouterr()
    assert said in captured.err + captured.out
    assert "Traceback" not in captured.err


def test_movies_are_not_trained_on_and_how_to_make_halves_is_said(sample, capsys):
    assert call("train", sample / "movies") == 1
    assert "napari-n2n halves" in capsys.readouterr().err


def test_micrographs_without_halves_are_trained_on_and_the_limits_are_said(
    sample, tmp_path, capsys
):
    model = tmp_path / "m.safetensors"
    sums = [sample / "halves" / f"apoferritin_{i:02d}.mrc" for i in range(2)]
    assert call("train", *sums, "-o", model, "--max-time", "1s", "-q") == 0
    said = capsys.readouterr()
    assert "2 without halves" in said.out
    assert "neighbouring pixels share" in said.err
    trained = load_denoiser(model).provenance
    assert trained.pairing == "subsets"
    assert trained.trained_on == ("apoferritin_00.mrc", "apoferritin_01.mrc")


def test_halves_among_the_files_are_preferred(sample, tmp_path, capsys):
    model = tmp_path / "m.safetensors"
    halves = sample / "halves"
    other = tmp_path / "other.mrc"
    write_micrograph(other, np.eye(64, dtype=np.float32), 1.0)
    assert call("train", f"{halves}/*.mrc", other, "-o", model, "--max-time", "1s", "-q") == 0
    assert load_denoiser(model).provenance.trained_on == (
        "apoferritin_00_ODD.mrc",
        "apoferritin_01_ODD.mrc",
    )
    said = capsys.readouterr().err
    assert "Left out, for want of halves of them: other.mrc." in said


def test_ctrl_c_saves_and_resume_goes_on(sample, tmp_path):
    model = tmp_path / "m.safetensors"
    arguments = ["train", str(sample / "halves"), "-o", str(model), "-q"]
    command = [sys.executable, "-m", "napari_n2n.cli", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not _has_worked_for(process.pid, 10) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "--resume goes on" in said
    stopped_at = load_denoiser(model).provenance.steps
    assert stopped_at > 0
    assert call(*arguments, "--resume", "--max-time", "1s") == 0
    assert load_denoiser(model).provenance.steps >= stopped_at


def _has_worked_for(pid: int, seconds: float) -> bool:
    """Whether a process has used that much processor time; before training it takes two to five."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system > seconds


def test_the_demo_gets_closer_to_the_truth_than_any_gaussian(tmp_path, capsys):
    arguments = ("--headless", "-o", tmp_path, "--size", 512, "--max-time", "4s", "-q")
    assert call("demo", *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    raw, gaussian, denoised = (float(line.split()[-1]) for line in lines[1:4])
    assert raw < gaussian < denoised
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "denoised" / "apoferritin_00.mrc").is_file()


def test_every_command_explains_itself():
    for command in app.registered_commands:
        name = command.callback.__name__.replace("_", "-")
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert command.callback.__doc__.splitlines()[0].split(";")[0][:30] in shown.output
