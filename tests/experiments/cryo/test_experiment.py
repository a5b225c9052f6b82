"""The cryo-EM experiments end to end, as small as they can be."""

import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from napari_n2n import metrics
from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.experiments.cryo.experiment import reproduce_cryo_steps
from napari_n2n.experiments.cryo.settings import CryoSettings
from napari_n2n.experiments.protocol import OtherSettings
from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated
from napari_n2n.workflow.recording import RecordingOptions

SMALLEST = CryoSettings(count=3, size=256, frames=4, budget_minutes=0.01, seed=1)


def run(folder, settings, stop=lambda: False):
    return run_to_end(reproduce_cryo_steps(folder, settings, stop=stop))


def figures(folder, stage):
    return json.loads((folder / "stages" / f"{stage}.json").read_text())["figures"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished experiment on simulated movies."""
    folder = tmp_path_factory.mktemp("finished")
    run(folder, SMALLEST)
    return folder


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """Return a folder with three movies, one of them torn, and the gain reference beside them."""
    folder = tmp_path_factory.mktemp("movies")
    for seed in range(3):
        config = SimulationConfig(shape=(160, 160), n_frames=4, seed=seed)
        write_simulated(build_scene(config), folder, f"night_{seed}")
    for kind in ("clean.mrc", "particles.csv", "drift.csv"):
        for path in folder.glob(f"*_{kind}"):
            path.unlink()
    write_micrograph(folder / "gain.mrc", np.ones((160, 160)) + np.eye(160) / 9, 1.0)
    torn = folder / "night_1.mrc"
    torn.write_bytes(torn.read_bytes()[:50_000])
    return folder


def test_the_micrographs_that_are_judged_were_not_trained_on(finished):
    for network in ("paper", "light"):
        made = load_denoiser(finished / "models" / f"train-{network}.safetensors")
        assert made.provenance.trained_on == (
            "apoferritin_00_ODD.mrc",
            "apoferritin_01_ODD.mrc",
        )
        assert made.provenance.started_from is None, "noisy images alone teach"
    assert not (finished / "stages" / "judge-apoferritin_01.json").exists()
    assert (finished / "stages" / "judge-apoferritin_02.json").exists()


def test_the_papers_network_is_trained_as_the_paper_says(finished):
    training = load_denoiser(finished / "models" / "train-paper.safetensors").training
    assert training.network.name == "paper"
    assert (training.crop, training.batch, training.epochs) == (640, 4, 500)
    assert training.working_pixel_size_angstrom is None
    assert training.learning_rate == 1e-3


def test_the_report_tells_the_share_of_the_papers_epochs_that_was_trained(finished):
    made = figures(finished, "train-paper")
    assert made["epochs"] == made["steps"] * 4 / 2
    assert f"the budget allowed {made['epochs'] / 5:.1f} % of them" in (
        finished / "report.html"
    ).read_text(encoding="utf-8")


def test_figures_are_those_of_the_files_that_are_left(finished):
    clean = read_micrograph(finished / "clean" / "apoferritin_02.mrc").pixels
    full = read_micrograph(finished / "halves" / "apoferritin_02.mrc").pixels
    odd, even = (
        read_micrograph(finished / "denoised" / "light" / f"apoferritin_02_{half}.mrc").pixels
        for half in ("ODD", "EVN")
    )
    truth = figures(finished, "judge-apoferritin_02")["truth"]
    assert truth["raw"]["correlation"] == pytest.approx(metrics.correlation(full, clean), abs=1e-4)
    assert truth["light"]["correlation"] == pytest.approx(
        metrics.correlation((odd + even) / 2, clean), abs=1e-4
    )
    assert truth["gaussian"]["correlation"] > truth["raw"]["correlation"]


def test_the_report_needs_nothing_else_and_holds_settings_versions_tables_plots_pictures(finished):
    text = (finished / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert text.count('src="data:image/png') == 2 * 6, "raw, low-pass, three networks, truth"
    assert text.count("<svg") == 3
    for told in (
        "seed",
        "torch",
        "PSNR",
        "FRC",
        "paper&#x27;s network",
        "general model",
        "of comp",
    ):
        assert told in text
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"base64,[^\"]*", "", text))


def test_a_finished_experiment_is_not_run_again_but_its_report_is_written_anew(finished):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    (finished / "report.html").unlink()
    run(finished, SMALLEST)
    after = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    assert {p for p in after if after[p] != before[p]} == {finished / "report.html"}


def test_other_settings_are_refused(finished):
    with pytest.raises(OtherSettings, match="budget_minutes"):
        run(finished, SMALLEST.replaced(budget_minutes=5))


def test_a_training_that_is_stopped_goes_on_where_it_was(tmp_path):
    settings = SMALLEST.replaced(budget_minutes=60, count=2)
    steps = 0
    asked = []

    def training(folder):
        nonlocal steps
        for told in reproduce_cryo_steps(folder, settings, stop=lambda: bool(asked)):
            if isinstance(told.step, TrainingProgress):
                steps = told.step.step
                asked.append(time.process_time())

    for _ in range(2):
        before = steps
        asked.clear()
        with pytest.raises(Interrupted):
            training(tmp_path)
        # What the work takes, not what others do on this machine.
        assert time.process_time() - asked[0] < 1
        assert steps > before
    assert not (tmp_path / "stages" / "train-paper.json").exists()


def test_a_training_that_was_stopped_in_its_first_step_still_takes_one(tmp_path, monkeypatch):
    settings = SMALLEST.replaced(count=2, budget_minutes=1e-4)
    asked = []

    def stopped(*_arguments):
        asked.append(True)
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "learn", stopped)
        with pytest.raises(Interrupted):
            run(tmp_path, settings, stop=lambda: bool(asked))
    run(tmp_path, settings)
    assert figures(tmp_path, "train-paper")["steps"] == 1


def test_ones_own_movies_give_the_same_report_and_a_torn_one_is_left_out(movies, tmp_path):
    recording = RecordingOptions(gain=movies / "gain.mrc")
    settings = SMALLEST.replaced(movies=str(movies), count=None, recording=recording)
    text = run(tmp_path, settings).read_text(encoding="utf-8")
    assert "Left out" in text
    assert "night_1.mrc" in text
    assert "Against the truth" not in text
    judged = figures(tmp_path, "judge-night_2")
    assert set(judged) == {"pixel_size_angstrom", "notes", "independent", "halves"}
    raw, low_passed = (judged["independent"][what] for what in ("raw", "gaussian"))
    assert low_passed["correlation"] >= raw["correlation"]
    assert low_passed["frc"] == raw["frc"]  # which a low-pass does not change


def test_frames_with_their_rests_are_trained_one_way_and_judged_by_the_rest(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "pairs"
    for seed in range(2):
        config = SimulationConfig(shape=(256, 256), pixel_size_angstrom=1.5, seed=seed)
        clean = build_scene(config).truth.clean
        for name, dose in (("frame", 1), ("rest", 20)):
            noisy = rng.poisson(clean * dose).astype(np.float32)
            write_micrograph(folder / f"apoferritin_{seed}_{name}.mrc", noisy, None)
    for name in ("frame", "rest"):
        whole = (folder / f"apoferritin_0_{name}.mrc").read_bytes()
        (folder / f"torn_{name}.mrc").write_bytes(whole[:5000])
    recording = RecordingOptions(pixel_size_angstrom=1.5)
    settings = SMALLEST.replaced(pairs=str(folder), count=None, recording=recording)
    text = run(tmp_path / "out", settings).read_text(encoding="utf-8")
    assert "the mean of the other frames" in text
    assert (tmp_path / "out" / "pictures" / "apoferritin_1-rest.png").exists()
    assert "Agreement of the halves" not in text
    assert "torn_frame.mrc" in text  # and left out
    light = load_denoiser(tmp_path / "out" / "models" / "train-light.safetensors")
    assert light.working_pixel_size_angstrom == 6.0
    assert light.provenance.trained_on == ("apoferritin_0_frame.mrc",)
    written = read_micrograph(tmp_path / "out" / "denoised" / "paper" / "apoferritin_1_frame.mrc")
    assert written.pixel_size_angstrom == pytest.approx(1.5)
    low_pass = figures(tmp_path / "out", "judge-apoferritin_1")["independent"]["gaussian"]
    assert low_pass["correlation"] > 0.1, "both show the same specimen"


def test_one_movie_is_too_few(movies, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "night_0.mrc").write_bytes((movies / "night_0.mrc").read_bytes())
    with pytest.raises(NotEnoughData, match="at least two"):
        run(tmp_path / "out", SMALLEST.replaced(movies=str(alone), count=None))
    assert not (tmp_path / "out").exists()


def test_a_folder_without_pairs_is_refused_with_what_they_are_called(movies, tmp_path):
    with pytest.raises(UnreadableFile, match="_rest"):
        run(tmp_path, SMALLEST.replaced(pairs=str(movies)))


def test_a_gain_reference_that_is_away_for_a_moment_spoils_nothing(movies, tmp_path):
    recording = RecordingOptions(gain=tmp_path / "gain.mrc")
    settings = SMALLEST.replaced(movies=str(movies), count=None, recording=recording)
    with pytest.raises(UnreadableFile, match=r"gain\.mrc"):
        run(tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_movies_that_are_mended_are_looked_at_again(movies, tmp_path):
    folder = tmp_path / "torn"
    folder.mkdir()
    for number in range(2):
        whole = (movies / "night_0.mrc").read_bytes()
        (folder / f"{number}.mrc").write_bytes(whole[:50_000])
    settings = SMALLEST.replaced(movies=str(folder), count=None)
    with pytest.raises(NotEnoughData, match="Fewer than two"):
        run(tmp_path / "out", settings)
    assert not list((tmp_path / "out" / "stages").iterdir())


@pytest.mark.parametrize("given", [{"pixel_size_angstrom": 3.0}, {"aligned": True}])
def test_what_is_said_of_movies_is_refused_where_they_are_simulated(given):
    with pytest.raises(ValueError, match="give --movies"):
        CryoSettings(recording=RecordingOptions(**given))


def test_a_folder_of_version_0_5_0_is_gone_on_with(finished, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(finished, folder)
    (folder / "settings.json").write_text(
        '{"specimen": "apoferritin", "size": 256, "frames": 4, "budget_minutes": 0.01, "seed": 1, '
        '"movies": null, "pairs": null, "pixel_size_angstrom": null, "dose_per_frame": null, '
        '"gain": null, "gain_operation": "multiply", "gain_rotation": 0, "gain_flip": 0, '
        '"eer_frames": null, "eer_dose": null, "eer_raw_dose": null, "eer_upsampling": 1, '
        '"aligned": false, "micrographs": ["apoferritin_00", "apoferritin_01", "apoferritin_02"]}'
    )
    report = run(folder, SMALLEST)
    assert report.is_file()
    trained = [(f / "models" / "train-light.safetensors").stat() for f in (finished, folder)]
    assert trained[0].st_mtime_ns == trained[1].st_mtime_ns  # it was not trained again


def test_how_movies_were_recorded_is_kept_as_version_0_5_0_kept_it():
    recording = RecordingOptions(
        pixel_size_angstrom=0.83,
        gain=Path("/data/gain.mrc"),
        gain_rotation=1,
        eer_frames=40,
        eer_upsampling=2,
    )
    settings = CryoSettings(specimen="aldolase", movies="/data/night", recording=recording)
    # fmt: off
    assert settings.kept() == {
        "specimen": "aldolase", "count": None, "size": 2048, "frames": 40, "budget_minutes": 30.0,
        "seed": 0, "movies": "/data/night", "pairs": None, "pixel_size_angstrom": 0.83,
        "dose_per_frame": None, "gain": "/data/gain.mrc", "gain_operation": "multiply",
        "gain_rotation": 1, "gain_flip": 0, "eer_frames": 40, "eer_dose": None,
        "eer_raw_dose": None, "eer_upsampling": 2, "aligned": False,
    }
    # fmt: on
    told = settings.told()
    assert told["gain reference"] == "/data/gain.mrc"
    assert told["turn gain"] == "90°"
    assert told["pixel size"] == "0.83 Å"
