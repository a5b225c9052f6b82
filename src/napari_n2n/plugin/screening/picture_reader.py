"""Micrographs are read before they are asked for, so that moving on shows the next one at once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.progress import Progress, Steps
from napari_n2n.workflow.screening.pictures import MicrographPicture, load_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_n2n.session import Session

_CACHE_BYTES = 640 * 2**20
_ALWAYS_KEPT = 3  # the one that is shown, the next, and the one before


class PictureReader(QObject):
    """Reads pictures in a thread, the most wanted first, and keeps those used last.

    Signals
    -------
    came
        The picture of this micrograph is there, or why it is not.
    """

    came = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._kept: OrderedDict[int, MicrographPicture] = OrderedDict()
        self._problems: dict[int, str] = {}
        self._wanted: list[tuple[int, Path]] = []
        self._reading: int | None = None
        self._outdated = False  # what is being read has been made anew
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._on_picture)
        self._runner.failed.connect(self._on_failure)
        self._runner.finished.connect(self._on_finished)

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._runner.busy

    def open(self, session: Session | None) -> None:
        """Read from another session from now on."""
        self._session = session
        self._kept.clear()
        self._problems.clear()
        self._wanted = []
        self._outdated = True

    def want(self, wanted: Sequence[tuple[int, Path]]) -> None:
        """Read these, by id and file, the first one first; forget what was wanted before."""
        self._wanted = list(wanted)
        self._go_on()

    def get(self, micrograph: int) -> MicrographPicture | None:
        """Return a picture if it has been read."""
        if micrograph in self._kept:
            self._kept.move_to_end(micrograph)
        return self._kept.get(micrograph)

    def problem(self, micrograph: int) -> str | None:
        """Return why a picture could not be read; None if it could, or was not tried."""
        return self._problems.get(micrograph)

    def forget(self, micrograph: int) -> None:
        """Read a micrograph again when it is wanted: it has been made anew."""
        self._kept.pop(micrograph, None)
        self._problems.pop(micrograph, None)
        self._outdated = self._outdated or micrograph == self._reading

    def leave(self) -> None:
        """Read no more."""
        self.open(None)
        self._runner.stop()

    def _go_on(self) -> None:
        if self._runner.busy or self._session is None:
            return
        for micrograph, path in self._wanted:
            if micrograph not in self._kept and micrograph not in self._problems:
                self._reading, self._outdated = micrograph, False
                self._runner.start("Reading", _reading(self._session, micrograph, path), show=False)
                return

    def _on_picture(self, picture: MicrographPicture) -> None:
        if self._outdated:
            return
        self._kept[picture.micrograph] = picture
        while len(self._kept) > _ALWAYS_KEPT and (
            sum(kept.nbytes for kept in self._kept.values()) > _CACHE_BYTES
        ):
            self._kept.popitem(last=False)
        self.came.emit(picture.micrograph)

    def _on_failure(self, sentence: str) -> None:
        if self._reading is not None and not self._outdated:
            self._problems[self._reading] = sentence
            self.came.emit(self._reading)

    def _on_finished(self) -> None:
        self._reading = None
        self._go_on()


def _reading(session: Session, micrograph: int, path: Path) -> Callable[[Any], Any]:
    def steps(_: Callable[[], bool]) -> Steps[MicrographPicture]:
        yield Progress("reading", 0, 1)
        return load_picture(session, micrograph, path)

    return steps
