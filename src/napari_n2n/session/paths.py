"""Where a session lies, and how it names the files around it."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SESSION_NAME = "napari-n2n.sqlite"

_NETWORK = {
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "cvfs", "davfs", "glusterfs", "gpfs", "lustre",
    "mfs", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs",
    "sshfs", "vboxsf", "virtiofs", "wekafs",
}  # fmt: skip


def session_path_in(folder: Path | str) -> Path:
    """Return where the session of a folder is kept; whether it can be, `Session.open` tells."""
    return Path(folder).absolute() / SESSION_NAME


def user_folder() -> Path:
    """Folder of this user's models, halves and sessions; it outlives every window."""
    import platformdirs

    return platformdirs.user_data_path("napari-n2n", appauthor=False)


def session_path_of_user(what: Path | str) -> Path:
    """Session of a folder that cannot be written, or of a picture without a file, by its name.

    Each has its own: one session is one specimen, whose marks teach on all its micrographs.
    """
    text = str(what.resolve()) if isinstance(what, Path) else what
    code = hashlib.sha256(text.encode()).hexdigest()[:8]
    name = "".join(c if c.isalnum() else "-" for c in Path(text).name)
    return user_folder() / "sessions" / f"{name}-{code}.sqlite"


def stored_path(file: Path, folder: Path) -> str:
    """Name a file as a session in ``folder`` keeps it: relative, with slashes.

    Links among the folders are followed, so that one file reached by two ways has one name. On
    Windows a file on another drive than the session keeps its absolute path.
    """
    found = file.absolute()
    found = Path(os.path.realpath(found.parent)) / found.name
    try:
        name = os.path.relpath(found, os.path.realpath(folder))
    except ValueError:
        name = str(found)
    # A Linux file name may hold any bytes.
    return Path(name).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def storable(text: str) -> str:
    """Return a text as SQLite can hold it, which is Unicode only; "?" for what is none.

    A sentence about a file may hold a part of its name that is no Unicode.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def found_path(name: str, folder: str) -> Path:
    """Return the absolute path of what `stored_path` named; ``folder`` without links in it."""
    return Path(os.path.normpath(os.path.join(folder, name)))  # noqa: PTH118


def found_paths(names: Iterable[str | None], folder: str) -> list[Path | None]:
    """Return `found_path` of each name, None for None.

    Each folder is put together once only: there may be 20,000 files in it.
    """
    parents: dict[str, str] = {}
    paths: list[Path | None] = []
    for name in names:
        if name is None:
            paths.append(None)
            continue
        above, _, last = name.rpartition("/")
        if above not in parents:
            parent = os.path.normpath(os.path.join(folder, above))  # noqa: PTH118
            parents[above] = parent.rstrip(os.sep) + os.sep
        paths.append(Path(parents[above] + last))
    return paths


def on_network(folder: Path, mounts: str | None = None) -> bool:
    """Tell whether a folder lies on a file system that several computers share.

    SQLite's write-ahead log needs memory that all its users share, so on such a file system two
    computers would damage the file (https://sqlite.org/wal.html).

    Parameters
    ----------
    folder
        An existing folder.
    mounts
        The text of ``/proc/self/mountinfo``; read where it exists. Elsewhere only Windows' shares
        named by ``//server/share`` are recognised.
    """
    here = os.path.realpath(folder)
    if mounts is None:
        if sys.platform == "win32":
            return here.startswith("\\\\")
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        except OSError:
            return False
    kind, longest = "", -1
    for line in mounts.splitlines():
        # proc(5): id, parent, device, root, mount point, options, …, "-", type, source, options
        place, _, rest = line.partition(" - ")
        fields = place.split(" ")
        if len(fields) < 5 or not rest:
            continue
        point = fields[4].replace("\\040", " ")
        inside = here == point or here.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = rest.split(" ")[0], len(point)
    return kind in _NETWORK or kind.removeprefix("fuse.") in _NETWORK
