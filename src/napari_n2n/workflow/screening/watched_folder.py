"""A folder that is watched while its files are screened."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_n2n.errors import N2NError
from napari_n2n.io.finding import IMAGES
from napari_n2n.io.own_results import is_beside_micrographs
from napari_n2n.workflow.screening.watching import PATIENCE_SECONDS, REST_SECONDS, watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from napari_n2n.workflow.screening.queue import Queue

_LONGEST_END_SECONDS = 2.0


class Feed:
    """Puts a folder's files into an open queue as they are complete, in a thread of its own.

    It begins at once, and ends with `stop`, or with the ``with`` block it is used in. Should the
    folder go away, `error` says so, and the screening ends if no other feed is left.

    Parameters
    ----------
    queue
        It is closed when this ends.
    gain
        The movies' gain reference, which is not taken, nor is what was made here of other files.
    folder, patterns, rest_seconds, patience_seconds
        See `napari_n2n.workflow.screening.watching.watch`.
    """

    def __init__(
        self,
        queue: Queue,
        folder: Path | str,
        patterns: Sequence[str] = IMAGES,
        *,
        gain: Path | str | None = None,
        rest_seconds: float = REST_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.error: N2NError | None = None
        self._asked = threading.Event()
        files = watch(
            folder,
            patterns,
            self._asked.is_set,
            rest_seconds=rest_seconds,
            patience_seconds=patience_seconds,
        )

        def run() -> None:
            try:
                for path in files:
                    if not is_beside_micrographs(path, None if gain is None else Path(gain)):
                        queue.add([path])
            except N2NError as error:
                self.error = error
            finally:
                queue.close()

        self._thread = threading.Thread(target=run, name="napari-n2n watching", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; what waits in the queue stays there."""
        self._asked.set()
        self._thread.join(_LONGEST_END_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
