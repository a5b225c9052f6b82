"""Which processor does the work."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_n2n.errors import DeviceProblem


def available_devices() -> list[str]:
    """Names of the usable devices, fastest first; ``"cpu"`` is always the last."""
    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device called ``name``; ``"auto"`` takes the fastest there is.

    Raises
    ------
    DeviceProblem
        This machine has no such device.
    """
    available = available_devices()
    if isinstance(name, torch.device):
        name = str(name)
    if name == "auto":
        return torch.device(available[0])
    if name == "cuda":
        name = "cuda:0"
    if name not in available:
        raise DeviceProblem(
            f"There is no device {name!r} on this machine. Choose one of: {', '.join(available)}."
        )
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Say the device as a person knows it: ``NVIDIA H100 (80 GB)`` or ``CPU, 2 threads``."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name} ({properties.total_memory / 1e9:.0f} GB)"
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Compute in bfloat16 where that is faster: CUDA. On a CPU it was measured 54 times slower."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        with torch.autocast("cuda", torch.bfloat16):
            yield
    else:
        yield


@contextmanager
def torch_errors_explained(what: str) -> Iterator[None]:
    """Turn torch's out-of-memory and other RuntimeErrors into ones that reach the user.

    napari's generator workers swallow RuntimeError, and torch raises nothing else.

    Raises
    ------
    DeviceProblem
        For any ``RuntimeError`` raised inside.
    """
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise DeviceProblem(
                f"{what} ran out of memory. Close other programs that use the device, choose a "
                "smaller crop or batch, a larger working pixel size, or the CPU."
            ) from error
        raise DeviceProblem(f"{what} failed on the device: {error}") from error


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch means by ``error`` that memory ran out, on any kind of device."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in text
        or "not enough memory" in text
        or "can't allocate memory" in text
    )
