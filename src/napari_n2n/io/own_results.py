"""What this program leaves beside the micrographs of a folder, and what is none of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari_n2n.io.finding import stem_of
from napari_n2n.io.outputs import DENOISED, labels_of, made_by_us

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OF_SIMULATIONS = ("_clean", "_gain")


def is_beside_micrographs(path: Path, gain: Path | None = None) -> bool:
    """Whether a file lies beside micrographs and is none that was recorded.

    So are the gain reference of their movies, images that were denoised here, and the truth and
    the gain of simulated movies.
    """
    with suppress(OSError):
        if gain is not None and path.samefile(gain):
            return True
        if stem_of(path).endswith(_OF_SIMULATIONS):
            return made_by_us(path)
        return DENOISED in labels_of(path)
    return False


def recorded(paths: Iterable[Path], gain: Path | None = None) -> list[Path]:
    """Leave out of the files of a folder what `is_beside_micrographs`.

    Where there is nothing else, they are what somebody wants; a gain reference never is.
    """
    paths = [path for path in paths if gain is None or not _is_same(path, gain)]
    return [path for path in paths if not is_beside_micrographs(path)] or paths


def _is_same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        return path.samefile(other)
    return False
