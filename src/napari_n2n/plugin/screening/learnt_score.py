"""A score learnt from the verdicts of the person who sits here, once there are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.progress import Progress, Steps
from napari_n2n.quality import calibrated_overall
from napari_n2n.workflow.screening.columns import OWN_SCORE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

FEWEST_VERDICTS = 20
_LEARN_AGAIN_AFTER = 5  # verdicts more, or fewer; a tenth where there are many
_TOLD = (
    "From your verdicts a score of your own has been learnt: the column Your score. "
    "It goes on learning."
)


class OwnScore(QObject):
    """Adds a figure to `MicrographVerdicts`: how likely a person keeps a micrograph, 0 to 100."""

    def __init__(self, verdicts: MicrographVerdicts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._verdicts = verdicts
        self._session: object = None
        self._learnt_from = 0
        self._ids: NDArray[np.int64] = verdicts.overview.ids
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._on_scores)
        verdicts.judgedRows.connect(self._look)
        verdicts.changed.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether it is learning."""
        return self._runner.busy

    def leave(self) -> None:
        """Learn no more."""
        self._verdicts.judgedRows.disconnect(self._look)
        self._verdicts.changed.disconnect(self._look)
        self._runner.stop()

    def _look(self, *_: object) -> None:
        """Learn if there is much new to learn from."""
        overview, session = self._verdicts.overview, self._verdicts.session
        if session is not self._session:
            self._session, self._learnt_from = session, 0
        decided = int((overview.verdicts != "undecided").sum())
        enough = decided >= FEWEST_VERDICTS
        step = max(_LEARN_AGAIN_AFTER, self._learnt_from // 10)
        new = abs(decided - self._learnt_from) >= step or not self._learnt_from
        if enough and new and not self._runner.busy:
            self._learnt_from, self._ids = decided, overview.ids
            figures = {k: v for k, v in overview.figures.items() if k != OWN_SCORE}
            steps = _learning(figures, overview.verdicts.copy())
            self._runner.start("Learning", steps, show=False)

    def _on_scores(self, scores: NDArray[np.float64] | None) -> None:
        if scores is None or self._session is not self._verdicts.session:
            return
        first = OWN_SCORE not in self._verdicts.overview.figures
        self._verdicts.set_figure(OWN_SCORE, self._ids, scores)
        if first:
            self._verdicts.noted.emit(_TOLD)


def _learning(
    figures: Mapping[str, NDArray[np.float64]], verdicts: NDArray[np.str_]
) -> Callable[[Any], Any]:
    def steps(
        _: Callable[[], bool],
    ) -> Steps[NDArray[np.float64] | None]:
        yield Progress("learning", 0, 1)
        scorer = calibrated_overall(figures, verdicts)
        return None if scorer is None else scorer(figures)

    return steps
