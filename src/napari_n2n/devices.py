"""Which processor does the work."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import psutil
import torch

from napari_n2n.errors import DeviceProblem

# One piece of work that a card is at, and one that waits: more would only delay who stops it.
_PIECES_GIVEN = 2


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
    if isinstance(name, torch.device):
        name = str(name)
    if name == "cpu":  # there always is one; no other is asked for
        return torch.device("cpu")
    available = available_devices()
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


def has_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` multiplies bfloat16 faster than float32.

    CUDA does from compute capability 8 on, and so do x86 processors with instructions for it:
    training ran 2.1 times and denoising 1.9 times as fast on an AMD EPYC with AVX512-BF16. Without
    them (AVX2) a step was 54 times slower, so nothing is left to chance.
    """
    if device.type == "cuda":
        # Older cards only emulate it, which torch counts as support unless told otherwise.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return _cpu_has_bfloat16()
    return False


@cache
def _cpu_has_bfloat16() -> bool:
    # Not in every torch that will do.
    ask: Callable[[], Mapping[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    known = ask()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Compute in bfloat16 where that is faster; see `has_bfloat16`."""
    if has_bfloat16(device):
        with torch.autocast(device.type, torch.bfloat16):
            yield
    else:
        yield


def free_bytes(device: torch.device) -> int:
    """How much memory of ``device`` can be had.

    What torch was given by a card and has freed since, it keeps, and the card counts as used.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    return int(psutil.virtual_memory().available)


class Backlog:
    """What a card was given and has not done yet: two pieces of work at most.

    It takes operations into a queue and returns at once. Without a limit a program is many steps
    ahead of a slow card, and whoever stops it, or asks how long it took, waits for all of them.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ends: deque[torch.cuda.Event] = deque()

    def add(self) -> None:
        """Count all that was given since the last call as a piece; wait while there are too many.

        On a CPU, which has done it by now, nothing happens.
        """
        if self._device.type != "cuda":
            return
        end = torch.cuda.Event()
        end.record(torch.cuda.current_stream(self._device))
        self._ends.append(end)
        if len(self._ends) > _PIECES_GIVEN:
            self._ends.popleft().synchronize()


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
        or "alloc_failed" in text  # cuBLAS, cuDNN and cuFFT, of what they allocate themselves
        or "not enough memory" in text
        or "can't allocate memory" in text
    )
