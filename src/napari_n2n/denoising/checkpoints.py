"""Denoisers on disk: safetensors with everything needed to use them again in the header."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_n2n.denoising.config import PAPER_NETWORK, PRESETS, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import CheckpointProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.outputs import require_model_name
from napari_n2n.settings import Settings
from napari_n2n.version import __version__

_KEY = "napari_n2n"
_FORMAT = 1
_NOT_OURS = "Choose a .safetensors file saved by napari-n2n, or the original authors' .pth."


class Provenance(Settings):
    """Where a denoiser comes from."""

    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    trained_on: tuple[str, ...] = ()
    steps: int = 0
    seconds: float = 0
    device: str = ""
    # What a model is known by if not by its file, and the name of the one whose weights it began
    # with; "" and None: none.
    name: str = ""
    started_from: str | None = None
    # Where inputs and targets came from: halves, or single micrographs' subsets or blind spots.
    pairing: str = "halves"
    validation_loss: float | None = None
    estimated_truth_correlation: float | None = None
    versions: dict[str, str] = Field(
        default_factory=lambda: {
            "napari-n2n": __version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        }
    )


class _Header(Settings):
    format: Annotated[int, Field(ge=1, le=_FORMAT)] = _FORMAT
    training: TrainingConfig
    working_pixel_size_angstrom: Annotated[float, Field(gt=0, le=1000)] | None
    output_gain: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    calibrate: bool = False
    provenance: Provenance


@dataclass(frozen=True, eq=False)
class Denoiser:
    """A trained network with everything needed to use it.

    ``working_pixel_size_angstrom`` is the pixel size the network works at (Å), None if it was
    trained on images of unknown pixel size and is applied as it is. ``output_gain`` brings the
    network's result, on the scale of its training targets, to the scale of its inputs.
    ``calibrate`` says that each result is weighed against its image
    (`denoising.inference.calibration`): for a network that was not trained on such images. One
    that was has seen from independent noise what is signal, and needs no assumption about it.
    Halves of volumes need none either (`denoising.inference.volume_calibration`): they are weighed
    whichever network it is.
    """

    network: UNet
    training: TrainingConfig
    working_pixel_size_angstrom: float | None
    output_gain: float = 1.0
    provenance: Provenance = field(default_factory=Provenance)
    calibrate: bool = False

    @property
    def summary(self) -> str:
        """One line for a person: network, working pixel size, how long it was trained."""
        size = self.working_pixel_size_angstrom
        parts = [
            *([f"{self.provenance.name} model"] if self.provenance.name else []),
            f"{self.network.config.name} U-Net",
            "full resolution" if size is None else f"{size:g} Å/{self._unit}",
            f"{self.provenance.steps} steps on {self._trained_on}",
        ]
        if self.provenance.started_from:
            parts.append(f"from the {self.provenance.started_from} model")
        return ", ".join(parts)

    @property
    def ndim(self) -> int:
        """2 if it is for images, 3 if it is for volumes."""
        return self.network.config.ndim

    @property
    def _unit(self) -> str:
        return "px" if self.ndim == 2 else "voxel"

    @property
    def _trained_on(self) -> str:
        made_of = self.provenance.trained_on
        if self.provenance.name and made_of:
            return made_of[0]
        halves = self.provenance.pairing == "halves"
        return f"{len(made_of)} pairs" if halves else f"{len(made_of)} without halves"


def save_denoiser(path: Path | str, denoiser: Denoiser) -> None:
    """Write ``denoiser`` to ``path``, whole or not at all.

    Raises
    ------
    WriteProblem
        The disk is full or the folder cannot be written to, or the name is not that of a model.
    """
    require_model_name(Path(path))
    header = _Header(
        training=denoiser.training,
        working_pixel_size_angstrom=denoiser.working_pixel_size_angstrom,
        output_gain=denoiser.output_gain,
        calibrate=denoiser.calibrate,
        provenance=denoiser.provenance,
    )
    save_tensors(path, denoiser.network.state_dict(), header.model_dump_json())


def load_denoiser(path: Path | str) -> Denoiser:
    """Read a denoiser from napari-n2n's safetensors or from the original authors' state dict.

    Nothing in the file is executed, and nothing larger than the file is allocated for it.

    Raises
    ------
    CheckpointProblem
        The file is missing, damaged, foreign, or does not fit the network it describes.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointProblem(path, "is not a file", "Check the name of the model.")
    with path.open("rb") as file:
        start = file.read(16)
    # A pickle begins with 0x80, but so does, once in 32 times, the length of a safetensors header.
    is_pickle = start[:1] == b"\x80" and start[8:9] != b"{"
    if start[:4] == b"PK\x03\x04" or is_pickle:
        return _load_authors_state_dict(path)
    tensors, text = load_tensors(path)
    try:
        header = _Header.model_validate_json(text)
    except ValidationError as problem:
        raise CheckpointProblem(
            path, f"has a header that makes no sense ({problem.error_count()} errors)", _NOT_OURS
        ) from None
    return Denoiser(
        network=_build(path, header.training, tensors),
        training=header.training,
        working_pixel_size_angstrom=header.working_pixel_size_angstrom,
        output_gain=header.output_gain,
        calibrate=header.calibrate,
        provenance=header.provenance,
    )


def save_tensors(path: Path | str, tensors: Mapping[str, Tensor], header_json: str) -> None:
    """Write ``tensors`` with our JSON header, whole or not at all."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with write_atomically(Path(path)) as temporary:
        temporary.write_bytes(save(contiguous, metadata={_KEY: header_json}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """Read tensors and our JSON header.

    Raises
    ------
    CheckpointProblem
        The file is damaged or not ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            if text is None:
                raise CheckpointProblem(path, "was not saved by napari-n2n", _NOT_OURS)
            return {name: file.get_tensor(name) for name in file.keys()}, text  # noqa: SIM118
    except (SafetensorError, OSError) as problem:
        raise CheckpointProblem(path, f"is damaged or no model ({problem})", _NOT_OURS) from None


def header_of(path: Path, text: str) -> dict[str, Any]:
    """Parse a JSON header into a dictionary.

    Raises
    ------
    CheckpointProblem
        It is no JSON object.
    """
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise CheckpointProblem(path, "has a header that makes no sense", _NOT_OURS)
    return header


def _build(path: Path, training: TrainingConfig, tensors: Mapping[str, Tensor]) -> UNet:
    """Build the network and fill it, once shapes and values have been checked."""
    with torch.device("meta"):  # a boastful header allocates nothing
        network = UNet(training.network)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if expected != found:
        raise CheckpointProblem(
            path,
            f"does not hold the weights of the network {training.network.name!r} it describes",
            _NOT_OURS,
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CheckpointProblem(path, "holds weights that are no numbers", "Train the model again.")
    network.load_state_dict({k: v.float() for k, v in tensors.items()}, assign=True)
    return network.eval()


def _load_authors_state_dict(path: Path) -> Denoiser:
    """Read the state dict of Tan, Cui and Luo's PyTorch code (keys ``encode1.0.weight`` …)."""
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # pickle, zip and torch raise whatever they like on foreign bytes
        raise CheckpointProblem(
            path, f"is not a plain PyTorch state dict ({type(problem).__name__})", _NOT_OURS
        ) from None
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()
    ):
        raise CheckpointProblem(path, "is not a plain PyTorch state dict", _NOT_OURS)
    tensors = {}
    for name, tensor in loaded.items():
        ours = _our_name(name.removeprefix("module."))
        if ours is None:
            raise CheckpointProblem(
                path, f"holds {name!r}, which the paper's network does not have", _NOT_OURS
            )
        tensors[ours] = tensor
    first, last = tensors.get("encoder.0.0.weight"), tensors.get("output.weight")
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointProblem(path, "lacks the paper network's first or last layer", _NOT_OURS)
    if not 1 <= first.shape[1] <= 16 or not 1 <= last.shape[0] <= 16:
        raise CheckpointProblem(path, "has an impossible number of channels", _NOT_OURS)
    channels = {"in_channels": first.shape[1], "out_channels": last.shape[0]}
    training = PRESETS["paper"].replaced(network=PAPER_NETWORK.replaced(**channels))
    return Denoiser(
        network=_build(path, training, tensors),
        training=training,
        working_pixel_size_angstrom=None,
        provenance=Provenance(trained_on=(path.name,), versions={}),
    )


def _our_name(theirs: str) -> str | None:
    """Translate ``decode2.4.weight`` to ``upsampling.2.weight``, and so on; None if unknown."""
    parts = theirs.split(".")
    if parts[0] == "output_layer" and len(parts) in (2, 3):
        return f"output.{parts[-1]}"
    if len(parts) != 3 or not parts[0][-1:].isdigit():
        return None
    block, layer, kind = parts
    stem, number = block[:-1], int(block[-1])
    # A transposed convolution closes the last encoder block and all but the last decoder's.
    if (stem, number, layer) == ("encode", 6, "1"):
        return f"upsampling.0.{kind}"
    if stem == "decode" and 1 <= number <= 4 and layer == "4":
        return f"upsampling.{number}.{kind}"
    if stem in ("encode", "decode") and number >= 1:
        return f"{stem}r.{number - 1}.{layer}.{kind}"
    return None
