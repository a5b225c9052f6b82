import pytest

from napari_n2n.denoising.checkpoints import save_denoiser
from napari_n2n.denoising.shipped_models import IN_THE_BOX, denoiser_named
from napari_n2n.errors import CheckpointProblem


@pytest.mark.parametrize(
    ("name", "channels"), [("general", 1), ("general-3d", 1), ("photographs", 3)]
)
def test_a_model_in_the_box_is_had_by_its_name(name, channels):
    denoiser = denoiser_named(name)
    assert denoiser.provenance.name == name
    assert denoiser.network.config.in_channels == channels
    assert denoiser_named(name) is denoiser


def test_any_other_name_is_a_file(tmp_path):
    assert set(IN_THE_BOX) == {"general", "general-3d", "photographs"}
    model = tmp_path / "mine.safetensors"
    save_denoiser(model, denoiser_named("general"))
    model.rename(tmp_path / "photographs")
    assert denoiser_named(tmp_path / "photographs").network.config.in_channels == 1
    with pytest.raises(CheckpointProblem, match="landscapes is not a file"):
        denoiser_named("landscapes")
