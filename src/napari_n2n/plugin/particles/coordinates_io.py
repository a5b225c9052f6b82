"""Particles of the micrograph in hand, from other programs and to them."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_n2n.errors import N2NError
from napari_n2n.export.particle_files import read_picks, write_picks
from napari_n2n.io import stem_of
from napari_n2n.io.coordinates.model import counts_rows_from_the_end
from napari_n2n.motion.halves import is_of_tiff
from napari_n2n.motion.trajectory import first_frame_shift_beside
from napari_n2n.plugin.particles.sessions import file_of
from napari_n2n.plugin.shared.layers import memory_of

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_n2n.plugin.particles.marking import MarkedParticles
    from napari_n2n.plugin.particles.scene import ParticlesScene
    from napari_n2n.plugin.shared.export_form import ExportForm

_FILES = "Coordinates (*.star *.box *.cbox *.csv *.txt *.cs)"


class CoordinatesExchange(QObject):
    """Opens picks and exports them, asking the user for the file.

    Signals
    -------
    opened
        The marking holds the particles of a file.
    said, failed
        What was done, or why it was not: a sentence.
    """

    opened = Signal()
    said = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        scene: "ParticlesScene",
        marking: "MarkedParticles",
        form: "ExportForm",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._scene = scene
        self._marking = marking
        self._form = form

    def propose_names(self, image: "Image") -> None:
        """Fill in what other programs surely call the micrograph, and whether it is mirrored."""
        file = file_of(image)
        name = image.name if file is None else file.name
        is_tiff = file is not None and is_of_tiff(file)
        is_movie = memory_of(image).kind == "sum"
        if is_movie:
            name = f"{stem_of(Path(name))}.mrc"  # as RELION and others call the movie's sum
        self._form.propose(name, mirror_y=is_tiff)

    def open_picks(self, path: Path | None = None) -> None:
        """Show the particles that another program, or an earlier export, has found."""
        field = self._scene.field
        if field is None:
            show_info("Open a micrograph first, then its picks.")
            return
        path = path or self._ask_for_picks()
        if path is None:
            return
        try:
            found, sentence = read_picks(path, field.pixels.shape, self._names())
        except N2NError as problem:
            self.failed.emit(str(problem))
            return
        self._marking.replace_picks(found, self._scene.keep_px, None)
        self.said.emit(sentence)
        self.opened.emit()

    def export_picks(self, path: Path | None = None) -> None:
        """Write the chosen particles in the chosen format, where the user says."""
        field = self._scene.field
        if field is None:
            return
        choice = self._form.value()
        path = path or self._form.ask_for_file(stem_of(Path(choice.micrograph or "particles")))
        if path is None:
            return
        try:
            sentence = write_picks(
                path,
                self._marking.view.particles,
                choice,
                shape=field.pixels.shape,
                pixel_size_angstrom=field.pixel_size_angstrom,
                diameter_angstrom=self._scene.diameter_angstrom,
                first_frame_shift_px=self._first_frame_shift(),
            )
        except N2NError as problem:
            self.failed.emit(str(problem))
            return
        self.said.emit(sentence)

    def _ask_for_picks(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._form, "Open picks", "", _FILES)
        return Path(name) if name else None

    def _first_frame_shift(self) -> tuple[float, float] | None:
        """Return (y, x) px to the first frame of the movie whose sum is shown, if one is."""
        shifts = [memory_of(layer).first_frame_shift_px for layer in self._scene.images]
        field = self._scene.field
        size = None if field is None else field.pixel_size_angstrom
        for file in filter(None, map(file_of, self._scene.images)):
            # Turned, they are for RELION's own sums.
            if self._form.value().mirror_y and not counts_rows_from_the_end(file.name):
                shifts.append(first_frame_shift_beside(file, size))
        return next((shift for shift in shifts if shift is not None), None)

    def _names(self) -> list[str]:
        """Return what a file may call the micrograph that is shown."""
        files = [file_of(layer) for layer in self._scene.images]
        names = [layer.name for layer in self._scene.images]
        return [self._form.value().micrograph, *(f.name for f in files if f is not None), *names]
