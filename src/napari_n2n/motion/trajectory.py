"""How the specimen moved during a movie."""

import csv
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_atomically
from napari_n2n.io.finding import stem_of
from napari_n2n.io.limits import open_binary


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The displacement of the specimen in every frame, from where it is in the reference frame.

    What is at ``p`` in the reference frame is at ``p + displacement`` in the frame.

    Attributes
    ----------
    shifts_angstrom
        (frame, 2) y, x displacement averaged over the field.
    field_angstrom
        (2, frame, grid y, grid x) displacement on a grid that spans the field from edge to edge, as
        teamtomo's ``DeformationField`` has it; None: the field moved as a whole.
    pixel_size_angstrom
        Of the frames; None: unknown, and every Å here is a pixel.
    reference_frame
        Index of the frame that did not move.
    error_angstrom
        Standard error of a single measurement of a frame's shift, before smoothing; None: nothing
        was measured.
    """

    shifts_angstrom: NDArray[np.float64]
    field_angstrom: NDArray[np.float64] | None
    pixel_size_angstrom: float | None
    reference_frame: int
    error_angstrom: float | None = None

    @property
    def field(self) -> NDArray[np.float64] | None:
        """The same as ``field_angstrom``."""
        return self.field_angstrom

    @property
    def shifts_px(self) -> NDArray[np.float64]:
        """(frame, 2) y, x displacement averaged over the field in pixels."""
        return self.shifts_angstrom / (self.pixel_size_angstrom or 1.0)

    @property
    def first_frame_shift_px(self) -> tuple[float, float]:
        """(y, x) from the reference frame, in which the sums lie, to the first one, in pixels.

        RELION's sums lie in the first: what is at ``p`` here is at ``p`` plus this there.
        """
        y, x = self.shifts_px[0].tolist()
        return y, x

    @property
    def path_length_angstrom(self) -> float:
        """How far the field moved in all, frame by frame."""
        steps = np.diff(self.shifts_angstrom, axis=0)
        return float(np.linalg.norm(steps, axis=1).sum())

    def displacement_angstrom(
        self,
        frame: int,
        y: NDArray[np.float64],  # (rows,) from 0 at the first edge of the field to 1 at the last
        x: NDArray[np.float64],  # (columns,) likewise
    ) -> NDArray[np.float64]:
        """Return the displacement at the crossings of ``y`` and ``x``, (2, rows, columns)."""
        if self.field_angstrom is None:
            whole = self.shifts_angstrom[frame][:, None, None]
            return np.broadcast_to(whole, (2, len(y), len(x))).copy()
        _, _, rows, columns = self.field_angstrom.shape
        knots = np.linspace(0, 1, rows), np.linspace(0, 1, columns)
        degrees = {"kx": min(3, rows - 1), "ky": min(3, columns - 1)}
        return np.stack(
            [
                RectBivariateSpline(*knots, component[frame], **degrees)(y, x)
                for component in self.field_angstrom
            ]
        )

    def write_csv(self, path: Path | str) -> None:
        """Write one row a frame: its shift, and with a field that at every point of the grid.

        The columns name their units; where the pixel size is unknown they are in pixels.

        Raises
        ------
        WriteProblem
            When the disk refuses.
        """
        unit = "px" if self.pixel_size_angstrom is None else "angstrom"
        header = ["frame", f"y_shift_{unit}", f"x_shift_{unit}"]
        columns = [self.shifts_angstrom]
        if self.field_angstrom is not None:
            _, frames, rows, wide = self.field_angstrom.shape
            places = [(row, column) for row in range(rows) for column in range(wide)]
            for row, column in places:
                at = f"at_{row / (rows - 1):g}_{column / (wide - 1):g}_of_height_and_width_{unit}"
                header += [f"y_shift_{at}", f"x_shift_{at}"]
            columns.append(self.field_angstrom.transpose(1, 2, 3, 0).reshape(frames, -1))
        table = np.concatenate(columns, axis=1)
        with write_atomically(path) as beside, beside.open("w", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(header)
            for frame, row in enumerate(table, start=1):
                writer.writerow([frame, *(f"{value:.4f}" for value in row)])


def first_frame_shift_in(
    path: Path | str, pixel_size_angstrom: float | None
) -> tuple[float, float]:
    """Read from ``NAME_motion.csv`` how far the first frame is from the sums, (y, x) in pixels.

    Parameters
    ----------
    path
        As `Trajectory.write_csv` wrote it.
    pixel_size_angstrom
        Of the sums.

    Raises
    ------
    UnreadableFile
        It is not such a file, or it is in Å and the pixel size is not known.
    """
    with open_binary(Path(path)) as handle:
        text = handle.read().decode("utf-8", "replace")
    rows = list(csv.DictReader(text.splitlines()))
    for unit, size in (("px", 1.0), ("angstrom", pixel_size_angstrom)):
        columns = [f"{axis}_shift_{unit}" for axis in "yx"]
        if rows and size is not None and all(column in rows[0] for column in columns):
            with suppress(TypeError, ValueError):
                y, x = (float(rows[0][column]) / size for column in columns)
                return y, x
    raise UnreadableFile(
        path,
        "does not tell how the first frame was moved",
        "Give the NAME_motion.csv that lies beside the sums, and their pixel size.",
    )


def first_frame_shift_beside(
    file: Path, pixel_size_angstrom: float | None
) -> tuple[float, float] | None:
    """Return how far the first frame is from a sum, (y, x) in pixels; None if nothing tells.

    Parameters
    ----------
    file
        The sum; `Trajectory.write_csv` wrote beside it.
    pixel_size_angstrom
        Of the sum.

    Raises
    ------
    UnreadableFile
        As `first_frame_shift_in`.
    """
    motion = file.with_name(f"{stem_of(file)}_motion.csv")
    return first_frame_shift_in(motion, pixel_size_angstrom) if motion.is_file() else None
