import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_n2n.io import read_micrograph
from napari_n2n.plugin.denoise.layer_sources import dose_of, is_noisy, roles_of
from napari_n2n.plugin.files.coordinate_files import write_points
from napari_n2n.plugin.files.writers import write_mrc
from napari_n2n.plugin.particles.sessions import file_of
from napari_n2n.plugin.shared.layers import KEY, LayerMemory, image_layer, memory_in, memory_of

PIXELS = np.random.default_rng(0).normal(size=(32, 48)).astype(np.float32)


def test_a_layer_remembers_and_is_calibrated():
    memory = LayerMemory("sum", 1.5, dose=24.0)
    layer = Image(PIXELS, **image_layer(PIXELS, "a", memory)[1])
    assert memory_of(layer) is memory
    assert tuple(layer.scale) == (1.5, 1.5)


def test_what_is_read_in_the_console_is_what_is_known_without_the_pixels():
    memory = LayerMemory(
        "photograph",
        clean=PIXELS,
        frc={"before": [0.5] * 100},
        noise_of_255=25.0,
        noise_seed=0,
        psnr_db={"noisy": 20.1},
    )
    assert repr(memory) == (
        "LayerMemory(kind='photograph', frc=…, psnr_db={'noisy': 20.1}, clean=…, "
        "noise_of_255=25.0, noise_seed=0)"
    )
    assert repr(LayerMemory()) == "LayerMemory()"
    # Of an image, too, and of what nobody has asked nothing.
    assert repr(LayerMemory(clean=np.ones((2, 2)))) == "LayerMemory(clean=…)"
    assert repr(LayerMemory(contrast="bright")) == "LayerMemory(contrast='bright')"


@pytest.mark.parametrize(
    "theirs", [{"kind": "denoised", "path": "a.mrc", "dose": "much"}, {"shape": 3}, "a word", None]
)
def test_what_others_have_put_there_is_as_if_there_were_nothing(theirs, tmp_path):
    layer = Image(PIXELS, name="theirs", metadata={KEY: theirs})
    assert memory_of(layer).kind is None
    assert roles_of(layer) == roles_of(Image(PIXELS)) == ["odd", "even", "image"]
    assert dose_of(layer) is None
    assert not is_noisy(layer)
    assert file_of(layer) is None
    meta = {"metadata": {KEY: theirs}, "scale": (1.0, 1.0)}
    write_mrc(str(tmp_path / "a.mrc"), PIXELS, meta)
    assert read_micrograph(tmp_path / "a.mrc").pixel_size_angstrom is None
    write_points(str(tmp_path / "a.csv"), [(np.ones((1, 2)), meta, "points")])
    assert (tmp_path / "a.csv").is_file()


def test_layers_of_others_know_nothing():
    assert memory_of(Labels(np.zeros((8, 8), np.uint8))).kind is None
    assert memory_in({}).path is None
