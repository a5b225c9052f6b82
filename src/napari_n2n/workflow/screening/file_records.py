"""Which micrograph of the session a file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_n2n.session import Session


class FileRecords:
    """The numbers of files in a session, to which they are added when they are new to it.

    Parameters
    ----------
    session
        It keeps a file that cannot be read as well: the person shall see it, and why it failed.
    """

    def __init__(self, session: Session) -> None:
        self._micrographs = session.micrographs
        self._ids: dict[Path, int] = {}

    def add(self, paths: Iterable[Path]) -> int:
        """Put files into the session's list, and return how many this had not seen before.

        One that a screening was at when it was killed waits again, and says so.
        """
        fresh = [path for path in paths if path not in self._ids]
        if fresh:
            numbers = self._micrographs.add_files(fresh)
            self._ids.update(zip(fresh, numbers.tolist(), strict=True))
            overview = self._micrographs.overview(numbers)
            for left in overview.ids[overview.states == "working"].tolist():
                self._micrographs.set_state(left, "waiting")
        return len(fresh)

    def id_of(self, path: Path) -> int:
        """Return the number of a file."""
        self.add([path])
        return self._ids[path]

    def figures_of(self, record: int) -> dict[str, float]:
        """Return the figures of a micrograph that are known."""
        columns = self._micrographs.overview([record]).figures
        return {name: float(at[0]) for name, at in columns.items() if np.isfinite(at[0])}

    def state_of(self, record: int) -> str:
        """Return what the session says of a micrograph, for instance ``done``."""
        return str(self._micrographs.overview([record]).states[0])
