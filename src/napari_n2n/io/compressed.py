"""Reading on in a gzip or bzip2 file, as far as is needed and no further."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import threading
from typing import TYPE_CHECKING, BinaryIO, cast

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.limits import COPY_AGAIN, open_binary, read_exactly, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STEP = 16 * 2**20


def codec_of(head: bytes) -> str | None:
    """Name the compression a file starts with: ``"deflate"`` (gzip), ``"bzip2"`` or None."""
    if head[:3] == b"\x1f\x8b\x08":
        return "deflate"
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    return None


@contextlib.contextmanager
def decompressed(raw: BinaryIO, path: Path, codec: str) -> Iterator[BinaryIO]:
    """Give the stream of what was compressed into an open file, from where that stands on.

    Raises
    ------
    UnreadableFile
        When its data turn out to end too early within the block.
    """
    opened = gzip.GzipFile(fileobj=raw) if codec == "deflate" else bz2.BZ2File(raw)
    try:
        with opened as stream:
            yield cast("BinaryIO", stream)
    except EOFError as error:
        raise UnreadableFile(
            path, "is torn: its compressed data end too early", COPY_AGAIN
        ) from error


@contextlib.contextmanager
def open_decompressed(path: Path, codec: str) -> Iterator[BinaryIO]:
    """Open a compressed file as the stream of what was compressed.

    Raises
    ------
    UnreadableFile
        When it cannot be opened, or turns out damaged within the block.
    """
    with open_binary(path) as raw, decompressed(raw, path, codec) as stream:
        yield stream


class SequentialReader:
    """Give stretches of a compressed file; going forward costs no second pass.

    A compressed stream has no random access. Frames are nearly always read in order, so the
    stream stays open between reads and starts again only when an earlier stretch is asked for.
    No more than the stretch asked for is in memory.

    Parameters
    ----------
    path
        The compressed file.
    codec
        ``"deflate"`` or ``"bzip2"``.
    """

    def __init__(self, path: Path, codec: str) -> None:
        self._path = path
        self._codec = codec
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._stream: BinaryIO | None = None
        self._position = 0

    def read(self, start: int, size: int, what: str) -> bytearray:
        """Give `size` decompressed bytes from `start` on; `what` names them in a message.

        Raises
        ------
        UnreadableFile
            When the stream is damaged or ends before.
        """
        with self._lock, reading(self._path):
            try:
                return self._read(start, size, what)
            except EOFError as error:
                self._restart()
                raise UnreadableFile(
                    self._path, "is torn: its compressed data end too early", COPY_AGAIN
                ) from error
            except BaseException:
                # The stream's state is unknown now.
                self._restart()
                raise

    def _read(self, start: int, size: int, what: str) -> bytearray:
        if self._stream is None or start < self._position:
            self._restart()
            # The context managers of this module would close it at once; close() does it here.
            self._stream = self._stack.enter_context(open_decompressed(self._path, self._codec))
        while self._position < start:
            skipped = len(self._stream.read(min(start - self._position, _STEP)))
            if not skipped:
                raise UnreadableFile(self._path, f"is torn: it ends before {what}", COPY_AGAIN)
            self._position += skipped
        piece = read_exactly(self._stream, size, self._path, what)
        self._position += size
        return piece

    def _restart(self) -> None:
        self._stack.close()
        self._stack = contextlib.ExitStack()
        self._stream = None
        self._position = 0

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        with self._lock:
            self._restart()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._stack.close()

    def __reduce__(self) -> tuple[type[SequentialReader], tuple[Path, str]]:
        # An open stream cannot travel to another process; the path can.
        return SequentialReader, (self._path, self._codec)
