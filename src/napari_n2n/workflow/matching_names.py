"""Which of two lists of files belong together, by their names."""

from collections.abc import Sequence
from pathlib import Path

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import half_of, stem_of

_MOST_NAMED = 5


def matched_by_name(first: Sequence[Path], second: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Pair ``first`` with ``second``: odd with even halves by their names, others in their order.

    Names in order fit if what differs is the same in all pairs: ``a_frame`` and ``a_rest``,
    ``b_frame`` and ``b_rest``. Where it is not, one of the lists lacks a file or has another order,
    and images of different fields would be trained against each other.

    Raises
    ------
    NotEnoughData
        The lists differ in length, or names do not fit.
    """
    by_half = _by_half(first, second)
    if by_half is not None:
        return by_half
    if len(first) != len(second):
        raise NotEnoughData(
            f"{len(first)} files cannot be paired with {len(second)}. "
            "Give as many of the one as of the other."
        )
    pairs = list(zip(first, second, strict=True))
    odd_one = _odd_one(pairs)
    if odd_one is not None:
        a, b = odd_one
        raise NotEnoughData(
            f"{a.name} would be paired with {b.name}, and their names differ in another way than "
            "those of the other pairs. Give both lists in the same order, without files that the "
            "other lacks."
        )
    return pairs


def _by_half(first: Sequence[Path], second: Sequence[Path]) -> list[tuple[Path, Path]] | None:
    """Pair halves whatever their order; None where names do not tell what is odd and what even."""
    for kinds in (("odd", "even"), ("even", "odd")):
        a, b = (_named(paths, kind) for paths, kind in zip((first, second), kinds, strict=True))
        if a is None or b is None:
            continue
        lonely = [a[name] for name in a if name not in b] + [b[name] for name in b if name not in a]
        if lonely:
            told = ", ".join(path.name for path in lonely[:_MOST_NAMED])
            more = f" and {len(lonely) - _MOST_NAMED} more" if len(lonely) > _MOST_NAMED else ""
            raise NotEnoughData(
                f"The other half of {told}{more} is not among the files. Give both halves of every "
                "movie, or leave these out."
            )
        return [(path, b[name]) for name, path in a.items()]
    return None


def _named(paths: Sequence[Path], kind: str) -> dict[str, Path] | None:
    """Return halves of a kind by name; None where one is not, or two have one name."""
    halves = [half_of(path) for path in paths]
    named = {name: path for (name, _), path in zip(halves, paths, strict=True)}
    return named if len(named) == len(paths) and all(k == kind for _, k in halves) else None


def _odd_one(pairs: Sequence[tuple[Path, Path]]) -> tuple[Path, Path] | None:
    """Return the first pair whose names, or folders, differ in another way than the first's do."""
    folders: dict[Path, Path] = {}
    for a, b in pairs:
        if folders.setdefault(a.parent, b.parent) != b.parent:
            return a, b
    stems = [(stem_of(a), stem_of(b)) for a, b in pairs]
    # What both names begin with is cut off first, or what they end in: either will do.
    forwards = [_difference(a, b) for a, b in stems]
    backwards = [_difference(a[::-1], b[::-1]) for a, b in stems]
    if min(len(set(forwards)), len(set(backwards))) <= 1:
        return None
    return next(pair for pair, found in zip(pairs, forwards, strict=True) if found != forwards[0])


def _difference(a: str, b: str) -> tuple[str, str]:
    """Return what is left of two names without what they begin with and then what they end in."""
    for _ in range(2):
        alike = 0
        while alike < min(len(a), len(b)) and a[alike] == b[alike]:
            alike += 1
        a, b = a[alike:][::-1], b[alike:][::-1]
    return a, b
