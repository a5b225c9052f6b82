"""What a file is, judged by its content and never by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.compressed import codec_of, open_decompressed
from napari_n2n.io.limits import open_binary
from napari_n2n.io.mrc_header import HEADER_BYTES, looks_like_mrc
from napari_n2n.io.tiff_directory import is_tiff, read_pages

if TYPE_CHECKING:
    from napari_n2n.io.eer import EerRendering
    from napari_n2n.io.sources import FrameSource

Kind = Literal["mrc", "tiff", "eer", "photograph"]

_FOREIGN = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Export it as MRC or TIFF."),
    (b"\x00\x00\x00\x03\x00\x00\x00", "a Gatan DM3 file", "Convert it to MRC with IMOD's dm2mrc."),
    (b"\x00\x00\x00\x04\x00\x00\x00", "a Gatan DM4 file", "Convert it to MRC with IMOD's dm2mrc."),
    (b"PK\x03\x04", "a zip archive", "Unpack it first."),
    (b"\xfd7zXZ\x00", "an xz archive", "Unpack it first."),
    (b"(\xb5/\xfd", "a zstd archive", "Unpack it first."),
    (b"GIF8", "a GIF picture", "Save it as PNG."),
    (b"%PDF", "a PDF document", "Export its picture as PNG."),
    (b"\x80\x02", "a Python pickle", "Such a file is never opened: it could run any program."),
)
_KNOWN = "MRC, TIFF, EER, PNG and JPEG files can be read."


def sniff(path: Path) -> Kind:
    """Find out what kind of file this is.

    Raises
    ------
    UnreadableFile
        When it cannot be opened, is empty, or is of no kind this program reads.
    """
    with open_binary(path) as handle:
        head = handle.read(HEADER_BYTES)
        size = handle.seek(0, 2)
    if not head:
        raise UnreadableFile(
            path, "is empty", "Copy it again; if it is empty there too, it was never written."
        )
    if is_tiff(head):
        from napari_n2n.io.eer import is_eer

        return "eer" if is_eer(read_pages(path, limit=2)) else "tiff"
    if head[:8] == b"\x89PNG\r\n\x1a\n" or head[:3] == b"\xff\xd8\xff":
        return "photograph"
    if looks_like_mrc(head, size):
        return "mrc"
    codec = codec_of(head)
    if codec is not None:
        with open_decompressed(path, codec) as stream:
            inside = stream.read(HEADER_BYTES)
        # Without unpacking all of it, only the stamp can tell.
        if inside[208:211] == b"MAP":
            return "mrc"
        what = "a TIFF" if is_tiff(inside) else "no MRC file"
        raise UnreadableFile(path, f"is compressed and holds {what}", "Unpack it first.")
    raise _unknown(path, head)


def _unknown(path: Path, head: bytes) -> UnreadableFile:
    for magic, name, remedy in _FOREIGN:
        if head.startswith(magic):
            return UnreadableFile(path, f"is {name}, whatever its name says", remedy)
    if len(head) < HEADER_BYTES and path.suffix.lower() in (".mrc", ".mrcs", ".map", ".st"):
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
    """Open a file as a source of frames, by its content.

    Raises
    ------
    UnreadableFile
        When it is no image, or damaged.
    """
    kind = sniff(path)
    # Each format is imported when a file asks for it, which keeps `import napari_n2n.io` quick.
    if kind == "mrc":
        from napari_n2n.io.mrc import MrcSource

        return MrcSource(path)
    if kind == "eer":
        from napari_n2n.io.eer import EerSource

        return EerSource(path, eer)
    if kind == "tiff":
        from napari_n2n.io.tiff import TiffSource

        return TiffSource(path)
    from napari_n2n.io.photographs import PhotographSource

    return PhotographSource(path)


def is_supported(path: Path | str) -> bool:
    """Whether a file looks like one this program can open, judged by its first bytes."""
    try:
        sniff(Path(path))
    except N2NError:
        return False
    return True
