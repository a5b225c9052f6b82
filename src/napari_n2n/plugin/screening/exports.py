"""What a session gives to others: the summary report, and the kept micrographs as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QComboBox, QFileDialog, QPushButton, QVBoxLayout, QWidget

from napari_n2n.export.kept import (
    write_figures,
    write_links,
    write_list,
    write_particles,
    write_relion_lists,
)
from napari_n2n.export.report import write_report
from napari_n2n.plugin.shared.controls import row
from napari_n2n.workflow.screening import SETTINGS_KEY, results_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_n2n.export.selection import ExportOutcome
    from napari_n2n.session import Session


@dataclass(frozen=True)
class SessionExport:
    """One kind of export: what it is called, the name proposed, and what writes it."""

    title: str
    proposed: str
    tip: str
    write: Callable[[Path, Session], ExportOutcome]


EXPORTS = (
    SessionExport(
        "RELION STAR of the kept",
        "micrographs.star",
        "The micrographs or movies with their optics group; a list for each kind.",
        write_relion_lists,
    ),
    SessionExport(
        "RELION particles of the kept",
        "particles.star",
        "The particles that were picked or marked on the kept micrographs.",
        write_particles,
    ),
    SessionExport("List of the kept", "kept.txt", "Paths, one a line.", write_list),
    SessionExport(
        "Folder of links, for cryoSPARC",
        "kept",
        "cryoSPARC imports by a wildcard: give it this folder.",
        write_links,
    ),
    SessionExport(
        "Table of all figures (CSV)", "figures.csv", "Of all micrographs.", write_figures
    ),
)


class ExportPanel(QWidget):
    """Chooses what to export; buttons for that and for the report."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        for export in EXPORTS:
            self.kind.addItem(export.title)
            self.kind.setItemData(self.kind.count() - 1, export.tip, 3)  # Qt.ToolTipRole
        self.export_button = QPushButton("Export…")
        self.report_button = QPushButton("Summary report…")
        self.report_button.setToolTip(
            "One HTML page: kept and rejected by reason, figures over the night, best and worst."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(row(self.kind, self.export_button))
        layout.addWidget(self.report_button)

    def value(self) -> SessionExport:
        """Return what is chosen."""
        return EXPORTS[self.kind.currentIndex()]

    def setValue(self, export: SessionExport) -> None:  # noqa: N802
        """Show ``export``."""
        self.kind.setCurrentIndex(EXPORTS.index(export))

    def show_state(self, *, kept: int, total: int) -> None:
        """Offer what makes sense."""
        self.export_button.setEnabled(
            kept > 0 or (total > 0 and self.value().write is write_figures)
        )
        self.report_button.setEnabled(total > 0)

    def ask_for_file(self, title: str, proposed: Path) -> Path | None:
        """Ask where to write; None if the user thinks better of it."""
        name, _ = QFileDialog.getSaveFileName(self, title, str(proposed))
        return Path(name) if name else None


def report_to(path: Path, session: Session) -> ExportOutcome:
    """Write the summary page, with the thumbnails the screening made.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """

    def thumbnail_of(file: Path) -> Path | None:
        found = results_of(session.path, file).thumbnail
        return found if found.exists() else None

    settings = session.setting(SETTINGS_KEY)
    return write_report(path, session, thumbnail_of=thumbnail_of, settings=settings)


def open_in_browser(path: Path) -> None:
    """Show a page with the user's browser."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
