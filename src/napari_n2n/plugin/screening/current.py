"""Which micrograph is shown: its picture at once, the next ones read ahead, its keys bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.screening.picture_reader import PictureReader
from napari_n2n.plugin.screening.verdicts import SCREENING_KEYS
from napari_n2n.plugin.screening.view import MicrographView
from napari_n2n.plugin.shared.keys import KeyMap
from napari_n2n.workflow.screening.columns import next_to_judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_n2n.plugin.screening.model import MicrographModel
    from napari_n2n.plugin.screening.spectrum import SpectrumView
    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts


class CurrentMicrograph(QObject):
    """Shows what is current in a `MicrographVerdicts`: its layers, its spectrum.

    Signals
    -------
    shown
        The picture of the current micrograph is on the screen, or it is known that there is none.
    """

    shown = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        verdicts: MicrographVerdicts,
        model: MicrographModel,
        spectrum: SpectrumView,
        act: Callable[[str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._verdicts, self._model = viewer, verdicts, model
        self._spectrum = spectrum
        self.view = MicrographView(viewer, self)
        self.reader = PictureReader(self)
        self.keys = KeyMap(act, SCREENING_KEYS)
        self.diameter_angstrom: float | None = None
        self.reader.came.connect(self._on_came)
        verdicts.currentChanged.connect(self.refresh)

    def open(self) -> None:
        """Show the session of the verdicts from now on."""
        session = self._verdicts.session
        self.reader.open(session)
        diameter = None if session is None else session.setting("diameter_angstrom")
        self.diameter_angstrom = None if diameter is None else float(diameter)
        if session is None:
            self.keys.release()
        else:
            self.keys.bind(self._viewer)
        self.refresh()

    def made_anew(self, micrograph: int) -> None:
        """Show what has been made of a micrograph now."""
        self.reader.forget(micrograph)
        if micrograph == self._verdicts.current:
            self.refresh()
        else:
            self.reader.want(self._wanted())

    def message(self) -> str:
        """Say why there is no picture of the current micrograph; empty if there is one."""
        verdicts = self._verdicts
        row = verdicts.row_of(verdicts.current)
        if row is None:
            return ""
        overview = verdicts.overview
        state = str(overview.states[row])
        problem = self.reader.problem(int(overview.ids[row]))
        if state == "failed":
            return str(overview.messages[row])
        if state == "waiting":
            return "It waits to be screened; what you look at comes first."
        if state == "working":
            return "It is being screened."
        return problem or ("" if self.is_shown else "It is being read.")

    def refresh(self) -> None:
        """Show the current micrograph, and read the next ones."""
        verdicts = self._verdicts
        row = verdicts.row_of(verdicts.current)
        if row is None:
            self.view.hide()
            self._spectrum.set_image(None)
            self.shown.emit()
            return
        self.reader.want(self._wanted())
        micrograph = int(verdicts.overview.ids[row])
        picture = self.reader.get(micrograph)
        if picture is not None:
            size = picture.pixel_size_angstrom
            diameter = self.diameter_angstrom
            self.view.show(
                picture,
                verdicts.overview.names[row],
                None if diameter is None or size is None else diameter / size,
            )
            self._spectrum.set_image(picture.raw.levels[0], size)
            self.shown.emit()
        else:
            # Not the last one under this one's name: nobody shall judge what is not to be seen.
            self.view.hide()
            self._spectrum.set_image(None)
            self.shown.emit()

    @property
    def is_shown(self) -> bool:
        """Whether the picture of the current micrograph is what is on the screen."""
        picture = self.view.picture
        return picture is not None and picture.micrograph == self._verdicts.current

    def leave(self) -> None:
        """Give back the keys and read no more; the layers go."""
        self._verdicts.currentChanged.disconnect(self.refresh)
        self.keys.release()
        self.reader.leave()
        self.view.clear()
        self.view.comparison.rest()

    def _wanted(self) -> list[tuple[int, Path]]:
        """Return what is worth reading: the current one, where space leads, the neighbours."""
        verdicts, order = self._verdicts, self._model.order
        overview = verdicts.overview
        row = verdicts.row_of(verdicts.current)
        rows = [row, next_to_judge(overview, order, row)]
        rows.append(next_to_judge(overview, order, rows[1]) if rows[1] is not None else None)
        place = self._model.place_of(row)
        if place is not None:
            rows += [int(order[p]) for p in (place + 1, place - 1) if 0 <= p < len(order)]
        found: dict[int, Path] = {}
        for one in rows:
            path = None if one is None else overview.paths[one]
            if one is not None and path is not None and overview.states[one] == "done":
                found.setdefault(int(overview.ids[one]), path)
        return [*found.items()]

    def _on_came(self, micrograph: int) -> None:
        if micrograph == self._verdicts.current:
            self.refresh()
