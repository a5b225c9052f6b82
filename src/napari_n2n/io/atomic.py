"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import WriteProblem
from napari_n2n.io.outputs import record, require_replaceable

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
    before is untouched. Of a link, the file that it leads to is written.

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
        When the disk is full, read-only or otherwise refuses, or `path` is there and may not be
        replaced: see `napari_n2n.io.outputs`. Other errors pass through.
    """
    given = Path(path)
    temporary: Path | None = None
    try:
        try:
            path = _ready(given)
            candidate = path.with_name(_hidden_name(path))
            candidate.touch(exist_ok=False)
            temporary = candidate
            mode = (path if path.exists() else temporary).stat().st_mode & 0o777
            yield temporary
            _flush_to_disk(temporary)
            if os.path.lexists(path):  # somebody may have come first
                require_replaceable(path)
            # Some writers make a file of their own in its place, which only its owner may read.
            if temporary.stat().st_mode & 0o777 != mode:
                temporary.chmod(mode)
            temporary.replace(path)
            temporary = None
            record(path)
            _flush_folder(path.parent)
        except OSError as error:
            raise _write_problem(given, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def folder_atomically(path: Path | str) -> Iterator[Path]:
    """Give a temporary folder beside `path`; put it in place when the block succeeds.

    For what is a folder to the disk and a file to people, as OME-Zarr. Everything in it is flushed
    to the disk before it is renamed; an earlier result is moved out of the way, and deleted once
    the new one is there.

    Raises
    ------
    WriteProblem
        As in `write_atomically`.
    """
    given = Path(path)
    temporary: Path | None = None
    try:
        try:
            path = _ready(given)
            candidate = path.with_name(_hidden_name(path))
            candidate.mkdir()
            temporary = candidate
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _flush_to_disk(file)
            _swap_in(temporary, path)
            temporary = None
            _flush_folder(path.parent)
        except OSError as error:
            raise _write_problem(given, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _ready(given: Path) -> Path:
    """Return where ``given`` leads, its folder made, if what is there may be replaced."""
    path = given.resolve() if given.is_symlink() else given
    if os.path.lexists(path):
        require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _swap_in(new: Path, path: Path) -> None:
    """Rename a folder to ``path``; what is there goes first, and comes back if that fails."""
    if not os.path.lexists(path):
        new.rename(path)
        return
    require_replaceable(path)  # somebody may have come first
    old = path.with_name(_hidden_name(path))
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink()


def _hidden_name(path: Path) -> str:
    """Return a name beside ``path`` that no one who lists the folder takes for a result.

    The extension is kept, because some writers choose their format by it.
    """
    end = path.suffix if len(path.suffix) < 20 else ""
    return f".{path.stem[:40]}-{secrets.token_hex(6)}{end}"


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
