"""A first guess of the drift of the whole field, for the rounds that measure it to start from.

A single frame shows too little to be found in another one, and frames far apart in time have moved
too far to be added up unseen. So neighbours come first: frames are compared two by two and added up
where they match, then these sums two by two, until one is left. Each sum shows as much more as it
has frames, just as the motion to be found grows. Where two sums show nothing to compare, they are
added up as if nothing had moved between them, and their sum is compared with its own neighbour.
"""

import torch

from napari_n2n.motion.correlation import Band, coarse_peak, fine_peak
from napari_n2n.motion.frames import CroppedFrames
from napari_n2n.progress import Progress, Steps

_PIXEL_ANGSTROM = 8.0
"""Waves below 16 Å say nothing about a single frame, and without them there is a quarter to do."""
_B_FACTOR = 2500.0
"""Å²: waves of 25 Å count 0.4. Finer ones are blurred in sums whose frames were not told apart.

1,500 and 4,000 guessed 93 simulated movies neither better nor worse."""
_CLEAR_HEIGHT = 5.5
"""Sigma. Among 1,400 places within reach chance exceeds it once in 40,000 pairs.

At 5.0 three of five simulated movies of 200 and more frames were guessed 10 Å wrong."""
_NEAR_ANGSTROM = 40.0
"""Where nothing is clear everywhere, neighbours are looked for near by, where chance has less room.

Within 30 Å three more of 93 movies were guessed 8 Å wrong; within 56 Å just as many."""
_CLEAR_HEIGHT_NEAR = 4.25
"""Among the 120 places near by chance exceeds it once in 800 pairs, and then it does little harm.

At 4.5 three more of 93 movies were guessed 4 Å wrong; at 4.0 just as many."""
_PAIRS_AT_ONCE = 16
"""Pairs compared in one go: more saves no time, and takes memory."""


def first_guess_steps(
    frames: CroppedFrames, reference_frame: int, reach_angstrom: float
) -> Steps[torch.Tensor]:
    """Guess the shifts relative to the reference frame, (frame, 2) y, x in Å.

    It is zero for all frames where moving them makes no stronger a sum than leaving them. Frames of
    1 e/Å² on 2048² px of 1 Å are found to 0.3 Å, those of 0.25 e/Å² on 1024² px to 1 or 2.

    Parameters
    ----------
    reach_angstrom
        How far a sum of frames may lie from the neighbour before it.
    """
    band, sums = _coarser(frames)  # (frame, y, x // 2 + 1)
    # exp(-B k² / 4) is the usual envelope of amplitudes.
    weights = torch.exp(-_B_FACTOR / 4 * band.frequency**2)  # (y, x // 2 + 1)
    still = sums.sum(dim=0)  # (y, x // 2 + 1)
    shifts = torch.zeros(len(sums), 2, dtype=torch.float64)  # (frame, 2)
    # Sum i holds the frames from edges[i] to before edges[i + 1].
    edges = list(range(len(sums) + 1))
    while len(sums) > 1:
        pairs = len(sums) // 2
        for start in range(0, pairs, _PAIRS_AT_ONCE):
            stop = min(start + _PAIRS_AT_ONCE, pairs)
            # As if the later sum began where the earlier one ended: motion is continuous.
            ends = [edges[2 * pair + 1] - 1 for pair in range(start, stop)]
            places = shifts[ends]  # (pair, 2)
            earlier, later = sums[2 * start : 2 * stop : 2], sums[2 * start + 1 : 2 * stop : 2]
            band.move_back_(later, places.to(later.device))
            places = places + _moved_back_(earlier, later, band, weights, reach_angstrom).cpu()
            for pair, place in enumerate(places, start):
                shifts[edges[2 * pair + 1] : edges[2 * pair + 2]] += place
            # In place of the first ones, which have been read.
            sums[start:stop] = earlier + later
            # Each pair makes one sum of two, and in the end there is one.
            yield Progress("Guessing drift", len(shifts) - len(sums) + stop, len(shifts) - 1)
        if len(sums) % 2:
            sums[pairs] = sums[-1]
        sums = sums[: len(sums) - pairs]
        edges = [*edges[: 2 * pairs : 2], *edges[2 * pairs :]]
    strengths = [(weights * total.abs().square()).sum() for total in (sums[0], still)]
    if not strengths[0] > strengths[1]:
        return torch.zeros_like(shifts)
    return shifts - shifts[reference_frame]


def _moved_back_(
    earlier: torch.Tensor,  # (pair, y, x // 2 + 1)
    later: torch.Tensor,  # (pair, y, x // 2 + 1)
    band: Band,
    weights: torch.Tensor,  # (y, x // 2 + 1)
    reach_angstrom: float,
) -> torch.Tensor:
    """Move each of ``later`` back onto its neighbour where it is clearly seen there, in place.

    Returns
    -------
    torch.Tensor
        (pair, 2) y, x by how many Å it lay off; 0 where nothing is clear.
    """
    cross = earlier.conj() * later * weights  # (pair, y, x // 2 + 1)
    far, height = coarse_peak(cross, band, reach_angstrom)  # (pair, 2), (pair,)
    near, height_near = coarse_peak(cross, band, min(reach_angstrom, _NEAR_ANGSTROM))
    clear = height > _CLEAR_HEIGHT  # (pair,)
    start = torch.where(clear[:, None], far, near).double()  # (pair, 2)
    # The top lies within the pixel, or two where noise has moved its highest sample.
    shift, _ = fine_peak(cross, band, start, max(band.pixel_size_angstrom))  # (pair, 2)
    clear |= height_near > _CLEAR_HEIGHT_NEAR
    shift = torch.where(clear[:, None], shift, torch.zeros_like(shift))
    band.move_back_(later, shift)
    return shift


def _coarser(frames: CroppedFrames) -> tuple[Band, torch.Tensor]:
    """Return the lowest frequencies alone, copied, (frame, y, x // 2 + 1), and their band."""
    band, spectra = frames.band, frames.spectra
    shrink = max(1, int(_PIXEL_ANGSTROM / max(band.pixel_size_angstrom)))
    # A transform needs no fewer pixels than these; what is smaller stays as it is.
    rows, columns = (min(side, max(16, side // shrink // 2 * 2)) for side in band.shape)
    pixel_y, pixel_x = (
        pixel * side / kept
        for pixel, side, kept in zip(
            band.pixel_size_angstrom, band.shape, (rows, columns), strict=True
        )
    )
    kept_x = columns // 2 + 1
    low = [spectra[:, : rows // 2, :kept_x], spectra[:, -(rows // 2) :, :kept_x]]
    coarser = Band.of((rows, columns), (pixel_y, pixel_x), spectra.device)
    return coarser, torch.cat(low, dim=1)
