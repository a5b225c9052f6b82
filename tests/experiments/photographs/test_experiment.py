import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_n2n.denoising.checkpoints import load_denoiser, save_denoiser
from napari_n2n.experiments.photographs import comparisons, stages, trials
from napari_n2n.experiments.photographs.experiment import reproduce_photographs_steps
from napari_n2n.experiments.photographs.settings import PhotographSettings
from napari_n2n.experiments.protocol import ExperimentFolder, ExperimentProgress, OtherSettings
from napari_n2n.progress import Interrupted, run_to_end


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Return two folders of small colour pictures: four to train on, two to judge by."""
    rng = np.random.default_rng(0)
    top = tmp_path_factory.mktemp("photographs")
    for folder, count in (("train", 4), ("test", 2)):
        (top / folder).mkdir()
        for number in range(count):
            coarse = rng.integers(0, 255, (6, 7, 3), np.uint8)
            picture = Image.fromarray(coarse).resize((56, 48), Image.Resampling.NEAREST)
            picture.save(top / folder / f"{number}.png")
    return top


@pytest.fixture(scope="module")
def settings(photographs):
    return PhotographSettings(
        train=str(photographs / "train"),
        test=str(photographs / "test"),
        budget_minutes=0.01,
        network="light",
        crop=32,
        claim_counts=(1, 100),
    )


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory):
    """Return the folder of an experiment that was stopped on the way, and finished."""
    folder = tmp_path_factory.mktemp("lab")
    told = []
    with pytest.raises(Interrupted):
        run_to_end(
            reproduce_photographs_steps(folder, settings, stop=lambda: len(told) > 20), told.append
        )
    assert not (folder / "report.html").exists()
    assert run_to_end(reproduce_photographs_steps(folder, settings)) == folder / "report.html"
    return folder


def test_the_report_stands_alone_and_shows_everything(finished):
    text = (finished / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    for wanted in (
        "Table I", "28.14", "non-local means", "Noisy targets and clean ones", "+2.56",
        "mean 20", "clipped; trained on zero mean", "28.13 dB", "light network", "scikit-image",
    ):  # fmt: skip
        assert wanted in text, wanted
    # Two photographs, each noisy, denoised by two methods, and clean.
    assert text.count("data:image/png") == 8
    assert text.count("<svg") >= 1


def test_what_is_finished_is_not_done_again(finished, settings, monkeypatch):
    monkeypatch.setattr(trials, "train_photographs_steps", None)
    for work in ("judge_steps", "write_detail"):
        monkeypatch.setattr(stages, work, None)
    told = []
    run_to_end(reproduce_photographs_steps(finished, settings), told.append)
    assert not any(isinstance(step, ExperimentProgress) for step in told)


def test_other_settings_are_refused(finished, settings):
    with pytest.raises(OtherSettings, match="seed"):
        run_to_end(reproduce_photographs_steps(finished, settings.replaced(seed=1)))


def test_comparisons_differ_in_one_thing(finished):
    models = {path.stem for path in (finished / "models").glob("*.safetensors")}
    assert {"claim-1-noisy", "claim-1-clean", "claim-4-noisy", "claim-4-clean"} <= models
    trained = {
        name: load_denoiser(finished / "models" / f"{name}.safetensors")
        for name in ("claim-4-noisy", "claim-4-clean", "claim-1-noisy")
    }
    first, *others = trained.values()
    for other in others:
        assert other.training == first.training
        assert other.provenance.steps == first.provenance.steps


def test_a_model_can_be_given_instead_of_training_one(finished, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(comparisons, "FEWEST_STEPS", 2)
    given = str(finished / "models" / "claim-4-noisy.safetensors")
    report = run_to_end(
        reproduce_photographs_steps(
            tmp_path, settings.replaced(given_model=given, claim_counts=(1,))
        )
    )
    assert "A model was given: photographs model, light U-Net" in report.read_text()
    assert not (tmp_path / "models" / "model.safetensors").exists()


@pytest.mark.parametrize("given", ["photographs", "mine.safetensors"])
def test_snapshots_are_those_of_the_model_that_was_given(finished, tmp_path, monkeypatch, given):
    """Not of another that happens to be called as the one in the box, nor of a longer training."""
    trained = load_denoiser(finished / "models" / "model.safetensors")

    def after(steps):
        return replace(trained, provenance=trained.provenance.replaced(steps=steps))

    monkeypatch.chdir(tmp_path)
    for name in ("photographs", "mine"):
        for count in (500, 1000, 2000):
            save_denoiser(Path(f"{name}-{count}.safetensors"), after(count))

    def judged(*_):
        yield from ()
        return {}

    monkeypatch.setattr(stages, "psnr_at_steps", judged)
    context = SimpleNamespace(
        settings=PhotographSettings(given_model=given),
        records=ExperimentFolder(tmp_path / "lab", {}),
        model=lambda: after(1200),
    )
    (stage,) = stages.snapshot_stages(context)
    steps = [point["steps"] for point in run_to_end(stage.make())["points"]]
    assert steps == ([1200] if given == "photographs" else [500, 1000, 1200])
