"""Images that took minutes to make, kept for the next time."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io import overwriting, write_atomically
from napari_n2n.io.outputs import CREATOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.progress import Steps

    Arrays = dict[str, NDArray[Any]]


class Cache:
    """Arrays by name and by all settings that decided them; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(
        self,
        name: str,
        settings: dict[str, Any],
        make: Callable[[], Steps[Arrays]],
    ) -> Steps[Arrays]:
        """Return what ``make`` made for these settings (JSON values) before, or make it now.

        Raises
        ------
        WriteProblem
            The disk refuses.
        """
        if self._folder is None:
            return (yield from make())
        text = json.dumps(settings, sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = self._folder / f"{name}-{key}.npz"
        try:
            with np.load(path, allow_pickle=False) as kept:
                return {column: kept[column] for column in kept.files}
        except (OSError, ValueError, zipfile.BadZipFile):
            pass  # not there, or torn: it is made anew
        arrays = yield from make()
        # Its name holds a digest of what was asked for: it is nobody else's, torn or not.
        with overwriting(), write_atomically(path) as beside:
            with beside.open("wb") as handle:
                np.savez(handle, **arrays)  # type: ignore[arg-type]
            with zipfile.ZipFile(beside, "a") as archive:
                archive.comment = CREATOR.encode()
        return arrays
