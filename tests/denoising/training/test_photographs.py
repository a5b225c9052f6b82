import numpy as np
import pytest
from PIL import Image

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import PhotographTrainingProgress
from napari_n2n.denoising.shipped_models.photographs import COLOUR_NETWORKS, PAPER, recipe
from napari_n2n.denoising.training.micrographs import resume_path
from napari_n2n.denoising.training.photograph_examples import (
    PhotographNoise,
    Photographs,
    noisy_photograph,
)
from napari_n2n.denoising.training.photographs import (
    read_photographs_steps,
    snapshot_path,
    train_photographs_steps,
)
from napari_n2n.errors import CheckpointProblem, NotEnoughData, UnreadableFile
from napari_n2n.metrics import psnr
from napari_n2n.progress import Interrupted, run_to_end


def painting(seed, shape=(120, 150)):
    """Return a picture of coloured patches with edges, (y, x, 3) of 8 bits."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    picture = np.zeros((*shape, 3), np.uint8)
    for _ in range(12):
        slope, offset = rng.normal(size=2), rng.uniform(0, 100)
        picture[slope[0] * (y - 60) + slope[1] * (x - 75) > offset - 50] = rng.integers(0, 255, 3)
    return picture


@pytest.fixture(scope="module")
def paintings():
    return Photographs([painting(n) for n in range(6)], tuple(f"{n}.png" for n in range(6)))


SHORT = recipe("better", network="light", steps=12, crop=32)


def assert_same(first, second):
    for name, tensor in first.network.state_dict().items():
        np.testing.assert_array_equal(tensor, second.network.state_dict()[name], err_msg=name)


def test_the_paper_s_recipe_is_the_papers():
    assert (PAPER.crop, PAPER.batch, PAPER.epochs) == (256, 4, 120)
    assert (PAPER.learning_rate, PAPER.beta1, PAPER.beta2, PAPER.epsilon) == (1e-3, 0.9, 0.99, 1e-8)
    assert (PAPER.network.in_channels, PAPER.network.out_channels) == (3, 3)
    assert PAPER.network.name == "paper"
    noise = PhotographNoise()
    assert (noise.least, noise.most, noise.clipped, noise.mean) == (0, 50, False, 0)


@pytest.mark.parametrize("name", COLOUR_NETWORKS)
def test_every_network_takes_and_gives_colours(name, paintings):
    config = recipe("better", network=name, steps=1, crop=32, batch=1)
    denoiser = run_to_end(train_photographs_steps(paintings, config, PhotographNoise()))
    assert denoiser.network.config.name == name
    assert denoise(painting(0, (33, 40)).astype(np.float32), denoiser).shape == (33, 40, 3)


def test_it_learns_from_noisy_photographs_alone(paintings):
    config = recipe("better", network="light", steps=100, crop=32, learning_rate=4e-3)
    denoiser = run_to_end(train_photographs_steps(paintings, config, PhotographNoise()))
    clean = painting(99)
    noisy = noisy_photograph(clean, 50, seed=0)
    result = denoise(noisy, denoiser)
    assert result.shape == clean.shape
    assert psnr(result, clean, 255) > psnr(noisy, clean, 255) + 4


def test_files_are_read_as_they_are_and_what_is_no_colour_photograph_is_left_out(tmp_path):
    picture = painting(0)
    Image.fromarray(picture).save(tmp_path / "b.png")
    Image.fromarray(picture[:60]).save(tmp_path / "a.JPG", quality=95)
    Image.fromarray(picture[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(picture[:9, :9]).save(tmp_path / "tiny.png")
    (tmp_path / "notes.txt").write_text("none")
    found = run_to_end(read_photographs_steps(tmp_path))
    assert found.names == ("a.JPG", "b.png")
    np.testing.assert_array_equal(found.images[1], picture)
    assert found.images[1].dtype == np.uint8


def test_folders_without_photographs_and_torn_ones_are_named(tmp_path):
    with pytest.raises(NotEnoughData, match="no folder"):
        run_to_end(read_photographs_steps(tmp_path / "none"))
    with pytest.raises(NotEnoughData, match="PNG or JPEG"):
        run_to_end(read_photographs_steps(tmp_path))
    Image.fromarray(painting(0)).save(tmp_path / "torn.png")
    whole = (tmp_path / "torn.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match=r"torn\.png"):
        run_to_end(read_photographs_steps(tmp_path))


def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(paintings, tmp_path):
    whole = run_to_end(train_photographs_steps(paintings, SHORT, PhotographNoise()))
    output = tmp_path / "parts.safetensors"
    asked = []

    def stop():
        return len(asked) > 200  # it is asked several times a step

    def counting():
        asked.append(1)
        return stop()

    part = run_to_end(
        train_photographs_steps(paintings, SHORT, PhotographNoise(), output=output, stop=counting)
    )
    assert 0 < part.provenance.steps < 12
    resumed = run_to_end(
        train_photographs_steps(paintings, SHORT, PhotographNoise(), output=output, resume=True)
    )
    assert resumed.provenance.steps == 12
    assert_same(whole, resumed)
    assert_same(resumed, load_denoiser(output))


def test_snapshots_are_what_a_shorter_training_of_the_same_schedule_had_learnt(
    paintings, tmp_path, monkeypatch
):
    monkeypatch.setattr("napari_n2n.denoising.training.photographs.FIRST_SNAPSHOT", 2)
    output = tmp_path / "m.safetensors"
    run_to_end(
        train_photographs_steps(paintings, SHORT, PhotographNoise(), output=output, snapshots=True)
    )
    kept = {int(path.stem.split("-")[1]) for path in tmp_path.glob("m-[0-9]*")}
    assert kept == {2, 4, 8}
    constant = SHORT.replaced(schedule="constant")
    longer = run_to_end(
        train_photographs_steps(
            paintings,
            constant,
            PhotographNoise(),
            output=tmp_path / "c.safetensors",
            snapshots=True,
        )
    )
    shorter = run_to_end(
        train_photographs_steps(paintings, constant.replaced(steps=4), PhotographNoise())
    )
    assert longer.provenance.steps == 12
    assert_same(load_denoiser(snapshot_path(tmp_path / "c.safetensors", 4)), shorter)


def test_resuming_with_other_noise_or_photographs_is_refused(paintings, tmp_path):
    output = tmp_path / "m.safetensors"
    run_to_end(train_photographs_steps(paintings, SHORT, PhotographNoise(), output=output))
    assert resume_path(output).is_file()
    for photographs, noise in (
        (paintings, PhotographNoise(clipped=True)),
        (paintings.chosen(3), PhotographNoise()),
    ):
        with pytest.raises(CheckpointProblem, match="other images"):
            run_to_end(
                train_photographs_steps(photographs, SHORT, noise, output=output, resume=True)
            )


def test_stopping_before_anything_is_learnt_leaves_no_model(paintings, tmp_path):
    output = tmp_path / "m.safetensors"
    steps = train_photographs_steps(
        paintings, SHORT, PhotographNoise(), output=output, stop=lambda: True
    )
    with pytest.raises(Interrupted):
        run_to_end(steps)
    assert not list(tmp_path.iterdir())


def test_progress_tells_the_error_against_the_clean_image(paintings):
    """The noise of the targets is known, so what they cannot be blamed for is the network's."""
    errors = {}
    for targets in ("noisy", "clean"):
        steps = train_photographs_steps(paintings, SHORT, PhotographNoise(targets=targets))
        *_, last = (step for step in steps if isinstance(step, PhotographTrainingProgress))
        assert last.step == 12
        assert last.done == last.total
        errors[targets] = last.excess_loss
    assert errors["noisy"] == pytest.approx(errors["clean"], rel=0.05)


def test_what_was_learnt_is_told(paintings):
    denoiser = run_to_end(train_photographs_steps(paintings, SHORT, PhotographNoise()))
    assert denoiser.summary == (
        "photographs model, light U-Net, full resolution, 12 steps on 6 photographs with noise of "
        "deviation 0 to 50, noisy targets"
    )


def test_the_mean_of_the_noise_is_learnt_as_if_it_were_the_image(paintings):
    """The squared error is least for the target's expectation: the image plus that mean."""
    config = recipe("better", network="light", steps=100, crop=32, learning_rate=4e-3)
    noise = PhotographNoise(mean=60)
    denoiser = run_to_end(train_photographs_steps(paintings, config, noise))
    clean = painting(99)
    result = denoise(noisy_photograph(clean, 25, seed=0, mean=60), denoiser)
    assert float((result - clean).mean()) == pytest.approx(60, abs=10)
