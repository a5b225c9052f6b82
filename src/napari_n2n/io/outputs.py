"""What may be written where: the one rule of every writer.

- An input is never written over, by whatever name or link it is called.
- A file that this program did not make is not replaced, unless somebody says so.
- Its own results are replaced, which whoever replaces them tells.

Commands ask `require_free` before they begin, and `write_atomically` asks once more: no writer can
leave it out.

MRC files, OME-Zarr, models, PNG pictures and the records of experiments bear the program's name
inside. Texts
that people edit are known by their digest: what somebody has changed since is theirs. STAR and HTML
have it in a comment, see `sealed`; of what has no place for one (tables, lists, boxes, TIFF,
folders of links) it lies beside in `RECORD`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

from napari_n2n.errors import WriteProblem
from napari_n2n.io.zarr_folders import is_zarr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

CREATOR = "napari-n2n"
"""What the files that have a place for it say of their program."""
MRC_LABEL = f"Created by {CREATOR}"
"""The last label of our MRC files; programs that change a file add one of their own."""
RECORD = ".napari-n2n-files"
"""Digests and names of the files in a folder that cannot bear our name, as ``sha256sum`` has them;
the last line of a name counts."""

ROWS_OF_TIFF = f"{CREATOR}: rows as in a TIFF"
"""A label of sums of TIFF movies: RELION's own of the same movies are mirror images."""
DENOISED = f"{CREATOR}: denoised"
"""A label of MRC files that hold what a model made of an image."""

MODEL_SUFFIX = ".safetensors"

_JSON_START = b'{\n "' + CREATOR.encode() + b'": '
_NAME_BYTES = 255  # what nearly all file systems take
_SAFETENSORS_KEYS = {"napari_n2n", "napari_n2n_classifier"}
_LARGEST_MODEL_HEADER = 100 * 2**20  # what safetensors itself allows
_ANY = "surrogateescape"  # a Linux file name may hold any bytes
_SEAL = re.compile(rb"^(?:# |<!-- )" + CREATOR.encode() + rb" ([0-9a-f]{64})(?: -->)?$")
_overwriting: ContextVar[bool] = ContextVar("overwriting", default=False)


@contextlib.contextmanager
def overwriting(allowed: bool = True) -> Iterator[None]:
    """Let files be replaced that this program did not make; inputs never are."""
    before = _overwriting.set(allowed)
    try:
        yield
    finally:
        _overwriting.reset(before)


def made_by_us(path: Path) -> bool:
    """Whether this program made a file, and nobody has changed it since as far as can be told."""
    try:
        if is_zarr(path):
            return _zarr_bears_our_name(path)
        return (not path.is_dir() and _bears_our_name(path)) or _is_recorded(path)
    except OSError:
        return False


def labels_of(path: Path) -> tuple[str, ...]:
    """Return the labels of an MRC file that is not compressed; none of any other file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return labels_in(file.read(1024))


def labels_in(head: bytes) -> tuple[str, ...]:
    """Return the labels of a file by its first bytes; none of what is no MRC file."""
    if head[208:211] != b"MAP":
        return ()
    count = int.from_bytes(head[220:224], "big" if head[212] == 0x11 else "little")
    texts = [head[start : start + 80] for start in range(224, 224 + 80 * min(count, 10), 80)]
    return tuple(text.decode("ascii", "replace").rstrip(" \0") for text in texts)


def require_free(results: Iterable[Path], inputs: Iterable[Path | None] = ()) -> str:
    """Make sure that results may be written, before work begins.

    Parameters
    ----------
    results
        The files that are to be written, whether or not they are there.
    inputs
        What they are made of, and everything else that is read for them.

    Returns
    -------
    str
        A sentence on those that are there and will be replaced; empty if there are none.

    Raises
    ------
    WriteProblem
        One of them is an input, is of somebody else, or has a name that no disk takes.
    """
    results = list(results)
    for path in results:
        _require_name(path)
    there = [path for path in results if os.path.lexists(path)]
    read = _identities(inputs) if there else {}
    for path in there:
        require_replaceable(path, read)
    if not there:
        return ""
    if len(there) == 1:
        return f"{there[0]} is there already, an earlier result, and is replaced."
    return f"{len(there)} earlier results are replaced, {there[0]} the first."


def require_model_name(path: Path) -> None:
    """Make sure that a model is called as one, so that no image is taken for its place.

    Raises
    ------
    WriteProblem
        Its name does not end in ``.safetensors``.
    """
    if path.suffix.lower() != MODEL_SUFFIX:
        raise WriteProblem(
            path,
            "is no name for a model",
            f"It must end in {MODEL_SUFFIX}: {path.stem}{MODEL_SUFFIX}.",
        )


def require_distinct(results: Iterable[tuple[Path, Path]]) -> None:
    """Make sure that no two inputs, each given with its result, have the same result.

    Raises
    ------
    WriteProblem
        Two of them do.
    """
    sources: dict[str, Path] = {}
    for source, result in results:
        other = sources.setdefault(os.path.normcase(result), source)
        if other != source:
            raise WriteProblem(
                result,
                f"would be the result of both {other} and {source}",
                "Give them different output folders.",
            )


def require_replaceable(path: Path, inputs: dict[tuple[int, int], Path] | None = None) -> None:
    """Make sure that a file that is there may be replaced.

    Raises
    ------
    WriteProblem
        It is one of ``inputs``, a folder, or of somebody else.
    """
    if path.is_dir() and not is_zarr(path):
        raise WriteProblem(
            path, "is a folder, where a file was to be written", "Choose another name."
        )
    read = (inputs or {}).get(_identity(path))
    if read is not None:
        what = "is the input itself" if read == path else f"is the same file as the input {read}"
        raise WriteProblem(
            path, f"{what}, which would be written over itself", "Choose another output."
        )
    if not _overwriting.get() and not made_by_us(path):
        raise WriteProblem(
            path,
            f"is there already, and was not made by {CREATOR} or has been changed since",
            "Choose another output, or move it away; on the command line, --overwrite replaces it.",
        )


def sealed(text: str, *, start: str = "# ", end: str = "") -> str:
    """Return a text with a comment in its second line that holds a digest of the rest.

    ``start`` and ``end`` make the line a comment.
    """
    first, newline, rest = text.partition("\n")
    assert newline
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return f"{first}\n{start}{CREATOR} {digest}{end}\n{rest}"


def record(path: Path) -> None:
    """Note down that this program has written a file, unless that stands in the file itself.

    Where nothing may be noted down, the file will not be known for ours, and so not be replaced.
    """
    with contextlib.suppress(OSError):
        if not path.is_dir() and _bears_our_name(path):
            return
        line = f"{_digest(path)}  {path.name}\n"
        if _last_line_of(path) != line:
            with (path.parent / RECORD).open("a", encoding="utf-8", errors=_ANY) as file:
                file.write(line)


def _identities(paths: Iterable[Path | None]) -> dict[tuple[int, int], Path]:
    """Return what tells files apart, whatever they are called."""
    found = {}
    for path in paths:
        if path is not None:
            with contextlib.suppress(OSError):
                found[_identity(path)] = path
    return found


def _identity(path: Path) -> tuple[int, int]:
    """Return what a file is to its disk; of a link that leads nowhere, what the link is."""
    status = path.stat() if path.exists() else path.lstat()
    return status.st_dev, status.st_ino


def _require_name(path: Path) -> None:
    """Make sure that a disk takes a name, and that no part of the way there is a file."""
    length = len(os.fsencode(path.name))
    if length > _NAME_BYTES:
        raise WriteProblem(
            path, f"has a name of {length} bytes; disks take {_NAME_BYTES}", "Shorten the name."
        )
    above = next((folder for folder in path.parents if os.path.lexists(folder)), None)
    if above is not None and not above.is_dir():
        raise WriteProblem(
            path, f"cannot be written: {above} is no folder", "Choose another folder."
        )
    if above is not None and not os.access(above, os.W_OK):
        raise WriteProblem(
            path, f"cannot be written: {above} may not be written", "Choose another folder."
        )


def _bears_our_name(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(1024)
        if head[208:211] == b"MAP":
            return _last_label(head).startswith(MRC_LABEL.encode())
        if head[:8] == b"\x89PNG\r\n\x1a\n":
            return b"tEXtSoftware\0" + CREATOR.encode() in head
        if head[8:9] == b"{":
            return not _SAFETENSORS_KEYS.isdisjoint(_metadata(head, file.read))
        if head[:4] == b"PK\x03\x04":  # NPZ: the comment of a zip file is its end
            file.seek(-len(CREATOR), os.SEEK_END)
            return file.read() == CREATOR.encode()
        return head.startswith(_JSON_START) or _is_sealed(path, head)


def _zarr_bears_our_name(path: Path) -> bool:
    """Whether a Zarr group has our name among its attributes; Zarr 2, as we write it."""
    with contextlib.suppress(ValueError, FileNotFoundError):
        attributes = json.loads((path / ".zattrs").read_text("utf-8"))
        return isinstance(attributes, dict) and CREATOR in attributes
    return False


def _is_sealed(path: Path, head: bytes) -> bool:
    lines = head.split(b"\n", 2)
    seal = _SEAL.search(lines[1]) if len(lines) == 3 else None
    if seal is None:
        return False
    first, _, rest = path.read_bytes().split(b"\n", 2)
    return hashlib.sha256(first + b"\n" + rest).hexdigest().encode() == seal[1]


def _last_label(head: bytes) -> bytes:
    count = int.from_bytes(head[220:224], "big" if head[212] == 0x11 else "little")
    return head[224 + 80 * (count - 1) :][:80] if 1 <= count <= 10 else b""


def _metadata(head: bytes, read: Callable[[int], bytes]) -> Iterable[str]:
    """Return the names in the metadata of a safetensors file."""
    length = int.from_bytes(head[:8], "little")
    if length > _LARGEST_MODEL_HEADER:
        return ()
    text = (head[8:] + read(max(0, 8 + length - len(head))))[:length]
    with contextlib.suppress(ValueError):
        header = json.loads(text)
        metadata = header.get("__metadata__") if isinstance(header, dict) else None
        return metadata if isinstance(metadata, dict) else ()
    return ()


def _is_recorded(path: Path) -> bool:
    line = _last_line_of(path)
    return bool(line) and line == f"{_digest(path)}  {path.name}\n"


def _last_line_of(path: Path) -> str:
    """Return what was noted down of a file; empty if nothing was."""
    try:
        lines = (path.parent / RECORD).read_text(encoding="utf-8", errors=_ANY)
    except FileNotFoundError:
        return ""
    mine = [line for line in lines.splitlines(keepends=True) if line[66:-1] == path.name]
    return mine[-1] if mine else ""


def _digest(path: Path) -> str:
    """Return the digest of a file, or of where the links lead that a folder holds.

    Raises
    ------
    OSError
        It cannot be read, or a folder holds something else.
    """
    if path.is_dir():
        links = sorted(f"{one.name}\0{one.readlink()}\0" for one in path.iterdir())
        return hashlib.sha256("".join(links).encode(errors=_ANY)).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
