"""A small EER encoder, for simulated movies and tests: nothing else writes EER."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.eer import COMPRESSION_7_BIT, COMPRESSION_8_BIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_LONG8, _LONG, _SHORT, _UNDEFINED = 16, 4, 3, 7


def encode_eer(
    frames: Iterable[NDArray[Any]],
    path: Path | str,
    *,
    run_bits: int = 7,
    upsampling: int = 1,
    raw_frames_per_frame: int | None = None,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    seed: int = 0,
) -> int:
    """Write electron counts as an EER movie (BigTIFF), whole or not at all.

    A raw frame holds at most one electron per detector pixel, so a frame with higher counts is
    spread over several raw frames, each electron into one of them at random. Rendering the file
    with as many frames and the same upsampling gives back the counts exactly, provided that
    `raw_frames_per_frame` is the same for all frames.

    Parameters
    ----------
    frames
        (frame, y, x) counts on the detector's grid times `upsampling`.
    path
        Where to.
    run_bits
        7 or 8: the two codings of run lengths in use (compression 65001 and 65000).
    upsampling
        1, 2 or 4: pixels of `frames` along one detector pixel. Finer positions are random.
    raw_frames_per_frame
        How many raw frames a frame is spread over; by default the least the whole movie can do
        with, for which all of it is held in memory.
    pixel_size_angstrom
        Of `frames`, Å; goes into the metadata as that of a detector pixel.
    dose_per_frame
        Of `frames`, e/Å²; goes into the metadata as the total dose.
    seed
        For the random choices.

    Returns
    -------
    int
        How many raw frames each frame was spread over.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    ValueError
        When counts are not whole and non-negative, do not fit into `raw_frames_per_frame`, or
        the shape is not a multiple of `upsampling`.
    """
    if run_bits not in (7, 8) or upsampling not in (1, 2, 4):
        raise ValueError("run_bits must be 7 or 8, and upsampling 1, 2 or 4.")
    if raw_frames_per_frame is None:
        frames = [np.asarray(frame) for frame in frames]
        raw_frames_per_frame = max(
            (int(_per_detector_pixel(frame, upsampling).max()) for frame in frames), default=1
        )
        raw_frames_per_frame = max(1, raw_frames_per_frame)
    random = np.random.default_rng(seed)
    writer: _Writer | None = None
    with write_atomically(Path(path)) as temporary, temporary.open("wb") as handle:
        writer = _Writer(handle, run_bits)
        count = 0
        for frame in frames:
            frame = np.asarray(frame)
            count += 1
            for events in _spread(frame, upsampling, raw_frames_per_frame, random):
                height, width = (n // upsampling for n in frame.shape)
                writer.add(*events, height, width)
        if not count:
            raise ValueError("There is no frame to write.")
        writer.finish(
            _metadata(
                count * raw_frames_per_frame,
                (height, width),
                None if pixel_size_angstrom is None else pixel_size_angstrom * upsampling,
                None if dose_per_frame is None else dose_per_frame * count,
            )
        )
    return raw_frames_per_frame


def _per_detector_pixel(frame: NDArray[Any], upsampling: int) -> NDArray[Any]:
    """Add up the counts on each detector pixel."""
    if frame.ndim != 2 or frame.shape[0] % upsampling or frame.shape[1] % upsampling:
        raise ValueError(f"A frame of shape {frame.shape} does not fit upsampling {upsampling}.")
    if frame.dtype.kind != "u" and ((frame < 0).any() or (frame != np.floor(frame)).any()):
        raise ValueError("Counts of electrons must be whole and not negative.")
    if upsampling == 1:
        return frame
    counts = frame.astype(np.int64)
    rows, columns = (n // upsampling for n in frame.shape)
    summed: NDArray[np.int64] = counts.reshape(rows, upsampling, columns, upsampling).sum((1, 3))
    return summed


def _spread(
    frame: NDArray[Any], upsampling: int, raw_frames: int, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give (detector pixel, 4-bit position within it) of every event, raw frame by raw frame."""
    per_pixel = _per_detector_pixel(frame, upsampling)
    if per_pixel.max(initial=0) > raw_frames:
        raise ValueError(
            f"A pixel has {per_pixel.max()} electrons: raise raw_frames_per_frame to that."
        )
    rows, columns = np.nonzero(frame)
    repeats = frame[rows, columns].astype(np.int64)
    rows, columns = np.repeat(rows, repeats), np.repeat(columns, repeats)
    pixel = rows // upsampling * per_pixel.shape[1] + columns // upsampling
    finer = 4 // upsampling
    sub_y = rows % upsampling * finer + random.integers(0, finer, rows.size)
    sub_x = columns % upsampling * finer + random.integers(0, finer, rows.size)
    order = np.argsort(pixel, kind="stable")
    pixel, sub_y, sub_x = pixel[order], sub_y[order], sub_x[order]
    # Electrons of one pixel get consecutive raw frames from a random one on: never the same.
    first_of_pixel = np.searchsorted(pixel, pixel, side="left")
    start = random.integers(0, raw_frames, pixel.size)[first_of_pixel]
    raw = (start + np.arange(pixel.size) - first_of_pixel) % raw_frames
    # Stored positions run from -2 to 1 in two's complement: 0…3 with the upper bit flipped.
    symbol = (sub_x ^ 2) | (sub_y ^ 2) << 2
    for number in range(raw_frames):
        chosen = raw == number
        yield pixel[chosen], symbol[chosen]


def encode_events(
    pixel: NDArray[np.int64], symbol: NDArray[np.int64], pixels: int, run_bits: int
) -> bytes:
    """Encode the events of one raw frame as an EER bit stream.

    A code is a run length (`run_bits` bits, lowest bit first) followed by 4 bits of position. A
    run of all ones means "that far without an event" and has no position; after an event, the
    next run starts at the following pixel. The last run reaches the end of the frame.

    Parameters
    ----------
    pixel
        Rising positions of the events, y × width + x.
    symbol
        4-bit position of each within its pixel.
    pixels
        Number of pixels of the frame.
    run_bits
        7 or 8.

    Returns
    -------
    bytes
        The stream, padded to whole 64-bit words as the camera does.
    """
    longest = 2**run_bits - 1
    ends = np.append(pixel, pixels)
    gaps = np.diff(ends, prepend=-1) - 1
    full, rest = gaps // longest, gaps % longest
    # Codes: for every event `full` runs of all ones, then the rest with its position.
    codes_per_event = full + 1
    last_code = np.cumsum(codes_per_event) - 1
    value = np.full(int(last_code[-1]) + 1, longest, np.int64)
    length = np.full(value.size, run_bits, np.int64)
    value[last_code] = rest
    value[last_code[:-1]] |= symbol << run_bits
    length[last_code[:-1]] += 4
    starts = np.concatenate(([0], np.cumsum(length)))
    bits = np.zeros(-(-int(starts[-1]) // 64) * 64 + 64, np.uint8)
    for bit in range(run_bits + 4):
        within = bit < length
        bits[starts[:-1][within] + bit] = (value[within] >> bit) & 1
    return np.packbits(bits, bitorder="little").tobytes()


def _metadata(
    raw_frames: int, shape: tuple[int, int], pixel_size: float | None, total_dose: float | None
) -> bytes:
    items = [
        ("numberOfFrames", "", str(raw_frames)),
        ("sensorImageHeight", "pixel", str(shape[0])),
        ("sensorImageWidth", "pixel", str(shape[1])),
    ]
    if pixel_size is not None:
        metres = repr(pixel_size * 1e-10)
        items += [(f"sensorPixelSize.{axis}", "m", metres) for axis in ("width", "height")]
        if total_dose is not None:
            items.append(("totalDose", "e/pixel", repr(total_dose * pixel_size**2)))
    body = "".join(f'<item name="{n}" unit="{u}">{v}</item>' for n, u, v in items)
    return f"<metadata>{body}</metadata>".encode()


class _Writer:
    """A BigTIFF whose pages are the raw frames; the directories follow the events."""

    def __init__(self, handle: Any, run_bits: int) -> None:
        self._handle = handle
        self._run_bits = run_bits
        self._compression = COMPRESSION_7_BIT if run_bits == 7 else COMPRESSION_8_BIT
        self._pages: list[tuple[int, int, int, int]] = []
        handle.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))

    def add(
        self, pixel: NDArray[np.int64], symbol: NDArray[np.int64], height: int, width: int
    ) -> None:
        events = encode_events(pixel, symbol, height * width, self._run_bits)
        self._pages.append((self._handle.tell(), len(events), height, width))
        self._handle.write(events)

    def finish(self, metadata: bytes) -> None:
        metadata_at = self._handle.tell()
        self._handle.write(metadata + bytes(-len(metadata) % 8))
        start = self._handle.tell()
        for number, (offset, size, height, width) in enumerate(self._pages):
            entries = [
                (256, _LONG, 1, width),
                (257, _LONG, 1, height),
                (259, _SHORT, 1, self._compression),
                (262, _SHORT, 1, 1),
                (273, _LONG8, 1, offset),
                (277, _SHORT, 1, 1),
                (278, _LONG, 1, height),
                (279, _LONG8, 1, size),
            ]
            if number == 0:
                entries.append((65001, _UNDEFINED, len(metadata), metadata_at))
            directory = struct.pack("<Q", len(entries))
            directory += b"".join(struct.pack("<HHQQ", *entry) for entry in entries)
            here = self._handle.tell()
            is_last = number == len(self._pages) - 1
            following = 0 if is_last else here + len(directory) + 8
            self._handle.write(directory + struct.pack("<Q", following))
        self._handle.seek(8)
        self._handle.write(struct.pack("<Q", start))
