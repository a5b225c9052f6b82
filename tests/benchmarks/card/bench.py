"""How large everything is, at full size and on trial."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from napari_n2n.devices import choose_device


class Note:
    """Tells figures to whoever keeps them, as soon as they are there."""

    def __init__(self, tell: Callable[[dict[str, object]], None]) -> None:
        self._tell = tell

    def __call__(self, **figures: object) -> None:
        self._tell(figures)


@dataclass(frozen=True)
class Bench:
    """One run.

    Attributes
    ----------
    side, frames
        Of micrographs and movies (px).
    field_side, fields
        Of the simulated pairs to train on; one more is kept to judge by.
    budgets
        Lengths (s) of the trainings that are judged.
    matrix_side, copied
        Of the products and the copies (bytes) that the card is measured by.
    repeats, window_seconds
        How often something is timed, and for how long each time at least.
    files
        How many micrographs make a stream.
    long_pairs, long_seconds
        Of the long training that is reckoned from a short one.
    crops
        Whether crops are of full size.
    warm
        How often something is done before it is timed.
    patience
        Times its limit that each part may take.
    """

    device: str
    folder: Path
    side: int = 4096
    frames: int = 40
    field_side: int = 2048
    fields: int = 8
    budgets: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0)
    matrix_side: int = 8192
    copied: int = 2**31
    repeats: int = 5
    window_seconds: float = 0.3
    files: int = 12
    long_pairs: int = 24
    long_seconds: float = 45.0
    crops: bool = True
    warm: int = 3
    patience: float = 1.0

    @property
    def on(self) -> torch.device:
        """The device; asked for in a part's own process only."""
        return choose_device(self.device)


def full(device: str, folder: Path) -> Bench:
    """Return the bench that figures are taken from."""
    return Bench(device, folder)


def tiny(device: str, folder: Path) -> Bench:
    """Return one that takes seconds on a CPU, to see that nothing is wrong with the parts."""
    return Bench(
        device,
        folder,
        side=128,
        frames=6,
        field_side=128,
        fields=2,
        budgets=(0.2,),
        matrix_side=64,
        copied=2**16,
        repeats=1,
        window_seconds=0.0,
        files=2,
        long_pairs=3,
        long_seconds=0.3,
        crops=False,
        warm=0,
        # It shares the machine with whatever else is tried there.
        patience=10.0,
    )
