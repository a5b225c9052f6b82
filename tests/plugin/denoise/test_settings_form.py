import pytest

from napari_n2n.denoising.config import (
    LIGHT_NETWORK,
    PRESETS,
    TrainingConfig,
)
from napari_n2n.plugin.denoise.settings_form import SettingsForm
from napari_n2n.settings import ConfigProblem


@pytest.fixture
def form(qtbot):
    form = SettingsForm()
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        TrainingConfig(max_seconds=12.5, learning_rate=3e-4, particle_diameter_angstrom=120.0),
        TrainingConfig(epochs=3, augment=False, schedule="constant", seed=7, crop=64),
        TrainingConfig(steps=5, network=LIGHT_NETWORK.replaced(name="mine", negative_slope=0.2)),
    ],
)
def test_what_is_set_is_what_is_read(form, config):
    form.setValue(config)
    assert form.value() == config


def test_every_setting_has_a_field(form):
    assert set(form._fields) == set(TrainingConfig.model_fields)


def test_a_typed_change_is_told_and_leaves_the_preset(form, qtbot):
    form.setValue(PRESETS["quick"])
    with qtbot.waitSignal(form.valueChanged, timeout=1000):
        form._fields["steps"].value = "50"
    assert form.value() == PRESETS["quick"].replaced(steps=50)
    assert form._preset.value == "custom"


def test_a_preset_fills_the_form(form):
    form._preset.value = "paper"
    assert form.value() == PRESETS["paper"]


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("steps", "many", "Steps: 'many' is not a whole number"),
        ("steps", "", "training would never end"),
        ("learning_rate", "-1", "learning_rate"),
        ("crop", "3", "crop"),
    ],
)
def test_nonsense_is_named(form, field, typed, words):
    form._fields[field].value = typed
    with pytest.raises(ConfigProblem, match=words):
        form.value()


def test_an_empty_working_pixel_size_means_full_resolution(form):
    form._fields["working_pixel_size_angstrom"].value = " "
    assert form.value().working_pixel_size_angstrom is None


def test_a_decimal_comma_is_understood(form):
    form._fields["working_pixel_size_angstrom"].value = "3,5"
    assert form.value().working_pixel_size_angstrom == 3.5
