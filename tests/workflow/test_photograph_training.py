"""What is done with photographs works without napari, too."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from napari_n2n.denoising.shipped_models.photographs import recipe
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.metrics import psnr
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.workflow.photograph_sources import OnePhotograph, PhotographFolder, grey_levels
from napari_n2n.workflow.photograph_training import noisy_copy_steps
from napari_n2n.workflow.sources import FieldReady
from napari_n2n.workflow.train_and_denoise import (
    RegionOfInterest,
    denoise_source_steps,
    train_on_steps,
)

TINY = recipe("better", network="light", steps=2, crop=32, batch=2)


@pytest.fixture
def image():
    return skimage.data.astronaut()[:96, 160:256]


@pytest.fixture
def folder(tmp_path, image):
    Image.fromarray(image[..., 0]).save(tmp_path / "a grey one.png")
    for number in range(3):
        Image.fromarray(np.roll(image, number, axis=0)).save(tmp_path / f"c{number}.png")
    return tmp_path


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((2, 2, 3), 51, np.uint8),
        np.full((2, 2, 4), 51, np.uint8),
        np.full((2, 2, 3), 13107, np.uint16),
        np.full((2, 2, 3), 0.2, np.float64),
    ],
    ids=["bytes", "with transparency", "16 bits", "real numbers"],
)
def test_whatever_napari_shows_is_read_as_levels_of_255(pixels):
    levels = grey_levels(pixels)
    assert levels.shape == (2, 2, 3)
    np.testing.assert_allclose(levels, 51, rtol=1e-6)


def test_a_folder_is_trained_on_and_its_first_photograph_denoised(folder, image, tmp_path):
    seen = []
    source = PhotographFolder(folder)
    model = tmp_path / "m.safetensors"
    trained = run_to_end(train_on_steps(source, TINY, model=model, device="cpu"), seen.append)
    assert trained.denoiser.provenance.trained_on[0].startswith("3 photographs")
    (ready,) = (step for step in seen if isinstance(step, FieldReady))
    assert ready.field.name == "c0 + noise σ 25"
    result = run_to_end(denoise_source_steps(source, trained.denoiser, device="cpu"))
    np.testing.assert_array_equal(result.field.full, ready.field.full)
    assert result.psnr_db["noisy"] == pytest.approx(20.17, abs=0.15)
    assert result.psnr_db["denoised"] == psnr(result.pixels, image, 255)


def test_a_folder_without_photographs_says_what_is_wanted(tmp_path, image):
    Image.fromarray(image[..., 0]).save(tmp_path / "grey.png")
    with pytest.raises(NotEnoughData, match="PNG or JPEG files in colour"):
        run_to_end(denoise_source_steps(PhotographFolder(tmp_path), "photographs"))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableFile, match=r"a\.png"):
        run_to_end(denoise_source_steps(PhotographFolder(tmp_path), "photographs"))


def test_a_photograph_too_small_to_learn_from_is_said(tmp_path, image):
    source = OnePhotograph(image, "face", to_learn_from=(image[:8],))
    with pytest.raises(NotEnoughData, match="no clean photograph"):
        run_to_end(train_on_steps(source, TINY, model=tmp_path / "m.safetensors"))


def test_a_training_that_is_stopped_at_once_leaves_nothing(tmp_path, image):
    source = OnePhotograph(image, "face", to_learn_from=(image,))
    with pytest.raises(Interrupted):
        run_to_end(
            train_on_steps(source, TINY, model=tmp_path / "m.safetensors", stop=lambda: True)
        )
    assert list(tmp_path.iterdir()) == []


def test_what_is_watched_comes_first_and_is_the_same_in_the_whole(image):
    copy = run_to_end(noisy_copy_steps(OnePhotograph(np.tile(image, (6, 6, 1)), "faces"), 25.0))
    watched = RegionOfInterest()
    watched.look_at((slice(0, 64), slice(32, 96)))
    parts = []
    result = run_to_end(
        denoise_source_steps(
            OnePhotograph(copy.pixels / 255, "faces", copy.clean),
            "photographs",
            device="cpu",
            watched=watched,
        ),
        lambda step: parts.append(region) if (region := getattr(step, "region", None)) else None,
    )
    (part,) = parts
    assert part.origin == (0, 32)
    np.testing.assert_allclose(part.pixels, result.pixels[:64, 32:96], atol=0.5)
    assert result.psnr_db["denoised"] > result.psnr_db["noisy"] + 7
