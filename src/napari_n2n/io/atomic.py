"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import WriteProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDIES = {
    errno.ENOSPC: "Free some space or choose another disk.",
    errno.EDQUOT: "Your disk quota is used up: free some space or choose another disk.",
    errno.EACCES: "Choose a folder you may write to.",
    errno.EPERM: "Choose a folder you may write to.",
    errno.EROFS: "The disk is read-only: choose a folder you may write to.",
    errno.ENAMETOOLONG: "Choose a shorter file name.",
    errno.EEXIST: "There is a file of that name: choose another folder.",
    errno.EISDIR: "There is a folder of that name: choose another file name.",
    errno.ENOTDIR: "A part of that path is a file, not a folder: choose another folder.",
}


def _write_problem(path: Path, error: OSError) -> WriteProblem:
    reason = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk and try again.")
    return WriteProblem(path, f"could not be written ({reason})", remedy)


@contextlib.contextmanager
def write_atomically(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; put it in place when the block succeeds.

    The folder is made if it is missing. On success the temporary file is flushed to the disk
    and renamed over `path`; when the block raises it is deleted, and whatever was at `path`
    before is untouched.

    Parameters
    ----------
    path
        Where the finished file shall be.

    Yields
    ------
    Path
        An empty file in the same folder and with the same extension, to be written in the block.

    Raises
    ------
    WriteProblem
        When the disk is full, read-only or otherwise refuses. Other errors pass through.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            path.parent.mkdir(parents=True, exist_ok=True)
            # Hidden, so that no one who lists the folder takes it for a result; the extension is
            # kept, because some writers choose their format by it.
            name = f".{path.stem[:60]}-{secrets.token_hex(6)}{path.suffix}"
            candidate = path.with_name(name)
            candidate.touch(exist_ok=False)
            temporary = candidate
            yield temporary
            _flush_to_disk(temporary)
            if path.exists():
                temporary.chmod(path.stat().st_mode & 0o777)
            temporary.replace(path)
            temporary = None
            _flush_folder(path.parent)
        except OSError as error:
            raise _write_problem(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system knows how (Windows does not)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
