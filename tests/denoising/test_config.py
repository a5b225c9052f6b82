import pytest

from napari_n2n.denoising.config import (
    PAPER_NETWORK,
    PRESETS,
    VOLUME_NETWORKS,
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


def test_volumes_are_worked_on_at_14_angstrom_or_as_a_particle_asks():
    quick = preset("quick", 3)
    assert quick.network.ndim == 3
    assert quick.working_pixel_size(10.0) == 14.0
    assert quick.working_pixel_size(17.5) == 17.5
    ribosome = quick.replaced(particle_diameter_angstrom=160)
    assert ribosome.working_pixel_size(5.0) == pytest.approx(10.0)
    assert ribosome.replaced(particle_diameter_angstrom=400).working_pixel_size(5.0) == 14.0


@pytest.mark.parametrize("name", VOLUME_NETWORKS)
def test_networks_for_volumes_are_chosen_by_name(name):
    config = preset("quick", 3).replaced(network=name)
    assert (config.network.name, config.network.ndim) == (name, 3)
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


def test_volumes_are_not_flattened_as_images_are():
    with pytest.raises(ConfigProblem, match="Volumes are normalised by mean and deviation"):
        preset("quick", 3).replaced(normalisation="flat")
