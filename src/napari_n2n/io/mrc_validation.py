"""Where the header of an MRC file departs from MRC2014, as the mrcfile library judges it.

What can be read is decided in ``mrc_header``, which is more lenient: programs of all ages write
headers that another one then refuses, and this tells why.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from napari_n2n.io.formats import sniff
from napari_n2n.io.limits import open_binary
from napari_n2n.io.mrc_header import MrcHeader, parse_header

if TYPE_CHECKING:
    from pathlib import Path

_EXTENDED_SIZE = slice(92, 96)
_EXTENDED_TYPE = slice(104, 108)
_SOME_EXTENDED_BYTES = b"\x00\x01\x00\x00"
"""256 or 65,536 bytes, whichever the byte order: what the header says may be gigabytes."""
_NOT_JUDGED = (
    "Data statistics",  # they are compared with the pixels, of which none are read here
    "Invalid mode: 101",  # 4-bit pixels are in MRC2014, but not in mrcfile
)


def mrc2014_departures(path: Path) -> tuple[str, ...]:
    """Tell where the header of an uncompressed MRC file departs from MRC2014.

    1024 bytes are read, however large the file: neither pixels nor the extended header are. mrcfile
    is imported here, so that opening a file need not wait for it.

    Returns
    -------
    tuple[str, ...]
        One clause each, in mrcfile's words; empty for a valid header and for files that are not
        uncompressed MRC.

    Raises
    ------
    UnreadableFile
        When the file cannot be opened, or its header not be read.
    """
    if path.is_dir():  # OME-Zarr
        return ()
    with open_binary(path) as handle:
        found = sniff(handle, path)
    if found.format != "mrc" or found.codec is not None:
        return ()
    return _judged(_harmless(found.head), parse_header(found.head, path))


def _harmless(head: bytes) -> bytes:
    """Return a header that mrcfile judges alike, and that makes it neither reserve nor fail."""
    changed = bytearray(head)
    if any(head[_EXTENDED_SIZE]):
        changed[_EXTENDED_SIZE] = _SOME_EXTENDED_BYTES
    # mrcfile decodes the type as ASCII, and a terminal would obey control characters in it.
    changed[_EXTENDED_TYPE] = bytes(
        byte if 32 <= byte < 127 else ord("?") for byte in head[_EXTENDED_TYPE]
    )
    return bytes(changed)


def _judged(head: bytes, ours: MrcHeader) -> tuple[str, ...]:
    """Return what mrcfile says against ``head``, of which we know the byte order for sure."""
    from mrcfile.mrcinterpreter import MrcInterpreter

    said = io.StringIO()
    stream = io.BytesIO(head + bytes(65536))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            theirs = MrcInterpreter(stream, permissive=True, header_only=True)
            same = (int(theirs.header.nz), int(theirs.header.ny)) == ours.shape[:2]
            stamp = bytes(theirs.header.machst).hex(" ")
            if not same:
                # Every number that mrcfile sees is wrong, and so is what it says of them.
                return (f"Machine stamp {stamp} does not match the byte order of the header",)
            theirs.validate(print_file=said)
        except Exception as error:  # a library's way with a stranger's header is not ours to know
            detail = " ".join(str(error).split())[:160] or type(error).__name__
            return (f"mrcfile cannot judge the header ({detail})",)
    # That the stamp names the wrong byte order it says by a warning alone.
    lines = [str(warning.message) for warning in warned]
    lines = [line for line in lines if line.startswith("Machine stamp")]
    lines += [line for line in said.getvalue().splitlines() if not line.startswith(_NOT_JUDGED)]
    return tuple(line.strip().rstrip(".") for line in lines if line.strip())
