import pytest

from napari_n2n.denoising.config import (
    PAPER_NETWORK,
    PRESETS,
    TrainingConfig,
    preset,
)
from napari_n2n.settings import ConfigProblem


def test_the_paper_preset_is_the_papers():
    paper = preset("paper")
    assert paper.network == PAPER_NETWORK
    assert (paper.crop, paper.batch, paper.epochs) == (640, 4, 500)
    assert (paper.learning_rate, paper.beta1, paper.beta2, paper.epsilon) == (1e-3, 0.9, 0.99, 1e-8)
    assert paper.normalisation == "unit_range"
    assert paper.working_pixel_size(0.66) == 0.66  # full resolution


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_json(name):
    config = preset(name)
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


def test_quick_works_at_4_angstrom_but_never_finer_than_the_image():
    assert preset("quick").working_pixel_size(1.0) == 4.0
    assert preset("quick").working_pixel_size(5.5) == 5.5


def test_the_particle_sets_the_working_pixel_size():
    big = preset("quick").replaced(particle_diameter_angstrom=180)
    assert big.working_pixel_size(1.0) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crops": 64}, "no setting 'crops'"),
        ({"crop": -1}, "crop = -1"),
        ({"network": "resnet"}, "no such network"),
        ({"steps": None, "epochs": None, "max_seconds": None}, "never end"),
    ],
)
def test_a_wrong_setting_is_named(change, said):
    with pytest.raises(ConfigProblem, match=said):
        preset("quick").replaced(**change)


def test_lasting_replaces_the_presets_own_length():
    config = preset("paper").lasting(60)
    assert (config.max_seconds, config.epochs, config.steps) == (60, None, None)
