"""Who asks for the CPU gets it: no command and no widget touches a card that is somebody else's."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.devices import choose_device, has_bfloat16, is_out_of_memory
from napari_n2n.io import open_movie, write_micrograph
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulationConfig, simulate, write_simulated
from napari_n2n.workflow import scripting
from napari_n2n.workflow.sources import FolderSource, MovieSource
from napari_n2n.workflow.train_and_denoise import denoise_source_steps, train_on_steps


@pytest.fixture
def asked(monkeypatch):
    """Note who asks for a card, on a machine that seems to have one."""
    seen = []

    def noting(name, answer):
        def ask(*_):
            seen.append(name)
            return answer

        return ask

    monkeypatch.setattr(torch.cuda, "device_count", noting("cuda.device_count", 1))
    monkeypatch.setattr(torch.cuda, "is_available", noting("cuda.is_available", True))
    monkeypatch.setattr(torch.backends.mps, "is_available", noting("mps.is_available", False))
    return seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two movies, alone in their folder."""
    where = tmp_path_factory.mktemp("shared node")
    for seed in (0, 1):
        config = SimulationConfig(shape=(128, 128), n_frames=6, seed=seed)
        written = write_simulated(simulate(config), where / "made", f"m{seed}")
        (where / "movies").mkdir(exist_ok=True)
        written.movie.rename(where / "movies" / written.movie.name)
    return where / "movies"


def test_a_machine_with_a_card_is_told_from_one_without(asked):
    """Or the tests below could not fail."""
    assert choose_device("auto").type == "cuda"
    assert asked
    asked.clear()
    assert choose_device("cpu").type == "cpu"
    assert not asked


@pytest.mark.parametrize(("capability", "expected"), [(9, True), (8, True), (7, False)])
def test_a_card_that_only_emulates_bfloat16_computes_in_float32(monkeypatch, capability, expected):
    card = SimpleNamespace(major=capability)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    assert has_bfloat16(torch.device("cuda:0")) is expected


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB.",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_memory_that_a_library_of_the_card_lacks_is_told_from_other_errors(said):
    assert is_out_of_memory(RuntimeError(said))
    assert not is_out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"))


QUICK = ("--max-time", "1s", "--set", "crop=32", "--set", "batch=1")


@pytest.mark.parametrize(
    "command",
    [
        ("halves", "{movies}", "-o", "{out}"),
        ("denoise", "{movies}", "-o", "{out}"),
        ("pick", "{movies}", "-o", "{out}", "--diameter", "60"),
        ("pick", "{movies}", "-o", "{out}", "--diameter", "60", "--model", "general"),
        ("screen", "{movies}", "--session", "{out}.sqlite", "--diameter", "60"),
        ("train", "{halves}", "-o", "{out}.safetensors", *QUICK),
        ("train-general", "-o", "{out}.safetensors", "--fields", "4", "--max-time", "1s"),
        ("demo", "--headless", "-o", "{out}", "--size", "256", "--max-time", "1s"),
        (
            *("reproduce", "apoferritin", "-o", "{out}", "--movies", "{movies}"),
            *("--budget", "0.02"),
        ),
    ],
    ids=lambda command: " ".join(command[:2] if command[0] == "reproduce" else command[:1]),
)
def test_no_command_asks_for_another_device(n2n, folder, tmp_path, asked, command):
    halves = tmp_path / "halves"
    if "{halves}" in command:
        rng = np.random.default_rng(0)
        for name in ("m_ODD.mrc", "m_EVN.mrc"):
            write_micrograph(halves / name, rng.normal(size=(64, 64)).astype(np.float32), 4.0)
    places = {"movies": folder, "out": tmp_path / "out", "halves": halves}
    words = [word.format(**places) for word in command]
    assert n2n(*words, "--device", "cpu", "-q") == 0
    assert asked == []


def test_no_widget_s_work_asks_for_another_device(folder, tmp_path, asked):
    path = sorted(folder.glob("*.mrc"))[0]
    movie = open_movie(path)
    short = TrainingConfig(steps=2, crop=32, batch=1, working_pixel_size_angstrom=None)
    for source in (MovieSource(movie, "m", path), FolderSource(folder, tmp_path / "halves")):
        run_to_end(denoise_source_steps(source, device="cpu"))
        model = tmp_path / "m.safetensors"
        run_to_end(train_on_steps(source, short, model=model, device="cpu"))
    assert asked == []


def test_no_script_asks_for_another_device(folder, asked):
    path = sorted(folder.glob("*.mrc"))[0]
    sums = scripting.align(path, device="cpu")
    scripting.denoise(sums, device="cpu")
    scripting.denoise(path, device="cpu")
    assert asked == []
