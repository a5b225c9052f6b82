"""What people said once of the images of a file, so that they are not asked again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_n2n.errors import WriteProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.outputs import CREATOR
from napari_n2n.io.stack_kinds import STACK_KINDS, StackKind
from napari_n2n.session.paths import user_folder

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 1000
"""Files that are remembered: the last ones."""


def said_kind_of(path: Path) -> StackKind | None:
    """Return what somebody said that the images of a file are; None: nobody did of this content.

    Another file of that name, told by its size and time, is not meant.
    """
    said = _read().get(str(path.resolve()))
    if not isinstance(said, list) or len(said) != 3 or said[:2] != _state(path):
        return None
    return next((kind for kind in STACK_KINDS if kind == said[2]), None)


def remember_kind(path: Path, kind: StackKind) -> None:
    """Keep what somebody said that the images of a file are.

    Where nothing can be kept, the user will be asked again.
    """
    known = _read()
    known.pop(name := str(path.resolve()), None)
    known[name] = [*_state(path), kind]
    kept = dict(list(known.items())[-_MOST:])
    with suppress(WriteProblem), write_atomically(_file()) as temporary:
        temporary.write_text(json.dumps({CREATOR: "what images are", "files": kept}, indent=1))


def _file() -> Path:
    return user_folder() / "images-are.json"


def _read() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        stored = json.loads(_file().read_text())
        files = stored.get("files") if isinstance(stored, dict) else None
        return files if isinstance(files, dict) else {}
    return {}


def _state(path: Path) -> list[int]:
    """Return size and time of a file; of one that is gone, nothing that any other has."""
    with suppress(OSError):
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    return [-1, -1]
