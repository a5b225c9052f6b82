"""Lines and blocks of a detector that differ from what is around them in every frame."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LENGTH_PX = 64
"""Shortest piece of a line, and shortest edge of a block, that is looked for."""
_POOLED = (1, 4, 16, 64)
"""How many such pieces are looked at together: what is fainter is seen in longer ones."""
_SIGMA = 8.0
_WIDEST_PX = 512
_BESIDE_PX = 8
_ALIKE = 0.5
"""Share of a step that what is enclosed must differ by on both sides."""
_BLOCK_PX = 8
"""Columns from which on a line is called a block, and its ends looked for."""
_MOST_BLOCKS = 200
_BY_CHANCE = 0.1
"""Share of pixels that equal one neighbour only; beyond it, so few electrons fell that areas of
equal pixels say nothing."""
_MOST_TOLD = 3


def lines_and_blocks(total: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where the detector has dead or hot lines and blocks, (y, x).

    Rows and columns of a camera begin and end from one pixel to the next, over a long way and
    straight. No specimen does: it is not aligned to the detector, is blurred by the microscope, and
    has moved from frame to frame. So steps between neighbouring columns, averaged over pieces of 64
    rows and more, are looked for, eight robust standard deviations high; what two opposite steps,
    or a step and the border, enclose is taken. Likewise between rows. Areas of equal pixels are
    dead, whatever their shape.

    Parameters
    ----------
    total
        (y, x) sum of all frames as they are.
    known
        (y, x) True at pixels that are known to be hot or dead: they do not count.
    """
    found = _constant(total)
    left_out = known | found
    image = np.where(left_out, 0, total)
    for pixels, without, mask in ((image, left_out, found), (image.T, left_out.T, found.T)):
        mask |= _with_ends(pixels, without, _along_columns(pixels, without))
    return found


def _constant(total: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find areas whose pixels are all the same, 3 × 3 at least."""
    left, above = np.zeros(total.shape, bool), np.zeros(total.shape, bool)
    left[:, 1:] = total[:, 1:] == total[:, :-1]
    above[1:] = total[1:] == total[:-1]
    # Four pixels that equal those to their left and above: the middle of 3 × 3 equal ones.
    same, middle = left & above, np.zeros(total.shape, bool)
    if np.mean(left & ~above) > _BY_CHANCE:
        return middle
    middle[1:-1, 1:-1] = same[1:-1, 1:-1] & same[2:, 1:-1] & same[1:-1, 2:] & same[2:, 2:]
    if not middle.any():
        return middle
    found: NDArray[np.bool_] = ndimage.binary_dilation(middle, np.ones((3, 3), bool))
    return found


def _along_columns(image: NDArray[np.float32], left_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find what lies between two steps from column to column, (y, x).

    Pixels that are ``left_out`` are 0 in the image, and do not count.
    """
    pieces = max(1, len(image) // _LENGTH_PX)
    borders = np.linspace(0, len(image), pieces + 1).astype(np.intp)
    sums = np.add.reduceat(image, borders[:-1], axis=0).astype(np.float64)
    counts = np.repeat(np.diff(borders)[:, None], image.shape[1], axis=1)
    rows, columns = np.nonzero(left_out)
    np.subtract.at(counts, (np.searchsorted(borders, rows, "right") - 1, columns), 1)
    found = np.zeros(sums.shape, bool)
    for pooled in _POOLED:
        starts = np.arange(0, pieces, pooled)
        total, count = (np.add.reduceat(values, starts, axis=0) for values in (sums, counts))
        enclosed = _enclosed(_mean(total, count)) & (count > 0)
        found |= np.repeat(enclosed, pooled, axis=0)[:pieces]
        if pooled >= pieces:
            break
        # What was found in a piece is not to be seen in the longer one that the piece is part of.
        sums[found] = counts[found] = 0
    return np.repeat(found, np.diff(borders), axis=0)


def _mean(sums: NDArray[np.float64], counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Divide; of no pixels the mean is NaN."""
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _with_ends(
    image: NDArray[np.float32], left_out: NDArray[np.bool_], coarse: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Find where blocks, whose columns are known to a pixel and rows to a piece, begin and end."""
    if not coarse.any():
        return coarse
    areas, _ = ndimage.label(coarse)
    found = coarse.copy()
    for rows, columns in ndimage.find_objects(areas)[:_MOST_BLOCKS]:
        if columns.stop - columns.start < _BLOCK_PX:
            continue
        counts = np.count_nonzero(~left_out[:, columns], axis=1)
        profile = _mean(image[:, columns].sum(axis=1, dtype=np.float64), counts)
        near = np.zeros(len(image), bool)
        near[max(0, rows.start - _LENGTH_PX) : rows.stop + _LENGTH_PX] = True
        sharp = _enclosed(profile[None])[0] & near
        if sharp.any():
            found[rows, columns] = False
            found[sharp, columns] = True
    return found


def _enclosed(means: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns of which pieces, (piece, column), lie between two steps."""
    found = np.zeros(means.shape, bool)
    steps = np.diff(means, axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(steps)) if np.isfinite(steps).any() else 0.0
    if not spread > 0:
        return found
    with np.errstate(invalid="ignore"):
        high = np.abs(steps) > _SIGMA * spread
    for piece in np.flatnonzero(high.any(axis=1)):
        _enclose(means[piece], np.flatnonzero(high[piece]) + 1, found[piece])
    return found


def _enclose(mean: NDArray[np.float64], steps: NDArray[np.intp], found: NDArray[np.bool_]) -> None:
    """Mark in ``found`` what lies between two of ``steps``, or one and the border, and differs."""
    edges = [0, *steps.tolist(), len(mean)]
    for i, start in enumerate(edges[:-1]):
        for end in edges[i + 1 : i + 4]:
            widest = _LENGTH_PX if start == 0 or end == len(mean) else _WIDEST_PX
            if end - start <= widest and _differs(mean, start, end):
                found[start:end] = True


def _differs(mean: NDArray[np.float64], start: int, end: int) -> bool:
    """Whether ``mean`` from ``start`` to ``end`` lies above, or below, what is to both sides."""
    inside = mean[start:end]
    sides = [mean[max(0, start - _BESIDE_PX) : start], mean[end : end + _BESIDE_PX]]
    known = [np.nanmedian(side) for side in sides if np.isfinite(side).any()]
    if not known or not np.isfinite(inside).any():
        return False
    rise = np.nanmedian(inside) - np.array(known)
    height = max(abs(mean[edge] - mean[edge - 1]) for edge in (start, end) if 0 < edge < len(mean))
    return bool(abs(np.sign(rise).sum()) == len(rise) and np.abs(rise).min() > _ALIKE * height)


def described(lines: NDArray[np.bool_]) -> str:
    """Tell how many of the pixels (y, x) are in lines and blocks, and where the largest are."""
    areas, _ = ndimage.label(lines, np.ones((3, 3), bool))
    boxes = ndimage.find_objects(areas)
    boxes.sort(key=lambda box: -max(side.stop - side.start for side in box))
    told = []
    for rows, columns in boxes[:_MOST_TOLD]:
        y, x = f"{rows.start:,} to {rows.stop - 1:,}", f"{columns.start:,} to {columns.stop - 1:,}"
        told.append(f"x {x}, y {y}")
    more = "; …" if len(boxes) > _MOST_TOLD else ""
    where = f"{lines.mean():.2%} of the field: {'; '.join(told)}{more}"
    return (
        f"Lines or blocks of the detector ({where}) stand out in every frame and were filled "
        "in from their neighbours."
    )
