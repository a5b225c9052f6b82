"""All particles of a micrograph side by side, to be judged at a glance."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from napari_n2n.errors import BadValue
from napari_n2n.plugin.particles.gallery_bar import LARGEST_PX, SMALLEST_PX, STEP_PX, GalleryBar
from napari_n2n.plugin.particles.gallery_model import GalleryModel, SortKey
from napari_n2n.plugin.particles.gallery_painter import ParticlePainter
from napari_n2n.plugin.particles.thumbnails import Thumbnails
from napari_n2n.plugin.shared.controls import Underway
from napari_n2n.plugin.shared.looks import FAINT
from napari_n2n.plugin.shared.thumbnail_view import ThumbnailView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray
    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QResizeEvent

    from napari_n2n.io import Particles

HINT = "Pick particles, or click on them in the image."
_WIDTH_PX, _HEIGHT_PX, _LEAST_HEIGHT_PX = 480, 290, 80
_SIDE_PX = 96
_DRAG_MS = 60  # between two announcements of what a rubber band holds


class Gallery(QWidget):
    """A grid of thumbnails of particles; only those in view are cut and drawn.

    It shows and selects; what a key does to the particles is its owner's business, who then calls
    `set_particles` again. No method emits a signal: those come from the user only, so two views
    may follow each other without a loop.

    Signals
    -------
    selectionChanged(list[int])
        The ids the user has selected, in the order shown. While a rubber band is drawn, some
        times a second; always once more at its end.
    activated(int)
        The id that was double-clicked, or current when Enter was pressed.
    keyPressed(str)
        One of the keys given to `set_keys`, spelt as given there.
    """

    selectionChanged = Signal(list)  # noqa: N815 - Qt's way to name signals
    activated = Signal(object)
    keyPressed = Signal(str)  # noqa: N815

    def __init__(self, keys: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: dict[bool, NDArray[Any] | None] = {False: None, True: None}
        self._thumbnails = Thumbnails()
        self._model = GalleryModel(self)
        self._painter = ParticlePainter(self._thumbnails, _SIDE_PX)
        self.view = ThumbnailView(self._model, self._painter)
        self.bar = GalleryBar()
        self._hint = QLabel(HINT)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._hint.setStyleSheet(f"color: {FAINT}; font-size: 13px;")
        self._pages = QStackedWidget()  # napari's docks choke on a layout within a layout
        self._pages.setMinimumHeight(_LEAST_HEIGHT_PX)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addWidget(self._pages, 1)
        self._quiet, self._side = Underway(), 0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DRAG_MS)
        self._later.timeout.connect(self._announce)
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.released.connect(self._on_released)
        self.view.opened.connect(self._on_opened)
        self.view.keyPressed.connect(self._on_key)
        self.view.zoomed.connect(lambda way: self.set_thumbnail_px(self._side + way * STEP_PX))
        self.bar.sortChosen.connect(self.sort_by)
        self.bar.sortAgainClicked.connect(lambda: self.sort_by(self._model.key))
        self.bar.rawChosen.connect(self.show_raw)
        self.bar.sizeChosen.connect(self.set_thumbnail_px)
        self.set_keys(keys)
        self.set_thumbnail_px(_SIDE_PX)
        self._tell()

    # What is shown.

    def set_images(
        self,
        denoised: NDArray[Any] | None,
        raw: NDArray[Any] | None = None,
        pixel_size_angstrom: float | None = None,
    ) -> None:
        """Cut the thumbnails from these images.

        Parameters
        ----------
        denoised, raw
            (y, x) of the same shape, or None where there is none. They are not copied.
        pixel_size_angstrom
            Å, to tell places; None if it is not known.

        Raises
        ------
        BadValue
            Images that are not 2D, or of different shapes.
        """
        given = [image for image in (denoised, raw) if image is not None]
        if len({image.shape for image in given}) > 1:
            raise BadValue(
                f"The denoised and the raw image have the shapes {given[0].shape} and "
                f"{given[1].shape}. Choose the images of one micrograph."
            )
        was_raw = self.bar.raw()
        self._images = {False: denoised, True: raw}
        self._model.pixel_size_angstrom = pixel_size_angstrom
        self.bar.offer_images(denoised=denoised is not None, raw=raw is not None)
        self.show_raw(was_raw if denoised is not None and raw is not None else denoised is None)

    def show_raw(self, raw: bool) -> None:
        """Show thumbnails of the raw image, or of the denoised one."""
        self.bar.show_raw(raw)
        self._thumbnails.set_image(self._images[raw])
        self.view.viewport().update()

    def set_particles(
        self,
        ids: ArrayLike,
        particles: Particles,
        box_px: float,
        *,
        suggested: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        uncertainty: ArrayLike | None = None,
    ) -> None:
        """Show these particles; cheap enough to call after every edit.

        Those that were shown stay selected and where they are; new ones come at the end, unless
        most are new.

        Parameters
        ----------
        ids
            (n,) unlike integers, by which the particles are known outside.
        particles
            n of them.
        box_px
            Side of a thumbnail in pixels of the micrograph.
        suggested
            (n,) the label suggested for each, "" for none. Shown for unlabelled particles.
        probabilities
            (n,) that of the suggested label, 0 to 1.
        uncertainty
            (n,) how unsure the suggestion is, larger is less sure; NaN where there is none.

        Raises
        ------
        BadValue
            Columns of different lengths, an id twice, unknown labels, a box of no size.
        """
        numbers = np.array(ids, np.int64).reshape(-1)
        columns = (numbers, particles, suggested, probabilities, uncertainty)
        self._thumbnails.set_box(box_px)
        if self._model.same_rows(numbers):
            self._thumbnails.forget(self._model.replace(*columns))
        else:
            with self._keeping_place(at_top=False):
                self._thumbnails.forget(self._model.replace(*columns))
        self._pages.setCurrentWidget(self.view if len(particles) else self._hint)
        self.view.viewport().update()
        self._tell()

    def sort_by(self, key: SortKey) -> None:
        """Sort by "score" (best first), "label" or "uncertainty" (least sure first), and go to top.

        Later edits move no thumbnail until this is called, or "Sort again" is pressed.

        Raises
        ------
        BadValue
            An unknown key.
        """
        if key not in get_args(SortKey):
            raise BadValue(f"Particles cannot be sorted by {key!r}.")
        with self._keeping_place(at_top=True):
            self._model.sort_by(key)
        self.bar.show_key(key)
        self._tell()

    def ordered_ids(self) -> list[int]:
        """Return all ids in the order they are shown."""
        ids: list[int] = self._model.ids().tolist()
        return ids

    def thumbnail_px(self) -> int:
        """Return the side of the thumbnails on screen."""
        return self._side

    def set_thumbnail_px(self, side: int) -> None:
        """Show thumbnails of this side on screen, 48 to 160."""
        side = min(max(int(side), SMALLEST_PX), LARGEST_PX)
        if side == self._side:
            return
        self._side = side
        seen = self.view.first_row_in_view()
        self._painter.side = side
        self._thumbnails.set_side(side, self.devicePixelRatioF())
        self.view.cell_size_changed()
        self.bar.show_size(side)
        if seen is not None:
            self.view.scroll_row_to(seen[0], 0)

    # What is selected.

    def selected_ids(self) -> list[int]:
        """Return the selected ids in the order they are shown."""
        ids: list[int] = self._model.ids()[self.view.selected_rows()].tolist()
        return ids

    def select(self, ids: Iterable[int]) -> None:
        """Select these, scroll to them if none is in view, and emit nothing.

        Ids that are not shown are left out.
        """
        rows = self._model.rows(np.fromiter(ids, np.int64))
        if np.array_equal(rows, self.view.selected_rows()):
            if len(rows) and not len(self.view.seen_whole(rows)):
                self.view.scrollTo(self._model.index(int(rows[0])))
            return  # what the user has just selected: keys go on from where they were
        with self._quiet:
            self.view.select_rows(rows)
            if len(rows):
                seen = self.view.seen_whole(rows)
                self.view.make_current(int((seen if len(seen) else rows)[0]))
        self._tell()

    def set_keys(self, keys: Iterable[str]) -> None:
        """Hand these keys on as `keyPressed`, named as in "1", "Delete", "Ctrl+Shift+Z"."""
        self.view.set_keys(keys)

    @contextmanager
    def _keeping_place(self, *, at_top: bool) -> Iterator[None]:
        """Keep what is selected and in view while all rows change; or begin at the top."""
        selected, current = np.array(self.selected_ids(), np.int64), self.view.currentIndex().row()
        current_id = [] if current < 0 else [self._model.cell(current).id]
        seen = None if at_top else self.view.first_row_in_view()
        top_id = [] if seen is None else [self._model.cell(seen[0]).id]
        with self._quiet:
            yield
            self.view.select_rows(self._model.rows(selected))
            row_then, still = self._model.rows(top_id), self._model.rows(current_id)
            if len(still):
                self.view.make_current(int(still[0]))
            elif current >= 0 and len(row_then):  # deleted: keys go on from the next one
                self.view.make_current(min(current, self._model.rowCount() - 1))
        if seen is None or not len(row_then):
            self.view.scrollToTop()
        else:
            self.view.scroll_row_to(int(row_then[0]), seen[1])

    # What the user does.

    def _on_selection(self) -> None:
        if self._quiet:
            return
        if self.view.dragging():
            self._tell()
            if not self._later.isActive():
                self._later.start()
        else:
            self._announce()

    def _on_released(self) -> None:
        if self._later.isActive():
            self._announce()

    def _announce(self) -> None:
        self._later.stop()
        self._tell()
        self.selectionChanged.emit(self.selected_ids())

    def _on_opened(self, index: QModelIndex) -> None:
        self.activated.emit(self._model.cell(index.row()).id)

    def _on_key(self, name: str) -> None:
        self._on_released()  # what is selected is known before the key is
        self.keyPressed.emit(name)

    def _tell(self) -> None:
        n = self._model.rowCount()
        self.bar.show_state(
            particles=n,
            selected=len(self.view.selected_rows()),
            is_sorted=self._model.is_sorted(),
            has_uncertainty=self._model.has_uncertainty,
        )

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size with room for two lines of thumbnails."""
        return QSize(_WIDTH_PX, _HEIGHT_PX)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Follow the window to a screen of another resolution."""
        super().resizeEvent(event)
        self._thumbnails.set_side(self._side, self.devicePixelRatioF())
