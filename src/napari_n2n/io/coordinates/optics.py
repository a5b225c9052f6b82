"""Optics groups of RELION, which tell how micrographs were recorded: carried on, or described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue
from napari_n2n.io.star import StarTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_n2n.io.coordinates.model import Optics

GROUP, GROUP_NAME = "rlnOpticsGroup", "rlnOpticsGroupName"


class OpticsGroups:
    """Groups of several files put together: each once, by the number it had where that is free."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[str, str], ...], str] = {}
        self._names: set[str] = set()
        self._labels: list[str] = []

    def number_of(self, group: Mapping[str, str]) -> str:
        """Return the number of a group, which is added if it is new.

        Raises
        ------
        BadValue
            Another group of that name is described otherwise, or by other labels.
        """
        key = tuple((label, word) for label, word in group.items() if label != GROUP)
        if key in self._numbers:
            return self._numbers[key]
        name = group.get(GROUP_NAME, "")
        self._labels = self._labels or [*group]
        if name in self._names or self._labels != [*group]:
            raise BadValue(
                f"The optics group {name} is described in two ways. Write the files one by one."
            )
        taken = {*self._numbers.values()}
        number = group.get(GROUP, "1")
        free = max((int(one) for one in taken if one.isdigit()), default=0) + 1
        self._numbers[key] = number if number not in taken else str(free)
        self._names.add(name)
        return self._numbers[key]

    def add_rest(self, tables: Iterable[StarTable]) -> None:
        """Add the groups of files of which no row is left: their blocks go out as they were."""
        for table in tables:
            for number in range(len(table)):
                group = table.row(number)
                if group.get(GROUP_NAME, "") not in self._names and self._labels == [*group]:
                    self.number_of(group)

    def table(self) -> StarTable:
        """Return the block ``optics``."""
        rows = [{**dict(key), GROUP: number} for key, number in self._numbers.items()]
        rows.sort(key=lambda row: int(row[GROUP]) if row[GROUP].isdigit() else 0)
        return StarTable.of({label: [row[label] for row in rows] for label in self._labels})


def described(
    sizes: Sequence[float | None],
    optics: Optics | None,
    labels: Sequence[str] = ("rlnMicrographPixelSize",),
) -> tuple[StarTable, list[str]]:
    """Describe a group for each pixel size; what is not known of a microscope is left out.

    Parameters
    ----------
    sizes
        (n,) Å, of n micrographs.
    optics
        How the microscope was set; None: nobody said.
    labels
        The columns that tell the pixel size.

    Returns
    -------
    table
        The block ``optics``.
    list
        (n,) numbers of the micrographs' groups.
    """
    distinct = list(dict.fromkeys(sizes))
    count = len(distinct)
    name = "opticsGroup1" if optics is None else optics.group
    numbers = [str(number) for number in range(1, count + 1)]
    columns = {
        GROUP_NAME: [name, *(f"{name}-{number}" for number in numbers[1:])],
        GROUP: numbers,
    }
    if optics is not None:
        columns |= {
            "rlnVoltage": [f"{optics.voltage_kv:.6f}"] * count,
            "rlnSphericalAberration": [f"{optics.spherical_aberration_mm:.6f}"] * count,
            "rlnAmplitudeContrast": [f"{optics.amplitude_contrast:.6f}"] * count,
        }
    known = [repr(float(size)) for size in distinct if size is not None]
    columns |= dict.fromkeys(labels, known)
    return StarTable.of(columns), [numbers[distinct.index(size)] for size in sizes]
