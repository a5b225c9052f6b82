"""How much a file of a given size can honestly hold, and how reading it may fail.

A header can promise anything. Before memory is set aside for what it promises, the promise is
held against the bytes that are there: a codec has a greatest possible compression ratio, and a
frame has a greatest possible size.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO

from napari_n2n.errors import N2NError, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FRAME_PIXELS = 2**30
"""Pixels of the largest frame that is accepted (32768²; an EER frame rendered at 4× has 16384²)."""

MAX_COMPRESSION_RATIO = {
    "none": 1,
    "deflate": 1032,  # zlib's own documentation: a 258-byte match may cost two bits
    "lzw": 1700,  # a table of 5120 ever longer runs, filled by codes of at most 12 bits
    "packbits": 64,  # a run of 128 bytes takes two
    "zstd": 32768,  # a run-length block of 128 KiB takes four bytes
    "bzip2": 1_500_000,  # 46 MB of equal bytes make one block of about 40 bytes
    "jpeg": 1100,  # a block of 8 × 8 pixels takes at least one bit in each channel
}
"""The most bytes one compressed byte can stand for, by codec."""

COPY_AGAIN = "Copy it again from where it was made."
NOT_A_FILE = "Give a single file."


def require_frame_size(path: Path, height: int, width: int) -> None:
    """Refuse image sizes no camera makes.

    Raises
    ------
    UnreadableFile
        When a side is not positive or the frame has more than `MAX_FRAME_PIXELS` pixels.
    """
    if height <= 0 or width <= 0 or height * width > MAX_FRAME_PIXELS:
        raise UnreadableFile(
            path,
            f"has an absurd header: it says its frames are {width} × {height} pixels",
            f"The header is damaged. {COPY_AGAIN}",
        )


def require_justified(path: Path, promised: int, stored: int, codec: str) -> None:
    """Refuse to decode `promised` bytes from `stored` ones if `codec` could never do that.

    Raises
    ------
    UnreadableFile
        When the header promises more than the stored bytes can hold.
    """
    # A few hundred bytes of codec overhead weigh on tiny images only.
    if promised > MAX_COMPRESSION_RATIO[codec] * stored + 1024 * (codec != "none"):
        raise UnreadableFile(
            path,
            f"is torn or has a damaged header: it promises {promised:,} bytes of pixels "
            f"and holds {stored:,}" + ("" if codec == "none" else f" ({codec})"),
            COPY_AGAIN,
        )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one typed error that names it.

    Raises
    ------
    UnreadableFile
        For every exception in the block that is not one of this project's own.
    """
    try:
        yield
    except N2NError:
        raise
    except FileNotFoundError as error:
        raise UnreadableFile(path, "does not exist", "Check the name and the folder.") from error
    except PermissionError as error:
        if path.is_dir():  # Windows says "permission denied" for a folder
            raise UnreadableFile(path, "is a folder, not a file", NOT_A_FILE) from error
        raise UnreadableFile(
            path, "may not be read by you", "Ask its owner for permission to read it."
        ) from error
    except IsADirectoryError as error:
        raise UnreadableFile(path, "is a folder, not a file", NOT_A_FILE) from error
    except MemoryError as error:
        raise UnreadableFile(
            path,
            "needs more memory than is free",
            "Close other programs, or choose fewer or smaller frames.",
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UnreadableFile(
                path, f"cannot be read ({error.strerror})", "Check the disk and try again."
            ) from error
        # Decoders raise an OSError, too, which is then not the system's.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnreadableFile(
            path, f"is damaged: its pixels cannot be decoded ({detail})", COPY_AGAIN
        ) from error


@contextlib.contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, with typed errors both for opening and for what the block does."""
    with reading(path):
        if path.is_dir():
            raise IsADirectoryError
        if path.exists() and not path.is_file():
            # A pipe or a device would block for ever.
            raise UnreadableFile(path, "is not a regular file", NOT_A_FILE)
        with path.open("rb") as handle:
            yield handle


def read_exactly(handle: BinaryIO, size: int, path: Path, what: str) -> bytearray:
    """Read `size` bytes, growing the buffer only as bytes arrive.

    Raises
    ------
    UnreadableFile
        When the file ends before.
    """
    pieces = bytearray()
    while len(pieces) < size:
        piece = handle.read(min(size - len(pieces), 16 * 2**20))
        if not piece:
            raise UnreadableFile(
                path,
                f"is torn: it ends within {what} ({len(pieces):,} of {size:,} bytes are there)",
                COPY_AGAIN,
            )
        pieces += piece
    return pieces
