"""What a file is, judged by its content and never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.compressed import codec_of, decompressed
from napari_n2n.io.limits import open_binary
from napari_n2n.io.mrc_header import HEADER_BYTES, looks_like_mrc
from napari_n2n.io.tiff_directory import is_tiff, read_pages
from napari_n2n.io.zarr_folders import is_zarr

if TYPE_CHECKING:
    from napari_n2n.io.eer import EerRendering
    from napari_n2n.io.sources import FrameSource

Format = Literal["mrc", "tiff", "eer", "photograph"]

_FOREIGN = (
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file",
        "Save it as MRC; of EMAN's: e2proc3d.py NAME.hdf NAME.mrc.",
    ),
    (b"\x00\x00\x00\x03\x00\x00\x00", "a Gatan DM3 file", "Convert it to MRC with IMOD's dm2mrc."),
    (b"\x00\x00\x00\x04\x00\x00\x00", "a Gatan DM4 file", "Convert it to MRC with IMOD's dm2mrc."),
    (b"PK\x03\x04", "a zip archive", "Unpack it first."),
    (b"\xfd7zXZ\x00", "an xz archive", "Unpack it first."),
    (b"(\xb5/\xfd", "a zstd archive", "Unpack it first."),
    (b"GIF8", "a GIF picture", "Save it as PNG."),
    (b"%PDF", "a PDF document", "Export its picture as PNG."),
    (b"\x80\x02", "a Python pickle", "Such a file is never opened: it could run any program."),
)
_OF_MRC = (".mrc", ".mrcs", ".map", ".st", ".rec", ".ali")
_KNOWN = "MRC, TIFF, EER, PNG and JPEG files can be read, and OME-Zarr."


@dataclass(frozen=True)
class Sniffed:
    """What the first bytes of a file tell.

    Attributes
    ----------
    format
        What it is.
    head
        Its first bytes, as many as an MRC header has; of what is inside, where it is compressed.
    stored_bytes
        Size of the file.
    codec
        How it is compressed: ``"deflate"`` (gzip), ``"bzip2"`` or None.
    """

    format: Format
    head: bytes
    stored_bytes: int
    codec: str | None = None


def sniff(handle: BinaryIO, path: Path) -> Sniffed:
    """Find out what kind of file this is.

    Parameters
    ----------
    handle
        The file, open for reading.
    path
        For messages.

    Raises
    ------
    UnreadableFile
        When it is empty, or of no kind this program reads.
    """
    head = handle.read(HEADER_BYTES)
    size = handle.seek(0, 2)
    if not head:
        raise UnreadableFile(
            path, "is empty", "Copy it again; if it is empty there too, it was never written."
        )
    if is_tiff(head):
        from napari_n2n.io.eer import is_eer

        # Some programs put an ordinary image, the sum, before an EER's raw frames.
        return Sniffed("eer" if is_eer(read_pages(handle, path, limit=2)) else "tiff", head, size)
    if head[:8] == b"\x89PNG\r\n\x1a\n" or head[:3] == b"\xff\xd8\xff":
        return Sniffed("photograph", head, size)
    if looks_like_mrc(head, size):
        return Sniffed("mrc", head, size)
    codec = codec_of(head)
    if codec is not None:
        handle.seek(0)
        with decompressed(handle, path, codec) as stream:
            inside = stream.read(HEADER_BYTES)
        # Without unpacking all of it, only the stamp can tell.
        if inside[208:211] == b"MAP":
            return Sniffed("mrc", inside, size, codec)
        what = "a TIFF" if is_tiff(inside) else "no MRC file"
        raise UnreadableFile(path, f"is compressed and holds {what}", "Unpack it first.")
    raise _unknown(path, head)


def _unknown(path: Path, head: bytes) -> UnreadableFile:
    for magic, name, remedy in _FOREIGN:
        if head.startswith(magic):
            return UnreadableFile(path, f"is {name}, whatever its name says", remedy)
    if len(head) < HEADER_BYTES and path.suffix.lower() in _OF_MRC:
        return UnreadableFile(
            path,
            f"is torn: it has {len(head)} bytes, and an MRC header alone has {HEADER_BYTES}",
            "Copy it again from where it was made.",
        )
    if not any(head):
        return UnreadableFile(
            path,
            "starts with nothing but zeros: it was never completely written",
            "Copy it again from where it was made.",
        )
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return UnreadableFile(path, "is a text file, not an image", _KNOWN)
    return UnreadableFile(path, "is no image file this program knows", _KNOWN)


def open_source(path: Path, eer: EerRendering | None = None) -> FrameSource:
    """Open a file, or an OME-Zarr folder, as a source of frames; it is closed again.

    By its content: its header, or what describes it, is read.

    Raises
    ------
    UnreadableFile
        When it is no image, or damaged.
    """
    # Each format is imported when a file asks for it, which keeps `import napari_n2n.io` quick.
    if is_zarr(path):
        from napari_n2n.io.volumes.ome_zarr import OmeZarrSource

        return OmeZarrSource(path)
    with open_binary(path) as handle:
        sniffed = sniff(handle, path)
        if sniffed.format == "photograph":
            from napari_n2n.io.photographs import PhotographSource, grey_if_equal

            return grey_if_equal(PhotographSource(path, handle))
        pages = read_pages(handle, path) if sniffed.format in ("tiff", "eer") else []
    if sniffed.format == "mrc":
        from napari_n2n.io.mrc import MrcSource

        return MrcSource(path, sniffed.head, sniffed.stored_bytes, sniffed.codec)
    if sniffed.format == "eer":
        from napari_n2n.io.eer import EerSource

        return EerSource(path, pages, eer)
    from napari_n2n.io.tiff import TiffSource

    tiff = TiffSource(path, pages)
    if tiff.is_rgb:
        from napari_n2n.io.photographs import grey_if_equal

        return grey_if_equal(tiff)
    return tiff


def is_supported(path: Path | str) -> bool:
    """Whether a file looks like one this program can open, judged by its first bytes."""
    path = Path(path)
    if is_zarr(path):
        return True
    try:
        with open_binary(path) as handle:
            sniff(handle, path)
    except N2NError:
        return False
    return True
