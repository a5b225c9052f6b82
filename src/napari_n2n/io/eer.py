"""EER movies (electron event representation, Thermo Fisher Falcon 4): rendering and encoding.

An EER file is a TIFF of hundreds of raw frames, each a list of electron events: how many pixels
lie between one event and the next, and where on a 4 × 4 grid within its pixel the event fell.
Some raw frames together are rendered as one frame of a movie.

Sources: Thermo Fisher's EerReaderLib (the bit stream), RELION's ``renderEER.cpp`` (compression
numbers, tags); decoding is imagecodecs'.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import tiff_directory as td
from napari_n2n.io.limits import (
    COPY_AGAIN,
    MAX_FRAME_PIXELS,
    open_binary,
    read_exactly,
    require_frame_size,
)
from napari_n2n.io.pixel_size import judge_pixel_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.sources import ImageKind, RowOrder

COMPRESSION_8_BIT, COMPRESSION_7_BIT, COMPRESSION_DETAILED = 65000, 65001, 65002
_UPSAMPLINGS = (1, 2, 4)
_DEFAULT_DOSE = 1.0
_DEFAULT_FRAMES = 40


@dataclass(frozen=True)
class EerRendering:
    """How raw frames become frames of a movie.

    Without `frames` and `dose_per_rendered_frame`, frames of about 1 e/Å² are rendered, or 40
    where the dose is unknown.

    Attributes
    ----------
    frames
        How many frames to render; the raw frames are shared out as evenly as possible.
    dose_per_rendered_frame
        e/Å² a frame shall have; the nearest whole number of raw frames is taken, and what is left
        over at the end is dropped.
    raw_dose_per_frame
        e/Å² of one raw frame, where the file's own metadata lack it or are wrong.
    upsampling
        1, 2 or 4: pixels rendered along one pixel of the detector.
    grouping
        Raw frames in a frame, as RELION's ``--eer_grouping``; what is left over at the end is
        dropped.
    """

    frames: int | None = None
    dose_per_rendered_frame: float | None = None
    raw_dose_per_frame: float | None = None
    upsampling: int = 1
    grouping: int | None = None

    def __post_init__(self) -> None:
        if self.upsampling not in _UPSAMPLINGS:
            raise BadValue(f"EER upsampling must be 1, 2 or 4, not {self.upsampling}.")
        others = self.frames is not None, self.dose_per_rendered_frame is not None
        if all(others):
            raise BadValue("Choose the number of EER frames or the dose per frame, not both.")
        if self.grouping is not None and any(others):
            raise BadValue("Choose the EER grouping, or the frames' number or dose, not both.")
        if self.grouping is not None and self.grouping < 1:
            raise BadValue(f"The EER grouping must be positive, not {self.grouping}.")
        if self.frames is not None and self.frames < 1:
            raise BadValue(f"The number of EER frames must be positive, not {self.frames}.")
        for dose in (self.dose_per_rendered_frame, self.raw_dose_per_frame):
            if dose is not None and not (math.isfinite(dose) and dose > 0):
                raise BadValue(f"An EER dose must be positive, not {dose}.")


class EerSource:
    """Rendered frames of an EER movie, made one at a time.

    Parameters
    ----------
    path
        The file.
    all_pages
        Its directories: those of the raw frames and of whatever else it holds.
    rendering
        How raw frames become frames.

    Raises
    ------
    UnreadableFile
        When the file is torn or its raw frames differ in kind.
    """

    format = "EER"
    row_order: RowOrder = "eer"
    is_rgb = False
    dtype: np.dtype[Any] = np.dtype(np.uint16)

    def __init__(
        self, path: Path, all_pages: list[td.TiffPage], rendering: EerRendering | None = None
    ) -> None:
        rendering = rendering or EerRendering()
        self._path = path
        self._all_pages = all_pages
        # Some programs put an ordinary image, the sum, before the raw frames.
        pages = [page for page in all_pages if page.number(td.COMPRESSION) in EER_COMPRESSIONS]
        if not pages:
            raise UnreadableFile(path, "is no EER movie: it holds no events", "Open it as a TIFF.")
        for number, page in enumerate(pages, 1):
            if page.layout != pages[0].layout:
                raise UnreadableFile(
                    path, f"is damaged: raw frame {number} is unlike the first", COPY_AGAIN
                )
        td.require_pixels_within(path, pages)
        self._pages = pages
        self.kind: ImageKind = "movie" if len(pages) > 1 else "micrograph"
        self._bits = _bits(pages[0], path)
        self.upsampling = rendering.upsampling
        height, width = pages[0].height, pages[0].width
        require_frame_size(path, height, width)
        self._require_complete()
        if height * width * self.upsampling**2 > MAX_FRAME_PIXELS:
            raise UnreadableFile(
                path,
                f"would have frames of {width * self.upsampling} × {height * self.upsampling} "
                "pixels",
                "Render it with a lower upsampling.",
            )
        metadata, notes = _metadata(all_pages[0].text(td.EER_METADATA))
        detector_pixel_size, size_notes = _pixel_size(metadata)
        notes += size_notes
        raw_dose = rendering.raw_dose_per_frame or _raw_dose(
            metadata, detector_pixel_size, len(pages)
        )
        self._bounds, share_notes = _share_out(len(pages), raw_dose, rendering, path)
        count = len(self._bounds) - 1
        self.shape = (count, height * self.upsampling, width * self.upsampling)
        self.pixel_size_angstrom = (
            None if detector_pixel_size is None else detector_pixel_size / self.upsampling
        )
        rendered = self._bounds[-1]
        self.dose_per_frame = None if raw_dose is None else raw_dose * rendered / count
        self.raw_frames = len(pages)
        self.notes = notes + share_notes

    def rendered(self, rendering: EerRendering | None) -> EerSource:
        """Give the same movie rendered otherwise; its directories are not read again.

        Raises
        ------
        UnreadableFile
            When it cannot be rendered so.
        """
        return EerSource(self._path, self._all_pages, rendering)

    def _require_complete(self) -> None:
        """Check that every raw frame has the bits to count its pixels, were there no event."""
        run_bits = self._bits[0]
        for number, page in enumerate(self._pages, 1):
            bits = 8 * sum(size for _, size in page.segments)
            if page.width * page.height > (bits // run_bits + 1) * (2**run_bits - 1):
                raise UnreadableFile(
                    self._path,
                    f"is torn or damaged: raw frame {number} has too few bytes for "
                    f"{page.width} × {page.height} pixels",
                    COPY_AGAIN,
                )

    def read(self, index: int) -> NDArray[np.uint16]:
        """Render frame `index`: electrons counted per pixel, shape (y, x).

        Raises
        ------
        UnreadableFile
            When the events of a raw frame are damaged.
        """
        first, end = self._bounds[index], self._bounds[index + 1]
        middle = (first + end) // 2
        turn = Lock()
        with open_binary(self._path) as handle:
            if middle == first:
                return self._counted(self._events(handle, turn, first, end))
            # imagecodecs leaves the interpreter to others, and a second core is nearly always free.
            with ThreadPoolExecutor(1) as other:
                later = other.submit(self._counted, self._events(handle, turn, middle, end))
                counts = self._counted(self._events(handle, turn, first, middle))
            counts += later.result()
        return counts

    def _events(self, handle: BinaryIO, turn: Lock, first: int, end: int) -> Iterator[bytes]:
        """Yield the events of raw frames ``first`` to before ``end``; it reads in its ``turn``."""
        for raw in range(first, end):
            what = f"raw frame {raw + 1}"
            pieces = []
            with turn:
                for offset, size in self._pages[raw].segments:
                    handle.seek(offset)
                    pieces.append(read_exactly(handle, size, self._path, what))
            events = b"".join(pieces)
            # imagecodecs wants whole 16-bit words; the last run ends before the padding.
            yield events + bytes(len(events) % 2)

    def _counted(self, frames: Iterable[bytes]) -> NDArray[np.uint16]:
        """Count the electrons of raw frames, given their events, (y, x)."""
        import imagecodecs

        shape = self.shape[1:]
        counts = np.zeros(shape, np.uint16)
        for events in frames:
            imagecodecs.eer_decode(
                events, shape, *self._bits, superres=self.upsampling.bit_length() - 1, out=counts
            )
        return counts


EER_COMPRESSIONS = {COMPRESSION_8_BIT, COMPRESSION_7_BIT, COMPRESSION_DETAILED}


def is_eer(pages: list[td.TiffPage]) -> bool:
    """Whether a TIFF with these first pages is an EER movie."""
    return any(page.number(td.COMPRESSION) in EER_COMPRESSIONS for page in pages)


def _bits(page: td.TiffPage, path: Path) -> tuple[int, int, int]:
    """Bits of a run length, of the horizontal and of the vertical position within a pixel."""
    compression = page.number(td.COMPRESSION)
    if compression == COMPRESSION_8_BIT:
        return 8, 2, 2
    if compression == COMPRESSION_7_BIT:
        return 7, 2, 2
    skip = page.number(td.EER_SKIP_BITS, 7)
    horizontal = page.number(td.EER_HORIZONTAL_BITS, 2)
    vertical = page.number(td.EER_VERTICAL_BITS, horizontal)
    if not (
        4 <= skip <= 12
        and 1 <= horizontal <= 4
        and 1 <= vertical <= 4
        and 8 < skip + horizontal + vertical <= 16
    ):
        raise UnreadableFile(
            path,
            f"is an EER movie with a coding that is not supported ({skip}-{horizontal}-{vertical})",
            "Convert it to TIFF with the camera's own software.",
        )
    return skip, horizontal, vertical


def _metadata(xml: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the acquisition metadata, items with a name and a text."""
    from xml.etree import ElementTree

    if not xml:
        return {}, ("The EER file has no acquisition metadata.",)
    unreadable = ("The EER file's acquisition metadata are unreadable and ignored.",)
    # Entities are how XML is made to explode; honest metadata have none.
    if b"<!" in xml:
        return {}, unreadable
    # Some writers' XML declaration is itself malformed.
    start = max(xml.find(b"<metadata"), 0)
    try:
        root = ElementTree.fromstring(xml[start:].rstrip(b"\x00").decode("utf-8", "replace"))
    except (ElementTree.ParseError, ValueError):
        return {}, unreadable
    items = {item.get("name", ""): (item.text or "").strip() for item in root.iter("item")}
    return items, ()


def _float(metadata: dict[str, str], key: str) -> float:
    try:
        return float(metadata[key])
    except (KeyError, ValueError):
        return math.nan


def _pixel_size(metadata: dict[str, str]) -> tuple[float | None, tuple[str, ...]]:
    """``sensorPixelSize`` is the size at the specimen, in metres."""
    x = _float(metadata, "sensorPixelSize.width") * 1e10
    y = _float(metadata, "sensorPixelSize.height") * 1e10
    return judge_pixel_size(x, y, "EER metadata")


def _raw_dose(
    metadata: dict[str, str], pixel_size_angstrom: float | None, raw_frames: int
) -> float | None:
    """Dose of a raw frame, e/Å²: ``totalDose`` is in electrons per detector pixel."""
    total = _float(metadata, "totalDose")
    if pixel_size_angstrom is None or not (math.isfinite(total) and total > 0):
        return None
    return total / pixel_size_angstrom**2 / raw_frames


def _share_out(
    raw_frames: int, raw_dose: float | None, rendering: EerRendering, path: Path
) -> tuple[list[int], tuple[str, ...]]:
    """Give the raw frame each rendered frame starts with, and one past the last."""
    count, dose = rendering.frames, rendering.dose_per_rendered_frame
    if count is not None and count > raw_frames:
        raise UnreadableFile(
            path,
            f"has {raw_frames} raw frames, too few to render {count} frames",
            f"Ask for {raw_frames} frames or fewer.",
        )
    if dose is not None and raw_dose is None:
        raise UnreadableFile(
            path,
            "does not say its dose, so frames of a given dose cannot be rendered",
            "Give the dose of a raw frame, or the number of frames to render.",
        )
    if rendering.grouping is not None:
        return _grouped(raw_frames, rendering.grouping, path)
    if count is None and dose is None:
        if raw_dose is None:
            count = min(_DEFAULT_FRAMES, raw_frames)
        else:
            dose = _DEFAULT_DOSE
    if count is not None:
        return [raw_frames * i // count for i in range(count + 1)], ()
    assert dose is not None
    assert raw_dose is not None
    return _grouped(raw_frames, min(max(1, round(dose / raw_dose)), raw_frames), path)


def _grouped(raw_frames: int, group: int, path: Path) -> tuple[list[int], tuple[str, ...]]:
    """Share out ``group`` raw frames to each rendered one, as `_share_out`."""
    if group > raw_frames:
        raise UnreadableFile(
            path,
            f"has {raw_frames} raw frames, too few to group {group} of them",
            f"Group {raw_frames} or fewer.",
        )
    count = raw_frames // group
    left_over = raw_frames - count * group
    notes = (
        (f"The last {left_over} of {raw_frames} raw frames do not fill a frame and are dropped.",)
        if left_over
        else ()
    )
    return [group * i for i in range(count + 1)], notes
